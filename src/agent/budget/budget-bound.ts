/**
 * What is left of its caller's budgets, for an agent that is called over Restate: a bound of that call besides its own. What
 * happens when it is reached says its own budget.
 */
import { z } from "zod";
import { BudgetMeter, type UsageSource } from "./budget-meter.ts";
import type { Budget, BudgetBound } from "./budget.ts";

/** The header of a call whose caller has budgets. */
export const BOUNDS_HEADER = "x-restate-edge-agents-bounds";

const amount = z.number().min(0).optional();
const price = z.object({
  input: z.number().min(0),
  output: z.number().min(0),
  cachedInput: amount,
  cacheWrite: amount,
});
const boundSchema = z.object({
  what: z.string(),
  limits: z.object({
    steps: amount,
    inputTokens: amount,
    outputTokens: amount,
    totalTokens: amount,
    cost: amount,
    durationMs: amount,
  }),
  prices: z.record(z.string(), price).optional(),
  maxOutputTokensPerCall: amount,
  startedMs: amount,
});
/** As many as there are callers around: a bound on their number would let the innermost of many go on without any. */
const boundsSchema = z.array(boundSchema);
const OF_CALLER = "its caller, ";

/** The header's value, in ASCII. */
export function writeBounds(bounds: readonly BudgetBound[]): string {
  return encodeURIComponent(JSON.stringify(bounds));
}

/** Reads the header; what cannot be read bounds nothing. Who makes it up can only bound a call of its own. */
export function readBounds(value: string | undefined): readonly BudgetBound[] {
  if (value === undefined) return [];
  try {
    const parsed = boundsSchema.safeParse(JSON.parse(decodeURIComponent(value)));
    return parsed.success ? (parsed.data as readonly BudgetBound[]) : [];
  } catch {
    return [];
  }
}

/**
 * The meters of the bounds.
 *
 * @param source What the call has used, all its invocations together.
 * @param own Says what happens at a bound. People cannot be asked for more of somebody else's budget: then it stops.
 */
export function metersOf(
  bounds: readonly BudgetBound[],
  source: UsageSource,
  { atLimit = "fail", notice }: Pick<Budget, "atLimit" | "notice"> = {},
): readonly BudgetMeter[] {
  return bounds.map(({ what, limits, prices, maxOutputTokensPerCall, startedMs }) => {
    const budget: Budget = {
      ...limits,
      ...(prices === undefined ? {} : { prices }),
      ...(maxOutputTokensPerCall === undefined ? {} : { maxOutputTokensPerCall }),
      atLimit: atLimit === "ask" ? "stop" : atLimit,
      ...(notice === undefined ? {} : { notice }),
    };
    const whose = what.startsWith(OF_CALLER) ? what : `${OF_CALLER}${what}`;
    return new BudgetMeter(whose, budget, source, { startedMs });
  });
}
