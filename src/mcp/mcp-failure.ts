/**
 * Tells what became of a request to an MCP server (G6). Called inside steps.
 *
 * | failure | verdict |
 * |---|---|
 * | JSON-RPC error: an unknown tool, wrong arguments, … | terminal: `McpRequestError`; of a tool call the model reads it |
 * | 401, 403, OAuth that needs a person | terminal: `McpUnauthorizedError` |
 * | another 4xx, an answer that is not MCP, a server without what is asked for | terminal: `McpRequestError` |
 * | 408, 409, 425, 429, 5xx | retried, after `retry-after` |
 * | no connection, a connection that broke, no answer in time, anything else | retried |
 *
 * No message holds a header's value.
 */
import { MCPClientError, MCPClientOAuthError, UnauthorizedError } from "@ai-sdk/mcp";
import { McpRequestError } from "../errors/mcp-request-error.ts";
import { McpUnauthorizedError } from "../errors/mcp-unauthorized-error.ts";
import { readMessage, readProperty, readString } from "../errors/read-error.ts";
import { RestateError } from "../restate.ts";
import { STREAM_ENDED } from "./answer-stream.ts";
import type { Secrets } from "./secrets.ts";

/** Where a failure happened. */
export interface FailureFacts {
  readonly server: string;
  /** Such as `tools/call search`. */
  readonly operation: string;
  readonly secrets: Secrets;
}

/** What the transports say when the connection is gone. */
const GONE = /closed|aborted|not connected|reconnection/i;

/** What to throw out of the step. */
export function mcpFailure(error: unknown, { server, operation, secrets }: FailureFacts): Error {
  if (error instanceof RestateError) return error;
  const reason = secrets.redact(readMessage(error)).slice(0, 1_000);
  if (error instanceof UnauthorizedError) {
    const { trouble } = secrets;
    secrets.trouble = undefined;
    if (trouble !== undefined) return trouble;
    return new McpUnauthorizedError(server, 401, "somebody has to authorize this app again");
  }
  if (MCPClientOAuthError.isInstance(error)) {
    if (error.name === "ServerError" || /server_error|unavailable/i.test(reason)) return transient();
    return new McpUnauthorizedError(server, 401, reason);
  }
  if (MCPClientError.isInstance(error)) {
    const { code: rpcCode, statusCode, data } = error;
    if (data === STREAM_ENDED) return transient();
    if (rpcCode !== undefined) return new McpRequestError({ server, operation, reason, rpcCode });
    if (statusCode !== undefined) return new McpRequestError({ server, operation, reason, statusCode });
    return GONE.test(error.message) ? transient() : new McpRequestError({ server, operation, reason: detailed() });
  }
  return transient();

  function transient(): Error {
    const cause = readString(readProperty(error, "cause"), "message");
    const more = cause === undefined ? "" : `: ${secrets.redact(cause).slice(0, 300)}`;
    return new Error(`MCP server "${server}" failed ${operation}: ${reason}${more}`);
  }

  /** The AI SDK says only that it could not read an answer. */
  function detailed(): string {
    const cause = readString(readProperty(error, "cause"), "message");
    return cause === undefined ? reason : `${reason}: ${secrets.redact(cause).slice(0, 300)}`;
  }
}
