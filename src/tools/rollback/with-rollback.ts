import { inFiber, requirePlace } from "../../journal/ambient.ts";
import { nextRunName } from "../../journal/context.ts";
import { type OnRollbackFailed, RollbackScope } from "./rollback-scope.ts";

/** Options of `withRollback()`. */
export interface WithRollbackOptions {
  /** Prefix of the step names of what `onRollback()` registers in it. Default `handler`. */
  readonly name?: string;
  /** Called for each compensation that failed for good. Default: that of what is around it. */
  readonly onRollbackFailed?: OnRollbackFailed;
}

/**
 * Runs a piece of a handler that is undone as a whole: when `work` fails terminally or is cancelled, everything that can be
 * undone in it is, in reverse order: what runs of agents in it have done, those too that ended well, and what
 * `onRollback()` has registered. Other runs that are still under way in it are ended first. Inside a context tool it undoes
 * what the tool has done when the tool fails, whatever becomes of the run.
 *
 * @throws what `work` failed with: the same class and code, with a report (`rollbackReport(error)`).
 *
 * @example
 * ```ts
 * run: async (ctx: Context, order: Order) =>
 *   withRollback(async () => {
 *     onRollback("release the stock", () => stock.release(order.id));
 *     await ctx.run("reserve the stock", () => stock.reserve(order.id));
 *     await bookingAgent.generate({ prompt: order.wish });
 *     await ctx.run("charge", () => charge(order)); // A TerminalError here undoes the bookings and the reservation.
 *   }),
 * ```
 */
export async function withRollback<T>(
  work: () => PromiseLike<T>,
  { name = "handler", onRollbackFailed }: WithRollbackOptions = {},
): Promise<T> {
  return inFiber(requirePlace("withRollback()"), (place) => {
    const scope = RollbackScope.enter(place, { name: nextRunName(name), onRollbackFailed });
    return scope.run(async () => work());
  });
}
