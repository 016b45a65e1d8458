import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** A tool call took longer than its `toolMs`. The model reads it as a tool error; the call is not repeated. */
export class ToolTimeoutError extends EdgeAgentError {
  override name = "ToolTimeoutError";
  readonly toolName: string;
  /** The bound, in milliseconds. */
  readonly timeoutMs: number;

  constructor(toolName: string, timeoutMs: number) {
    super({
      errorCode: "tool-timeout",
      message: `Tool ${toolName} did not answer within ${timeoutMs} ms`,
      status: 408,
      fields: { toolName, timeoutMs },
    });
    this.toolName = toolName;
    this.timeoutMs = timeoutMs;
  }

  static override isInstance(error: unknown): error is ToolTimeoutError {
    return hasErrorCode(error, "tool-timeout");
  }
}
