import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** A bound of a budget, and what has been used. */
export interface BudgetExceededInit {
  /** Which bound, such as `totalTokens`. */
  readonly limit: string;
  /** The bound, with what people have allowed since. */
  readonly allowed: number;
  readonly spent: Readonly<Record<string, number | undefined>>;
}

/**
 * A run was about to call a model, and its budget, its conversation's, or that of a run around it is used up.
 *
 * An invoker sees 402: the same request again would spend as much again.
 */
export class BudgetExceededError extends EdgeAgentError {
  override name = "BudgetExceededError";
  /** Whose budget it was, such as `run "weather"`. */
  readonly what: string;
  /** Which bound, such as `totalTokens`. */
  readonly limit: string;
  /** The bound, with what people have allowed since. */
  readonly allowed: number;
  /** What has been used, by bound. */
  readonly spent: Readonly<Record<string, number | undefined>>;

  constructor(what: string, { limit, allowed, spent }: BudgetExceededInit) {
    super({
      errorCode: "budget-exceeded",
      message: `The budget of ${what} is used up: ${limit} is ${spent[limit] ?? 0}, and ${allowed} is allowed. Give it a larger budget, or let people decide (atLimit: "ask")`,
      status: 402,
      fields: { what, limit, allowed, spent },
    });
    this.what = what;
    this.limit = limit;
    this.allowed = allowed;
    this.spent = spent;
  }

  static override isInstance(error: unknown): error is BudgetExceededError {
    return hasErrorCode(error, "budget-exceeded");
  }
}
