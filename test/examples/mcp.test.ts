/** The example `mcp`: a real MCP server for its tools, and a real MCP client for its agent. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FilesServer, startFiles } from "../mcp/real-servers.ts";
import { ExampleStack } from "./example-stack.ts";

let stack: ExampleStack;
let files: FilesServer;

beforeAll(async () => {
  files = await startFiles();
  stack = await ExampleStack.start({ entry: "mcp/worker.ts", vars: { SHELF_MCP_URL: files.url } });
}, 120_000);
afterAll(() => Promise.all([stack.stop(), files.stop()]));

test("a client of MCP asks the agent, which uses tools of another MCP server", async () => {
  await writeFile(join(files.folder, "rules.txt"), "Be quiet.");
  const note = join(files.folder, "note.txt");
  stack.replies(
    {
      toolCalls: [
        { id: "c1", name: "shelf_read_text_file", input: { path: join(files.folder, "rules.txt") } },
        { id: "c2", name: "shelf_write_file", input: { path: note, content: "Somebody was here" } },
      ],
    },
    { text: "The rules say: be quiet." },
  );
  const client = new Client({ name: "test", version: "1.0.0" });
  const requestInit = { headers: { authorization: `Bearer ${stack.apiKey}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${stack.worker.url}/mcp`), { requestInit }));
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(["ask_librarian", "greet", "get_result"]);
  const result = await client.callTool({ name: "ask_librarian", arguments: { prompt: "What are the rules?" } });
  const greet = () => client.callTool({ name: "greet", arguments: { name: "Ada" } });
  await greet();
  expect((await greet()).content).toEqual([{ type: "text", text: "Good day Ada. Visits: 2." }]);
  await client.close();
  expect(result.content).toEqual([{ type: "text", text: "The rules say: be quiet." }]);
  expect(await readFile(note, "utf8")).toBe("Somebody was here");
  const told = JSON.stringify(stack.openai.requests.at(-1)?.body);
  expect(told).toContain("Be quiet.");
  const offered = JSON.stringify(stack.openai.requests[0]?.body);
  expect(offered).not.toContain("move_file");
});
