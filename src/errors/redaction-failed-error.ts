import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/**
 * An agent's `redact` failed for a text, which is withheld. The step is not repeated: what a tool did, or a model was paid
 * for, must not happen again. Of a tool's output the model reads it as a tool error; what a model says ends the run.
 */
export class RedactionFailedError extends EdgeAgentError {
  override name = "RedactionFailedError";

  /**
   * @param what The text that was to be redacted, such as `what tool charge gave`.
   * @param problem What was wrong; never a text that was to be redacted.
   */
  constructor(what: string, problem: string) {
    super({
      errorCode: "redaction-failed",
      message: `Cannot redact ${what}: the agent's redact ${problem}. It is withheld; what was done stays done, and is not done again`,
      fields: { what, problem },
    });
  }

  static override isInstance(error: unknown): error is RedactionFailedError {
    return hasErrorCode(error, "redaction-failed");
  }
}
