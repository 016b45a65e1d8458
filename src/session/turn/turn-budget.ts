/** The budget of a conversation: what all its turns may use together. Its head keeps what they have used. */
import { BudgetMeter, type BudgetState, type UsageSource } from "../../agent/budget/budget-meter.ts";
import type { SessionHead } from "../session-head.ts";
import type { Session } from "../session.ts";

/** What a turn's budget is made of. */
export interface TurnBudget {
  readonly key: string;
  readonly head: SessionHead;
  /** What the turn uses. */
  readonly ledger: UsageSource;
  /** ISO 8601 */
  readonly startedAt: string;
}

/** The budget that a turn's model calls count for; undefined: the conversation has none. */
export function turnBudget({ name, budget }: Session, turn: TurnBudget): BudgetMeter | undefined {
  if (budget === undefined) return undefined;
  const { key, head, ledger, startedAt } = turn;
  const state = head.budget ?? usedBefore(head);
  const startedMs = Date.parse(startedAt);
  return new BudgetMeter(`conversation "${name}/${key}"`, budget, ledger, { ...state, startedMs });
}

/** A conversation that is older than its budget: its tokens are known. */
function usedBefore({ usage }: SessionHead): BudgetState {
  const { inputTokens, outputTokens, totalTokens } = usage;
  return { spent: { inputTokens, outputTokens, totalTokens } };
}
