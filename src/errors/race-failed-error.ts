import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** None of the agents that raced has answered. */
export class RaceFailedError extends EdgeAgentError {
  override name = "RaceFailedError";
  /** What each failed with, by its name. */
  readonly failures: Readonly<Record<string, string>>;

  constructor(failures: Readonly<Record<string, string>>, cause?: unknown) {
    const all = Object.entries(failures).map(([name, message]) => `${name}: ${message}`);
    super({
      errorCode: "race-failed",
      message: `None of ${all.length} agents has answered: ${all.join("; ")}`,
      fields: { failures },
      cause,
    });
    this.failures = failures;
  }

  static override isInstance(error: unknown): error is RaceFailedError {
    return hasErrorCode(error, "race-failed");
  }
}
