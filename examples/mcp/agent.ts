/**
 * Tools of an MCP server, and an agent that is such a tool itself, beside a handler without any model. Which tools the server has, and each call of one, is a
 * journaled step; connections live no longer than a request. The Worker dies in the middle: the calls that have ended are
 * not made again.
 *
 * Ask: `POST /agents/ShelfLibrarian/run` with `"What is on the shelf?"`, or any MCP client: `https://…/mcp`, with an API key.
 */
import { isStepCount } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import {
  agentService,
  type Context,
  McpClient,
  mcpTools,
  object,
  type ObjectContext,
  RestateAgent,
  service,
} from "../../src/index.ts";

/** Address and token come from settings, inside steps; neither is stored. */
const shelf = new McpClient({
  name: "shelf",
  url: () => process.env["SHELF_MCP_URL"] ?? "http://127.0.0.1:3001/mcp",
  headers: () => ({ authorization: `Bearer ${process.env["SHELF_MCP_TOKEN"] ?? ""}` }),
});

const agent = new RestateAgent({
  id: "shelf-librarian",
  model: appModel(),
  instructions: "You keep notes on a shelf. Look before you answer.",
  tools: mcpTools(shelf, {
    prefix: "shelf_",
    filter: ["list_directory", "read_text_file", "write_file"],
    // What only looks may run ahead of acknowledgements. This server says so itself, with `readOnlyHint`.
    toolOptions: { write_file: { readOnly: false } },
  }),
  stopWhen: isStepCount(10),
});

/** Answers with the agent's text. */
export const librarian = agentService("ShelfLibrarian", agent);

/** How often somebody was here: one visitor a key. */
export const visitors = object({
  name: "Visitors",
  handlers: {
    count: async (context: ObjectContext): Promise<number> => {
      const visits = ((await context.get<number>("visits")) ?? 0) + 1;
      context.set("visits", visits);
      return visits;
    },
  },
});

/** What a visitor says. */
export const greeting = z.object({ name: z.string().min(1) });

/** A tool without a model. */
export const greeter = service({
  name: "Greeter",
  handlers: {
    greet: async (context: Context, { name }: z.infer<typeof greeting>): Promise<string> =>
      `Good day ${name}. Visits: ${await context.objectClient(visitors, name).count()}.`,
  },
});
