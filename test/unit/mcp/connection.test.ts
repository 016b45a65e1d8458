/** What goes over the wire to an MCP server, and what becomes of a connection. */
import { afterEach, expect, test } from "vitest";
import type { Place } from "../../../src/journal/ambient.ts";
import { McpClient, type McpClientOptions, withRestateContext } from "../../../src/index.ts";
import { atServer } from "../../../src/mcp/connection.ts";
import { idempotencyKey } from "../../../src/mcp/idempotency.ts";
import { type FakeOptions, runFake } from "../../../src/testing/in-memory.ts";
import { type ScriptedMcp, startScriptedMcp, text } from "../../mcp/scripted-mcp.ts";
import { type ScriptedSse, startScriptedSse } from "../../mcp/scripted-sse.ts";

const servers: (ScriptedMcp | ScriptedSse)[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(): Promise<ScriptedMcp> {
  const server = await startScriptedMcp({ echo: { call: () => text("echo") } });
  servers.push(server);
  return server;
}

/** Does `work` in a handler. */
function inHandler<T>(
  { url }: { readonly url: string },
  work: (client: McpClient) => PromiseLike<T>,
  options: Partial<McpClientOptions> = {},
  fake: FakeOptions = {},
) {
  const client = new McpClient({ name: "files", url, ...options });
  return runFake((context) => withRestateContext(context, () => work(client)), fake);
}

const ECHO = { ok: true, value: { content: [{ type: "text", text: "echo" }] } };
const SECRET = "key-that-nobody-may-see";

test("a connection that could not be opened is not kept: the next request opens one", async () => {
  const server = await start();
  server.trouble = (method, { n }) => (method === "initialize" && n === 0 ? { status: 401 } : undefined);
  const { outcome, attempts } = await inHandler(server, async (client) => {
    await expect(client.callTool("echo")).rejects.toMatchObject({ errorCode: "mcp-unauthorized" });
    return client.callTool("echo");
  });
  expect([outcome, attempts]).toEqual([ECHO, 1]);
});

test("a server is asked what it speaks, unless that is known, and told that nobody can be asked", async () => {
  const server = await start();
  expect((await inHandler(server, (client) => client.callTool("echo"))).outcome).toEqual(ECHO);
  expect(server.requests.slice(0, 2)).toEqual(["server/discover", "initialize"]);
  expect(server.requests).not.toContain("GET");
  expect(server.clients[0]).toMatchObject({ capabilities: {}, clientInfo: { name: "restate-edge-agents" } });
  expect(server.clients[0]?.["capabilities"]).toEqual({});
  server.requests.length = 0;
  await inHandler(server, (client) => client.callTool("echo"), { discovery: false });
  expect(server.requests).toContain("initialize");
  expect(server.requests).not.toContain("server/discover");
});

test.each([401, 503])("what a server says to the question what it speaks (%i) is passed over", async (status) => {
  const server = await start();
  server.trouble = (method) => (method === "server/discover" ? { status } : undefined);
  const { outcome, attempts } = await inHandler(server, (client) => client.callTool("echo"));
  expect([outcome, attempts]).toEqual([ECHO, 1]);
});

test("who is cancelled while connecting gives that up", async () => {
  const [server, other] = await Promise.all([start(), start()]);
  server.trouble = (method) => (method === "initialize" ? "hang" : undefined);
  other.tools["echo"] = {
    call: async () => {
      await expect.poll(() => server.requests).toContain("initialize");
      return text("echo");
    },
  };
  const second = new McpClient({ name: "other", url: other.url });
  const both = (client: McpClient) => Promise.all([client.callTool("echo"), second.callTool("echo")]);
  // When the other one's answer is stored.
  const { outcome } = await inHandler(server, both, {}, { cancelAt: 3 });
  expect(outcome).toMatchObject({ ok: false, error: { name: "CancelledError" } });
  await expect.poll(() => server.abandoned).toContain("initialize");
});

test("headers are in no message, whatever the server says", async () => {
  const server = await start();
  server.trouble = (method, { n, headers }) =>
    method === "tools/call echo" && n === 0
      ? { status: 503, body: `bad key ${String(headers["x-api-key"])}` }
      : undefined;
  server.tools["echo"] = {
    call: ({ headers }) => {
      throw Object.assign(new Error("no"), { rpc: { code: -32_603, message: `no ${String(headers["x-api-key"])}` } });
    },
  };
  const options = { headers: { "x-api-key": SECRET } };
  const { outcome, journal, logs } = await inHandler(server, (client) => client.callTool("echo"), options);
  expect(outcome).toMatchObject({ ok: false, error: { message: expect.stringContaining("no ***") as string } });
  const told = JSON.stringify(logs) + JSON.stringify(journal.events) + String((outcome as { error?: Error }).error);
  expect(told).not.toContain(SECRET);
});

test("how long to wait before the next try is what the server says, and its text has no secret", async () => {
  const server = await start();
  server.trouble = (method) =>
    method === "tools/list" ? { status: 429, headers: { "retry-after": "7" }, body: `slow down ${SECRET}` } : undefined;
  const options = { name: "files", url: server.url, headers: { authorization: `Bearer ${SECRET}` } };
  const failure = atServer(options, {
    operation: "tools/list",
    signal: undefined,
    run: (client) => client.listTools(),
  });
  await expect(failure).rejects.toMatchObject({
    retryAfter: { milliseconds: 7_000 },
    message: 'MCP server "files" answered 429: slow down ***',
  });
});

test("lists are read to their end, and not beyond a bound", async () => {
  const server = await start();
  server.pageSize = 2;
  for (const n of [1, 2, 3, 4, 5]) {
    server.resources[`file:///${n}`] = { text: "x" };
    server.prompts[`p${n}`] = {};
  }
  const { outcome } = await inHandler(server, async (client) => {
    const [{ resources }, prompts] = await Promise.all([client.resources(), client.prompts()]);
    return [resources.map(({ uri }) => uri), prompts.map(({ name }) => name)];
  });
  const five = [1, 2, 3, 4, 5];
  expect(outcome).toEqual({ ok: true, value: [five.map((n) => `file:///${n}`), five.map((n) => `p${n}`)] });
  server.pageSize = 0;
  server.requests.length = 0;
  await inHandler(server, (client) => client.prompts());
  expect(server.requests.filter((request) => request === "prompts/list")).toHaveLength(100);
});

test("calls of two invocations have different keys, and so have those of one", async () => {
  const at = (id: string, step: string): Promise<string | undefined> =>
    idempotencyKey({ invocation: { sdkContext: { request: () => ({ id }) } }, step } as unknown as Place);
  const keys = await Promise.all([at("inv_1", "a"), at("inv_1", "a"), at("inv_1", "b"), at("inv_2", "a")]);
  expect(keys[0]).toBe(keys[1]);
  expect(new Set(keys).size).toBe(3);
  expect(await idempotencyKey(undefined)).toBeUndefined();
});

test(
  "a server of the older transport is found, and a stream that ends costs a retry",
  { timeout: 30_000 },
  async () => {
    const older = await startScriptedSse();
    servers.push(older);
    older.endsAtCall = true;
    const { outcome, attempts } = await inHandler(older, (client) => client.callTool("echo"), { timeoutMs: 3_600_000 });
    expect([outcome, attempts]).toEqual([{ ok: true, value: { content: [{ type: "text", text: "over SSE" }] } }, 2]);
    const strict = await inHandler(older, (client) => client.callTool("echo"), { transport: "http" });
    expect(strict.outcome).toMatchObject({ ok: false, error: { errorCode: "mcp-request-failed", statusCode: 405 } });
  },
);
