import type { AgentRun } from "../agent-run.ts";
import { type Budget, checkBudget } from "./budget.ts";
import { metersOf } from "./budget-bound.ts";
import { BudgetGuard } from "./budget-guard.ts";
import { BudgetMeter, type BudgetState } from "./budget-meter.ts";

/**
 * Puts a guard before the model calls of `run`, when there is a budget that they count for.
 *
 * @param forCall Bounds of this call alone; what they leave out is as the agent's options say.
 * @param state What the segment before has handed over.
 * @throws DefinitionError for bounds that make no sense.
 */
export function startBudget(run: AgentRun, forCall: Budget | undefined, state: BudgetState | undefined): void {
  const budget = forCall === undefined ? run.options.budget : { ...run.options.budget, ...forCall };
  if (forCall !== undefined) checkBudget(`a call of agent "${run.agent}"`, budget ?? {});
  const own = budget === undefined ? undefined : new BudgetMeter(`run "${run.name}"`, budget, run.usage, state);
  const { bounds = [], usage } = run.extras;
  const outer = usage === undefined ? [] : metersOf(bounds, usage, budget);
  const meters = [own, run.extras.budget, ...outer].filter((meter) => meter !== undefined);
  const around = run.parent?.budget;
  if (meters.length === 0 && around === undefined) return;
  run.budget = new BudgetGuard(run, meters, own, around);
}
