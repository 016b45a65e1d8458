import { DefinitionError } from "../../errors/definition-error.ts";
import { OutsideRollbackError } from "../../errors/outside-rollback-error.ts";
import { requirePlace } from "../../journal/ambient.ts";
import { retryBoundsProblem } from "../../journal/retry-bounds.ts";
import type { StepOptions } from "../../journal/step-host.ts";
import { RollbackScope } from "./rollback-scope.ts";

/** Options of `onRollback()`: retry bounds as in `rollbackOptions` of a tool, and: */
export interface OnRollbackOptions extends StepOptions {
  /**
   * `false`: the compensation is not a journaled step. It runs in the handler, again on replay, and may use
   * `restateContext()`, for instance to call another service. Default true.
   */
  readonly wrap?: boolean;
}

/**
 * Registers how something is undone that a context tool, or a handler inside `withRollback()`, does: should the run, or the
 * `withRollback()` that it happens in, fail terminally or be cancelled later. It is then one journaled step, `<agent>
 * rollback <label>`, retried within bounds. Registered before its step it undoes also what was under way, so it must cope
 * with nothing having happened; registered after it, only what is done.
 *
 * @param label What it does, for the journal and reports.
 * @returns Takes it back: nobody has to undo it any more.
 * @throws OutsideRollbackError where no run and no `withRollback()` is around; DefinitionError for bounds that are none.
 *
 * @example
 * ```ts
 * const bookTrip = contextTool({
 *   inputSchema: z.object({ city: z.string() }),
 *   execute: async ({ city }, { toolCallId }) => {
 *     onRollback("cancel the hotel", () => hotels.cancel(toolCallId));
 *     return restateContext().run("book the hotel", () => hotels.book(toolCallId, city));
 *   },
 * });
 * ```
 */
export function onRollback(
  label: string,
  undo: (scope: { readonly abortSignal: AbortSignal }) => unknown,
  { wrap = true, ...options }: OnRollbackOptions = {},
): () => void {
  const place = requirePlace("onRollback()");
  const scope = RollbackScope.of(place.fiber);
  if (scope === undefined) throw new OutsideRollbackError();
  const problem = retryBoundsProblem(options);
  if (problem !== undefined) throw new DefinitionError(`Cannot register onRollback("${label}"): options${problem}`);
  const act = () => (_output: unknown, abortSignal: AbortSignal) => undo({ abortSignal });
  const own = { run: scope.name, what: { label }, outcome: "unknown", act, options, wrap } as const;
  const compensation = scope.note(own, place);
  return () => scope.forget(compensation);
}
