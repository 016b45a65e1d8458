import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";
import { definedFields } from "./error-fields.ts";

/** What an `McpRequestError` is built from. */
export interface McpRequestFailure {
  /** Name of the server. */
  readonly server: string;
  /** What was asked of it, such as `tools/call search`. */
  readonly operation: string;
  readonly reason: string;
  /** JSON-RPC error code of its answer, if it is one. */
  readonly rpcCode?: number | undefined;
  /** HTTP status of its answer, if that says what is wrong. */
  readonly statusCode?: number | undefined;
}

/** An MCP server refused a request for good, or answered with something that is not MCP. */
export class McpRequestError extends EdgeAgentError {
  override name = "McpRequestError";
  readonly server: string;
  readonly operation: string;
  readonly rpcCode: number | undefined;
  readonly statusCode: number | undefined;

  constructor(failure: McpRequestFailure) {
    const { server, operation, reason, rpcCode, statusCode } = failure;
    const detail = rpcCode ?? (statusCode === undefined ? undefined : `status ${statusCode}`);
    super({
      errorCode: "mcp-request-failed",
      message: `MCP server "${server}" failed ${operation}: ${reason}${detail === undefined ? "" : ` (${detail})`}`,
      fields: definedFields({ server, operation, reason, rpcCode, statusCode }),
    });
    this.server = server;
    this.operation = operation;
    this.rpcCode = rpcCode;
    this.statusCode = statusCode;
  }

  static override isInstance(error: unknown): error is McpRequestError {
    return hasErrorCode(error, "mcp-request-failed");
  }
}
