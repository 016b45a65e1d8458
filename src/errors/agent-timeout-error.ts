import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** An agent that was called has not answered in time, and was cancelled. */
export class AgentTimeoutError extends EdgeAgentError {
  override name = "AgentTimeoutError";
  /** What was called, as `<service>/<handler>`. */
  readonly target: string;
  /** The bound, in milliseconds. */
  readonly timeoutMs: number;

  constructor(target: string, timeoutMs: number) {
    super({
      errorCode: "agent-timeout",
      message: `${target} has not answered within ${timeoutMs} ms and was cancelled`,
      status: 408,
      fields: { target, timeoutMs },
    });
    this.target = target;
    this.timeoutMs = timeoutMs;
  }

  static override isInstance(error: unknown): error is AgentTimeoutError {
    return hasErrorCode(error, "agent-timeout");
  }
}
