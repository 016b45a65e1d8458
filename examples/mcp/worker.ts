/** The example's own app: it is an MCP server, too. */
import { createEdgeApp, mcpServer } from "../../routes/index.ts";
import { greeter, greeting, librarian, visitors } from "./agent.ts";

export default createEdgeApp({
  services: [librarian, greeter, visitors],
  publicServices: [librarian],
  mcp: mcpServer({
    agents: [
      { service: librarian, name: "ask_librarian", description: "Keeps notes on a shelf." },
      { service: greeter, handler: "greet", name: "greet", description: "Greets a visitor by name.", input: greeting },
    ],
  }),
});
