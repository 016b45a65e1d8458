/** Two tools with which a model lists and reads what a server has. */
import { dynamicTool, jsonSchema, type Tool } from "ai";
import { isJsonObject } from "../journal/json.ts";
import { atServer } from "./connection.ts";
import type { McpClientOptions } from "./mcp-options.ts";
import { resourcePart } from "./model-output.ts";
import { listResources, readResource } from "./resources.ts";

/** `list_resources` and `read_resource`. */
export function resourceTools(client: McpClientOptions): Readonly<Record<string, Tool>> {
  return {
    list_resources: dynamicTool({
      description: `Lists the resources of ${client.name}, and the templates of URIs for more of them.`,
      inputSchema: jsonSchema({ type: "object", properties: {}, additionalProperties: false }),
      execute: (_, { abortSignal: signal }) =>
        atServer(client, {
          operation: "resources/list",
          signal,
          run: async (connected, within) => listResources(connected, within),
        }),
    }),
    read_resource: dynamicTool({
      description: `Reads a resource of ${client.name} by its URI.`,
      inputSchema: jsonSchema({
        type: "object",
        properties: { uri: { type: "string" } },
        required: ["uri"],
        additionalProperties: false,
      }),
      execute: (input, { abortSignal: signal }) => {
        const uri = isJsonObject(input) ? String(input["uri"]) : "";
        return atServer(client, {
          operation: `resources/read ${uri}`,
          signal,
          run: async (connected, within) => readResource(connected, uri, within),
        });
      },
      toModelOutput: ({ output }) => {
        const contents = isJsonObject(output) && Array.isArray(output["contents"]) ? output["contents"] : [];
        return { type: "content", value: contents.filter(isJsonObject).map(resourcePart) };
      },
    }),
  };
}
