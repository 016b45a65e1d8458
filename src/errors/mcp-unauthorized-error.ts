import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** An MCP server does not accept the credentials, or wants some: no retry can cure it. */
export class McpUnauthorizedError extends EdgeAgentError {
  override name = "McpUnauthorizedError";
  /** Name of the server. */
  readonly server: string;
  /** HTTP status of its answer: 401 or 403. */
  readonly statusCode: number;

  constructor(server: string, statusCode: number, detail: string) {
    super({
      errorCode: "mcp-unauthorized",
      message: `MCP server "${server}" does not let this app in (${statusCode}): ${detail}`,
      fields: { server, statusCode, detail },
    });
    this.server = server;
    this.statusCode = statusCode;
  }

  static override isInstance(error: unknown): error is McpUnauthorizedError {
    return hasErrorCode(error, "mcp-unauthorized");
  }
}
