/** What a result tells of the budget of its run. */
import type { BudgetExceeded, BudgetSpent } from "./budget.ts";
import type { BudgetGuard } from "./budget-guard.ts";

/** What became of a run's budget. */
export interface BudgetReport {
  /** What the run has used, the agents in its tools included. */
  readonly spent: BudgetSpent;
  /** The bound that stopped the run, its own or one around it; undefined: it ended by itself. */
  readonly exceeded?: BudgetExceeded | undefined;
}

const guards = new WeakMap<object, BudgetGuard>();

/** Notes whose result it is. */
export function reportsOn<R>(result: R, guard: BudgetGuard | undefined): R {
  if (guard !== undefined && typeof result === "object" && result !== null) guards.set(result, guard);
  return result;
}

/**
 * What a run with a budget has used, and whether it was stopped: `result` is what `generate()` or `stream()` of a
 * `RestateAgent` gave; of a stream the report is complete when that has ended. Undefined when there was no budget.
 *
 * @example
 * ```ts
 * const result = await agent.generate({ prompt, budget: { steps: 5, atLimit: "stop" } });
 * if (budgetReport(result)?.exceeded !== undefined) console.warn("Stopped early", budgetReport(result)?.spent);
 * ```
 */
export function budgetReport(result: object): BudgetReport | undefined {
  const guard = guards.get(result);
  const meter = guard?.own ?? guard?.counted[0]?.meter;
  return meter === undefined ? undefined : { spent: meter.spent(), exceeded: guard?.exceeded };
}
