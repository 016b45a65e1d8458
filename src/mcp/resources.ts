/** Resources and prompts of a server. Lists are read to their end. */
import type { MCPClient } from "@ai-sdk/mcp";
import type { JsonObject } from "../journal/json.ts";

/** A resource as its server lists it. */
export interface McpResource {
  readonly uri: string;
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly mimeType?: string | undefined;
}

/** A template of URIs (RFC 6570). */
export interface McpResourceTemplate {
  readonly uriTemplate: string;
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly mimeType?: string | undefined;
}

/** What a server has. */
export interface McpResources {
  readonly resources: readonly McpResource[];
  readonly templates: readonly McpResourceTemplate[];
}

/** What a resource holds: one part, or several when it stands for many. `blob` is base64. */
export interface McpResourceContents {
  readonly contents: readonly (JsonObject & {
    readonly uri: string;
    readonly mimeType?: string | undefined;
    readonly text?: string | undefined;
    readonly blob?: string | undefined;
  })[];
}

/** A prompt as its server lists it. */
export interface McpPrompt {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly arguments?:
    | readonly {
        readonly name: string;
        readonly description?: string | undefined;
        readonly required?: boolean | undefined;
      }[]
    | undefined;
}

const MAX_PAGES = 100;

export async function listResources(client: MCPClient, signal: AbortSignal): Promise<McpResources> {
  const resources: McpResource[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const params = cursor === undefined ? {} : { params: { cursor } };
    const list = await client.listResources({ ...params, options: { signal } });
    for (const { uri, name, title, description, mimeType } of list.resources) {
      resources.push({ uri, name, title, description, mimeType });
    }
    cursor = list.nextCursor;
    if (cursor === undefined) break;
  }
  const { resourceTemplates } = await client
    .listResourceTemplates({ options: { signal } })
    .catch((error: unknown) => notFound(error, { resourceTemplates: [] }));
  const templates = resourceTemplates.map(({ uriTemplate, name, title, description, mimeType }) => {
    return { uriTemplate, name, title, description, mimeType };
  });
  return { resources, templates };
}

export async function readResource(client: MCPClient, uri: string, signal: AbortSignal): Promise<McpResourceContents> {
  const { contents } = await client.readResource({ uri, options: { signal } });
  return { contents };
}

export async function listPrompts(client: MCPClient, signal: AbortSignal): Promise<readonly McpPrompt[]> {
  const prompts: McpPrompt[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const params = cursor === undefined ? {} : { params: { cursor } };
    const list = await client.listPrompts({ ...params, options: { signal } });
    for (const prompt of list.prompts) {
      const { name, title, description, arguments: parameters } = prompt;
      prompts.push({ name, title, description, arguments: parameters });
    }
    cursor = list.nextCursor;
    if (cursor === undefined) return prompts;
  }
  return prompts;
}

/** Servers may have resources, and no templates of them. */
function notFound<T>(error: unknown, instead: T): T {
  if ((error as { readonly code?: unknown }).code === -32_601) return instead;
  throw error;
}
