/** What a run, or a conversation, may use. */
import { DefinitionError } from "../../errors/definition-error.ts";
import type { Approvals } from "../../approvals/approvals.ts";
import type { Prices } from "./prices.ts";

/** What a budget limits. */
export type BudgetLimit = "steps" | "inputTokens" | "outputTokens" | "totalTokens" | "cost" | "durationMs";

/** All of them, in the order in which they are looked at. */
export const BUDGET_LIMITS: readonly BudgetLimit[] = [
  "steps",
  "inputTokens",
  "outputTokens",
  "totalTokens",
  "cost",
  "durationMs",
];

/** What has been used of a budget. Of money and time only when the budget limits them. */
export type BudgetSpent = { readonly [LIMIT in BudgetLimit]?: number | undefined };

/** What is left of one budget for an agent that is called elsewhere: as JSON. */
export interface BudgetBound {
  /** Whose budget it is, for people. */
  readonly what: string;
  readonly limits: Pick<Budget, "steps" | "inputTokens" | "outputTokens" | "totalTokens" | "cost" | "durationMs">;
  readonly prices?: Budget["prices"];
  readonly maxOutputTokensPerCall?: number | undefined;
  /** When its time began, in milliseconds since 1970. */
  readonly startedMs?: number | undefined;
}

/** A bound that was reached. */
export interface BudgetExceeded {
  readonly limit: BudgetLimit;
  /** The bound, with what people have allowed since. */
  readonly allowed: number;
  readonly spent: BudgetSpent;
}

/**
 * Bounds of a run, the agents in its tools included, or of a conversation. They are looked at before each model call, by
 * what the journal has: what a call uses is known when it has ended, so the last call may go over the bound of tokens or
 * money; see `maxOutputTokensPerCall`. Bounds that are left out do not hold.
 */
export interface Budget {
  /** Most model calls. Never more, also by agents that run at the same time. */
  readonly steps?: number;
  readonly inputTokens?: number;
  /** Reasoning included. */
  readonly outputTokens?: number;
  /** Input and output together. */
  readonly totalTokens?: number;
  /** Most money, in the currency of `prices`. */
  readonly cost?: number;
  /** What the models cost. Needed for `cost`: a model without a price fails the run before it is called. */
  readonly prices?: Prices;
  /**
   * Longest time, in milliseconds: of a run since its first model call began, of a conversation while its turns ran. Waiting
   * counts. No model call begins after it; a call or tool that is under way ends first (`timeout.totalMs` ends those too).
   */
  readonly durationMs?: number;
  /**
   * Most output tokens of one model call: each call is asked for at most so many, and for no more than is left. With it
   * only the input of calls can go over a bound. Default: as the agent's settings say.
   */
  readonly maxOutputTokensPerCall?: number;
  /**
   * What happens before a model call when a bound is reached. `fail` (default): the run fails with `BudgetExceededError`.
   * `stop`: the run ends with what there is; its last answer is `notice`, with the raw finish reason `budget-exceeded`. `ask`:
   * people are asked how much more (`approvals` of the agent, or its session); who denies stops the run. An agent with a
   * structured `output` has nothing to stop with: there `stop` fails.
   */
  readonly atLimit?: "stop" | "fail" | "ask";
  /** The last answer of a run that was stopped. Default: a sentence that says so. */
  readonly notice?: string | ((exceeded: BudgetExceeded) => string);
  /** Of `ask`: how long to wait for an answer. Default: that of the approvals. Nobody answered: the run stops. */
  readonly askTimeout?: Approvals["timeout"];
}

/** @throws DefinitionError for a budget that makes no sense. */
export function checkBudget(what: string, budget: Budget): void {
  const wrong = (problem: string): DefinitionError => new DefinitionError(`Cannot define ${what}: budget.${problem}`);
  for (const name of [...BUDGET_LIMITS, "maxOutputTokensPerCall"] as const) {
    const value = budget[name];
    if (value === undefined) continue;
    const isCount = name !== "cost" && name !== "durationMs";
    if (value > 0 && (isCount ? Number.isSafeInteger(value) : Number.isFinite(value))) continue;
    throw wrong(`${name} must be a positive ${isCount ? "integer" : "number"}: current value is ${String(value)}`);
  }
  if (budget.cost !== undefined && budget.prices === undefined) {
    throw wrong("cost needs budget.prices: what each model costs per million tokens");
  }
  for (const [model, price] of Object.entries(budget.prices ?? {})) {
    for (const [name, value] of Object.entries(price)) {
      if (Number.isFinite(value) && value >= 0) continue;
      throw wrong(`prices["${model}"].${name} must be a number of at least 0: current value is ${String(value)}`);
    }
    for (const name of ["input", "output"] as const) {
      if (price[name] === undefined)
        throw wrong(`prices["${model}"] has no ${name}: it is the price of a million tokens`);
    }
  }
  const { atLimit = "fail" } = budget;
  if (!["stop", "fail", "ask"].includes(atLimit)) {
    throw wrong(`atLimit must be "stop", "fail" or "ask": current value is ${String(atLimit)}`);
  }
}
