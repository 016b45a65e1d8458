/** How an MCP server is reached, and what of it an agent gets. */
import type { OAuthClientProvider } from "@ai-sdk/mcp";
import { DefinitionError } from "../errors/definition-error.ts";
import type { StepOptions } from "../journal/step-host.ts";
import type { ToolOptions } from "../tools/tool-options.ts";
import type { McpToolDefinition } from "./tool-list.ts";

/** Headers of requests to an MCP server. */
export type McpHeaders = Readonly<Record<string, string>>;

/** What of a server's tools an agent gets, and how they run. */
export interface McpToolsOptions {
  /** Put before each tool's name, such as `files_`. Default none. */
  readonly prefix?: string | undefined;
  /** Which tools: their names at the server, or a function that is asked for each. Default all. */
  readonly filter?: readonly string[] | ((tool: McpToolDefinition) => boolean) | undefined;
  /**
   * Which tools have no side effect, so that they may run ahead of acknowledgements. Default: those whose server says so
   * with `readOnlyHint`. Say `() => false` for a server that you do not trust with it.
   */
  readonly readOnly?: ((tool: McpToolDefinition) => boolean) | undefined;
  /** Options of single tools, by their names at the server. */
  readonly toolOptions?: Readonly<Record<string, ToolOptions>> | undefined;
  /** Adds the server's instructions to the agent's. Default false: they are a stranger's text. */
  readonly instructions?: boolean | undefined;
  /** Adds two tools with which the model lists and reads the server's resources. Default false. */
  readonly resources?: boolean | undefined;
}

/** How an MCP server is reached. */
export interface McpClientOptions extends McpToolsOptions {
  /** The server's name in step names and messages: letters, digits, `.`, `_` and `-`. */
  readonly name: string;
  /** Where it is; a function is asked inside steps. */
  readonly url: string | (() => string | PromiseLike<string>);
  /**
   * Headers of each request, such as `authorization`. A function is asked inside steps, before each request, so that it may
   * read a binding or renew a token. They are never stored.
   */
  readonly headers?: McpHeaders | (() => McpHeaders | PromiseLike<McpHeaders>) | undefined;
  /** OAuth, as the AI SDK has it; `oauthTokens()` makes one. Asked inside steps; what it knows is never stored. */
  readonly auth?: OAuthClientProvider | undefined;
  /**
   * `http`: Streamable HTTP. `sse`: the transport before it. `auto`, the default: `http`, and `sse` where the server does not
   * know that.
   */
  readonly transport?: "http" | "sse" | "auto" | undefined;
  /**
   * Whether the server is asked first if it speaks a protocol without sessions (2026-07-28). Default true; `false` saves a
   * request for each connection to an older server.
   */
  readonly discovery?: boolean | undefined;
  /** Longest time for one request, in milliseconds; then Restate retries it. Default 60,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * Longest time for a call of a tool whose server tells of progress, in milliseconds: each word of it gives the call
   * `timeoutMs` more, up to this. Default 600,000.
   */
  readonly longestMs?: number | undefined;
  /** Longest time to connect, in milliseconds; then Restate retries it. Default 15,000. */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * What the server asks the user for during a call (elicitation) becomes a question among the approvals of the run. Default
   * true, in runs with `approvals` and in sessions; other servers are told that nobody can be asked.
   */
  readonly elicitation?: boolean | undefined;
  /** Retry bounds of the steps of the server outside of agents. Default: the invocation's retry policy. */
  readonly runOptions?: StepOptions | undefined;
}

const NAME = /^[\w.-]{1,64}$/;
const PREFIX = /^[\w-]{0,32}$/;

/** @throws DefinitionError */
export function checkClient(options: McpClientOptions): void {
  const { name, url, timeoutMs, longestMs, connectTimeoutMs } = options;
  if (!NAME.test(name)) {
    throw new DefinitionError(
      `Cannot define an MCP client: name must consist of up to 64 letters, digits, ".", "_" and "-": current value is "${name}"`,
    );
  }
  if (typeof url === "string" && !/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : "")) {
    throw new DefinitionError(`Cannot define MCP client "${name}": url must be an http:// or https:// URL`);
  }
  for (const [option, value] of Object.entries({ timeoutMs, longestMs, connectTimeoutMs })) {
    if (value === undefined || (Number.isSafeInteger(value) && value > 0)) continue;
    throw new DefinitionError(
      `Cannot define MCP client "${name}": ${option} must be a positive integer: current value is ${value}`,
    );
  }
  checkTools(name, options);
}

/** @throws DefinitionError */
export function checkTools(name: string, { prefix = "" }: McpToolsOptions): void {
  if (PREFIX.test(prefix)) return;
  throw new DefinitionError(
    `Cannot define the tools of MCP server "${name}": prefix must consist of up to 32 letters, digits, "_" and "-": current value is "${prefix}"`,
  );
}
