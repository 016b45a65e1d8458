/** The example's own app: it is an MCP server, too. */
import { createEdgeApp, mcpServer } from "../../routes/index.ts";
import { librarian } from "./agent.ts";

export default createEdgeApp({
  services: [librarian],
  publicServices: [librarian],
  mcp: mcpServer({ agents: [{ service: librarian, name: "ask_librarian", description: "Keeps notes on a shelf." }] }),
});
