/** An MCP server, as code in handlers sees it. */
import type { ModelMessage } from "ai";
import { requirePlace } from "../journal/ambient.ts";
import { valueForm } from "../journal/codec.ts";
import { invocationCounter } from "../journal/context.ts";
import { mcpStepName, type McpOperation } from "../journal/step-names.ts";
import { runStep } from "../journal/step.ts";
import { plainCodec } from "../journal/stored-form.ts";
import type { LoadTools, ToolSource } from "../tools/tool-source.ts";
import { callTool } from "./call-tool.ts";
import { atServer, type McpWork } from "./connection.ts";
import { checkClient, type McpClientOptions } from "./mcp-options.ts";
import { loader } from "./mcp-tools.ts";
import { promptMessages } from "./prompt-messages.ts";
import {
  listPrompts,
  listResources,
  type McpPrompt,
  type McpResourceContents,
  type McpResources,
  readResource,
} from "./resources.ts";

/**
 * An MCP server, reached over Streamable HTTP, from inside journaled steps only. Its tools are an agent's by
 * `tools: { ...mcpTools(client) }` or by the option `mcp: [client]`; its methods are for handlers and context tools, and each is
 * one journaled step, `mcp <server> <what>`.
 *
 * Connections are opened in the step that needs one, shared by the steps of an attempt, and closed at its end.
 *
 * @example
 * ```ts
 * const files = new McpClient({
 *   name: "files",
 *   url: "https://mcp.example.com/mcp",
 *   headers: () => ({ authorization: `Bearer ${env.FILES_TOKEN}` }),
 * });
 * const agent = new RestateAgent({ id: "clerk", model }, { mcp: [files] });
 * ```
 *
 * @throws DefinitionError when an option is wrong.
 */
export class McpClient implements ToolSource {
  readonly options: McpClientOptions;
  /** How a run of an agent gets the server's tools. */
  readonly loadTools: LoadTools;

  constructor(options: McpClientOptions) {
    checkClient(options);
    this.options = options;
    this.loadTools = loader(options);
  }

  /** The server's name in step names. */
  get name(): string {
    return this.options.name;
  }

  /**
   * Calls a tool; its own error is a result with `isError`.
   *
   * @throws McpRequestError when the server refuses the call, for want of such a tool for example.
   * @throws McpUnauthorizedError
   */
  callTool(name: string, input: Readonly<Record<string, unknown>> = {}): PromiseLike<unknown> {
    return this.#step("call", name, (signal) => callTool(this.options, name, input, signal));
  }

  /** What resources the server has, and templates of more. Throws as `callTool()`. */
  resources(): PromiseLike<McpResources> {
    return this.#request("resources", undefined, {
      operation: "resources/list",
      run: (client, signal) => listResources(client, signal),
    });
  }

  /** Reads a resource. Throws as `callTool()`. */
  resource(uri: string): PromiseLike<McpResourceContents> {
    return this.#request("resource", uri, {
      operation: `resources/read ${uri}`,
      run: (client, signal) => readResource(client, uri, signal),
    });
  }

  /** What prompts the server has. Throws as `callTool()`. */
  prompts(): PromiseLike<readonly McpPrompt[]> {
    return this.#request("prompts", undefined, {
      operation: "prompts/list",
      run: (client, signal) => listPrompts(client, signal),
    });
  }

  /** The messages of a prompt, to be given to a model. Throws as `callTool()`. */
  async prompt(name: string, values: Readonly<Record<string, string>> = {}): Promise<ModelMessage[]> {
    const result = await this.#request<unknown>("prompt", name, {
      operation: `prompts/get ${name}`,
      run: (client, signal) => client.getPrompt({ name, arguments: { ...values }, options: { signal } }),
    });
    return promptMessages(result);
  }

  /** What the server says of how it is to be used; undefined: nothing. Throws as `callTool()`. */
  instructions(): PromiseLike<string | undefined> {
    return this.#request("instructions", undefined, {
      operation: "initialize",
      run: async (client) => client.instructions,
    });
  }

  #request<T>(
    what: McpOperation,
    target: string | undefined,
    work: Pick<McpWork<T>, "operation" | "run">,
  ): PromiseLike<T> {
    return this.#step(what, target, (signal) => atServer(this.options, { ...work, signal }));
  }

  #step<T>(what: McpOperation, target: string | undefined, work: (signal: AbortSignal) => Promise<T>): PromiseLike<T> {
    const place = requirePlace(`McpClient "${this.name}"`);
    const plain = mcpStepName(this.name, what, target);
    const name = mcpStepName(this.name, what, target, invocationCounter(plain));
    const codec = plainCodec(valueForm);
    const result = runStep<unknown>(place, name, ({ signal }) => work(signal), codec, this.options.runOptions);
    return result as PromiseLike<T>;
  }
}
