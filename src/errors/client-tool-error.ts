import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** A tool that the client executes gave no output, or one that cannot be used. The model reads it as a tool error. */
export class ClientToolError extends EdgeAgentError {
  override name = "ClientToolError";
  readonly toolName: string;

  /** @param problem What was wrong, for the model. */
  constructor(toolName: string, problem: string) {
    super({
      errorCode: "client-tool-failed",
      message: `Tool ${toolName} failed in the client: ${problem}`,
      status: 422,
      fields: { toolName, problem },
    });
    this.toolName = toolName;
  }

  static override isInstance(error: unknown): error is ClientToolError {
    return hasErrorCode(error, "client-tool-failed");
  }
}
