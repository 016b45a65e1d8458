/** The list of a server's tools, as a step stores it. Stored forms are a contract: members may be added. */
import type { MCPClient } from "@ai-sdk/mcp";
import { isJsonObject, type JsonObject } from "../journal/json.ts";
import type { McpToolsOptions } from "./mcp-options.ts";

/** A tool as its server describes it. */
export interface McpToolDefinition {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  /** JSON Schema of its input. */
  readonly inputSchema: JsonObject;
  /** What the server says of its effects. A stranger's word. */
  readonly annotations?: McpToolAnnotations | undefined;
  readonly _meta?: JsonObject | undefined;
}

/** What a server says of a tool's effects. */
export interface McpToolAnnotations {
  readonly title?: string | undefined;
  readonly readOnlyHint?: boolean | undefined;
  readonly destructiveHint?: boolean | undefined;
  readonly idempotentHint?: boolean | undefined;
  readonly openWorldHint?: boolean | undefined;
}

/** What the step `<agent> mcp <server> list` gives. */
export interface ToolList {
  readonly server: { readonly name: string; readonly version: string };
  readonly protocol: string;
  readonly tools: readonly McpToolDefinition[];
  readonly instructions?: string;
  readonly hasResources?: boolean;
}

/** Most pages of a list: a server that never ends one must not hold a step for ever. */
const MAX_PAGES = 100;

/** Asks the server. What nobody needs in a run, such as icons and output schemas, is not stored. */
export async function readToolList(
  client: MCPClient,
  signal: AbortSignal,
  { filter, instructions = false, resources = false }: McpToolsOptions,
): Promise<ToolList> {
  const { serverInfo, protocolVersion, capabilities } = client.initializeResult;
  const tools: McpToolDefinition[] = [];
  const hasTools = capabilities.tools !== undefined;
  let cursor: string | undefined;
  for (let page = 0; hasTools && page < MAX_PAGES; page++) {
    const list = await client.listTools({
      ...(cursor === undefined ? {} : { params: { cursor } }),
      options: { signal },
    });
    tools.push(...list.tools.map(definitionOf));
    cursor = list.nextCursor;
    if (cursor === undefined) break;
  }
  const isWanted =
    filter === undefined
      ? () => true
      : typeof filter === "function"
        ? filter
        : ({ name }: McpToolDefinition) => filter.includes(name);
  return {
    server: { name: serverInfo.name, version: serverInfo.version },
    protocol: protocolVersion,
    tools: tools.filter((tool) => isWanted(tool)),
    ...(instructions && client.instructions !== undefined ? { instructions: client.instructions } : {}),
    ...(resources && capabilities.resources !== undefined ? { hasResources: true } : {}),
  };
}

type Listed = Awaited<ReturnType<MCPClient["listTools"]>>["tools"][number];

function definitionOf({ name, title, description, inputSchema, annotations, _meta }: Listed): McpToolDefinition {
  return {
    name,
    ...(title === undefined ? {} : { title }),
    ...(description === undefined || description === "" ? {} : { description }),
    inputSchema,
    ...(annotations === undefined ? {} : { annotations }),
    ...(isJsonObject(_meta) ? { _meta } : {}),
  };
}
