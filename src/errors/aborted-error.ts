import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** The caller's `abortSignal` ended a step. Recorded, so a replay ends the same way. */
export class AbortedError extends EdgeAgentError {
  override name = "AbortedError";
  /** Name of the step that was aborted. */
  readonly step: string;

  constructor(step: string, reason?: unknown) {
    super({
      errorCode: "aborted",
      message: `The step "${step}" was aborted by its caller's abortSignal`,
      status: 499,
      fields: { step },
      cause: reason,
    });
    this.step = step;
  }

  static override isInstance(error: unknown): error is AbortedError {
    return hasErrorCode(error, "aborted");
  }
}
