import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** An agent that another one had called was cancelled by somebody else. Its caller goes on. */
export class AgentCancelledError extends EdgeAgentError {
  override name = "AgentCancelledError";
  /** What was called, as `<service>/<handler>`. */
  readonly target: string;

  constructor(target: string) {
    super({
      errorCode: "agent-cancelled",
      message: `${target} was cancelled before it answered`,
      status: 409,
      fields: { target },
    });
    this.target = target;
  }

  static override isInstance(error: unknown): error is AgentCancelledError {
    return hasErrorCode(error, "agent-cancelled");
  }
}
