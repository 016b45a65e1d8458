import { afterEach, expect, test } from "vitest";
import { type Context, McpClient, type McpClientOptions, withRestateContext } from "../../../src/index.ts";
import { type FakeOptions, runFake } from "../../../src/testing/in-memory.ts";
import { type ScriptedMcp, startScriptedMcp, text } from "../../mcp/scripted-mcp.ts";

const servers: ScriptedMcp[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function inHandler<T>(
  work: (client: McpClient, context: Context, server: ScriptedMcp) => PromiseLike<T>,
  options: Partial<McpClientOptions> = {},
  fake: FakeOptions = {},
) {
  const server = await startScriptedMcp({ echo: { call: ({ input }) => text(JSON.stringify(input)) } });
  server.resources = {
    "file:///a b.txt": { text: "hello", mimeType: "text/plain" },
    "file:///p.png": { blob: "iVBORw0KGgo=", mimeType: "image/png" },
  };
  server.prompts = {
    greet: {
      messages: [
        { role: "user", content: { type: "text", text: "Greet Ann" } },
        { role: "user", content: { type: "image", data: "iVBORw0KGgo=", mimeType: "image/png" } },
        { role: "assistant", content: { type: "text", text: "Hello Ann" } },
        { role: "user", content: { type: "resource", resource: { uri: "file:///a.txt", text: "more" } } },
      ],
    },
  };
  server.instructions = "Be nice.";
  servers.push(server);
  const client = new McpClient({ name: "files", url: server.url, ...options });
  const result = await runFake((context) => withRestateContext(context, (own) => work(client, own, server)), fake);
  return { ...result, server };
}

test("each request of a handler is a step, and what is asked again has a number", async () => {
  const { outcome, journal } = await inHandler(async (client) => [
    await client.resources(),
    await client.resource("file:///a b.txt"),
    await client.resource("file:///a b.txt"),
    await client.prompts(),
    await client.instructions(),
    await client.callTool("echo", { a: 1 }),
  ]);
  expect(journal.commands).toEqual([
    "run mcp files resources",
    "run mcp files resource file:///a%20b.txt",
    "run mcp files resource file:///a%20b.txt #2",
    "run mcp files prompts",
    "run mcp files instructions",
    "run mcp files call echo",
  ]);
  const contents = { contents: [{ uri: "file:///a b.txt", text: "hello", mimeType: "text/plain" }] };
  expect(outcome).toEqual({
    ok: true,
    value: [
      {
        resources: [
          expect.objectContaining({ uri: "file:///a b.txt" }),
          expect.objectContaining({ uri: "file:///p.png" }),
        ],
        templates: [],
      },
      contents,
      contents,
      [{ name: "greet" }],
      "Be nice.",
      { content: [{ type: "text", text: '{"a":1}' }] },
    ],
  });
});

test("a prompt is messages for a model", async () => {
  const { outcome } = await inHandler((client) => client.prompt("greet", { name: "Ann" }));
  expect(outcome).toEqual({
    ok: true,
    value: [
      { role: "user", content: [{ type: "text", text: "Greet Ann" }] },
      { role: "user", content: [{ type: "file", mediaType: "image/png", data: "iVBORw0KGgo=" }] },
      { role: "assistant", content: "Hello Ann" },
      { role: "user", content: [{ type: "text", text: "more" }] },
    ],
  });
});

test("what a server refuses is a terminal error with its code, which survives the journal", async () => {
  const { outcome, attempts } = await inHandler(
    async (client) => client.resource("file:///none"),
    {},
    { crashAt: "every" },
  );
  expect(outcome).toMatchObject({
    ok: false,
    error: { errorCode: "mcp-request-failed", rpcCode: -32_002, operation: "resources/read file:///none" },
  });
  expect(attempts).toBeGreaterThan(1);
});

test("requests in parallel share one connection", async () => {
  const { server } = await inHandler((client) =>
    Promise.all([client.resources(), client.prompts(), client.callTool("echo")]),
  );
  expect(server.requests.filter((request) => request === "initialize")).toHaveLength(1);
});

test("headers are asked for before each request, inside steps, and a replay asks nobody", async () => {
  let asked = 0;
  const options = { headers: () => ({ authorization: `Bearer token-number-${++asked}` }) };
  const { server, journal } = await inHandler(async (client) => {
    await client.callTool("echo");
    await client.callTool("echo");
  }, options);
  expect(server.effects.map(({ headers }) => headers.authorization)).toHaveLength(2);
  expect(new Set(server.effects.map(({ headers }) => headers.authorization)).size).toBe(2);
  const before = asked;
  await inHandler(
    async (client) => {
      await client.callTool("echo");
      await client.callTool("echo");
    },
    options,
    { journal },
  );
  expect(asked).toBe(before);
});

test("outside of a handler it says what to do", async () => {
  const client = new McpClient({ name: "files", url: "http://127.0.0.1:1/mcp" });
  expect(() => client.resources()).toThrow(/outside of a Restate handler|inside/i);
});

test("two attempts never share a connection", async () => {
  const { server } = await inHandler(
    async (client, context) => {
      await client.callTool("echo");
      await context.sleep(1_000);
      await client.callTool("echo");
    },
    {},
    { mode: "request-response" },
  );
  expect(new Set(server.effects.map(({ session }) => session)).size).toBe(2);
});

test("a redirect is refused: headers with secrets would go along", async () => {
  const { outcome, server } = await inHandler(async (client, _, scripted) => {
    scripted.trouble = () => ({ status: 307, headers: { location: "http://127.0.0.1:1/elsewhere" } });
    return client.callTool("echo");
  });
  expect(outcome).toMatchObject({ ok: false, error: { errorCode: "mcp-request-failed" } });
  expect(server.effects).toEqual([]);
});

test.each([404, 405])("a URL where there is no MCP (%i) is a terminal error", async (status) => {
  const { outcome } = await inHandler(async (client, _, scripted) => {
    scripted.trouble = () => ({ status });
    return client.callTool("echo");
  });
  expect(outcome).toMatchObject({ ok: false, error: { errorCode: "mcp-request-failed", statusCode: status } });
});
