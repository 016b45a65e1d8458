/** The tools of an MCP server, as an agent's. */
import { dynamicTool, jsonSchema, type Tool, type ToolSet } from "ai";
import { ToolClashError } from "../errors/tool-clash-error.ts";
import { mcpListStepName } from "../journal/step-names.ts";
import { PAUSING } from "../tools/pausing-tool.ts";
import type { ToolOptions } from "../tools/tool-options.ts";
import { type LoadedTools, type LoadTools, type SourceHost, type ToolSource } from "../tools/tool-source.ts";
import { callTool, pausing } from "./call-tool.ts";
import { atServer } from "./connection.ts";
import type { McpClient } from "./mcp-client.ts";
import { checkTools, type McpClientOptions, type McpToolsOptions } from "./mcp-options.ts";
import { toModelOutput } from "./model-output.ts";
import { resourceTools } from "./resource-tools.ts";
import { type McpToolDefinition, readToolList, type ToolList } from "./tool-list.ts";

/** What providers take for a tool's name. */
const MAX_NAME_LENGTH = 64;

/**
 * The tools of an MCP server among those of an agent. Which they are shows in a run: it asks the server by the journaled step
 * `<agent> mcp <server> list`, once, and each call is a step as that of any tool. A replay asks nobody.
 *
 * @param options Stand before those of the client.
 *
 * @example
 * ```ts
 * const files = new McpClient({ name: "files", url: "https://mcp.example.com/mcp" });
 * const agent = new RestateAgent({ id: "clerk", model, tools: { ...local, ...mcpTools(files, { prefix: "files_" }) } });
 * ```
 *
 * @throws DefinitionError when an option is wrong. A run fails with `tool-clash` when two tools have one name.
 */
export function mcpTools(client: McpClient, options: McpToolsOptions = {}): ToolSet {
  checkTools(client.name, options);
  const source: ToolSource = { loadTools: loader(client.options, options) };
  // A key of its own: it survives `{ ...local, ...mcpTools(one), ...mcpTools(other) }`, and no model sees it.
  return { [Symbol(`mcp ${client.name}`)]: source };
}

/** How a run gets the tools of a server. */
export function loader(client: McpClientOptions, own: McpToolsOptions = {}): LoadTools {
  const options = { ...client, ...own };
  return async (host) => {
    const step = mcpListStepName(host.run, client.name);
    const list = host.steps.step<unknown>(
      step,
      ({ signal }) =>
        atServer(client, {
          operation: "tools/list",
          signal,
          run: (connected, within) => readToolList(connected, within, options),
        }),
      host.codec(step),
      host.stepOptions,
    );
    return toolsOf((await list) as ToolList, client, options, host);
  };
}

function toolsOf(list: ToolList, client: McpClientOptions, own: McpToolsOptions, host: SourceHost): LoadedTools {
  const { prefix = "", readOnly = isReadOnly, toolOptions = {} } = own;
  const tools: Record<string, Tool> = {};
  const options: Record<string, ToolOptions> = {};
  const canAsk = host.canAsk && client.elicitation !== false;
  const from = `MCP server "${client.name}"`;
  const add = (own: string, tool: Tool, isReadOnlyTool: boolean): void => {
    const name = toolName(prefix, own);
    // Two names of the server's may be one to providers.
    if (Object.hasOwn(tools, name)) throw new ToolClashError(host.run, name, from, from);
    tools[name] = tool;
    options[name] = { wrap: true, readOnly: isReadOnlyTool, ...ownOption(toolOptions, own) };
  };
  for (const definition of list.tools) {
    add(definition.name, toolOf(definition, client, canAsk), readOnly(definition));
  }
  if (list.hasResources === true) {
    for (const [name, tool] of Object.entries(resourceTools(client))) add(name, tool, true);
  }
  const { instructions } = list;
  return { from, tools, options, instructions };
}

/** Servers may name tools as they like; most providers take only these characters. */
function toolName(prefix: string, name: string): string {
  return `${prefix}${name.replaceAll(/[^\w-]/g, "_")}`.slice(0, MAX_NAME_LENGTH);
}

function isReadOnly({ annotations }: McpToolDefinition): boolean {
  return annotations?.readOnlyHint === true;
}

function ownOption(options: Readonly<Record<string, ToolOptions>>, name: string): ToolOptions | undefined {
  return Object.hasOwn(options, name) ? options[name] : undefined;
}

function toolOf(definition: McpToolDefinition, client: McpClientOptions, canAsk: boolean): Tool {
  const { name, description, inputSchema, annotations, _meta } = definition;
  const title = definition.title ?? annotations?.title;
  const { properties = {}, additionalProperties = false } = inputSchema;
  const tool = dynamicTool({
    ...(description === undefined ? {} : { description }),
    ...(title === undefined ? {} : { title }),
    metadata: {
      clientName: client.name,
      toolName: name,
      ...(title === undefined ? {} : { title }),
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
    },
    inputSchema: jsonSchema({ type: "object", ...inputSchema, properties, additionalProperties } as Parameters<
      typeof jsonSchema
    >[0]),
    execute: (input, { abortSignal }) => callTool(client, name, input, abortSignal, canAsk ? [] : undefined),
    toModelOutput,
  });
  return Object.assign(tool, {
    ...(_meta === undefined ? {} : { _meta }),
    ...(canAsk ? { [PAUSING]: () => pausing(client, name) } : {}),
  }) as Tool;
}
