/** Agents as tools at `/mcp`. Restate is a server that answers as each test wants. */
import { createHash } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { createEdgeApp, type LogLine, mcpServer } from "../../../routes/index.ts";
import {
  agentService,
  agentSession,
  type Context,
  demoModel,
  object,
  type ObjectContext,
  RestateAgent,
  service,
} from "../../../src/index.ts";
import { FakeRestate, refused, returned } from "./agents/fake-restate.ts";

const agent = new RestateAgent({ id: "demo", model: demoModel() });
const guide = agentService("Guide", agent);
const chat = agentSession("Chat", agent, { streams: false });
const echo = service({ name: "Echo", handlers: { run: async (_: Context, text: string) => Promise.resolve(text) } });
const cart = object({
  name: "Cart",
  handlers: { run: async (context: ObjectContext) => Promise.resolve(context.key) },
});
const services = [guide, chat, echo];
const auth: MiddlewareHandler = async (context, next) => {
  const caller = context.req.header("x-caller");
  if (caller !== undefined) context.set("caller", caller);
  await next();
};
const lines: LogLine[] = [];
const app = createEdgeApp({
  services,
  auth,
  mcp: mcpServer({ agents: [guide, chat, echo] }),
  flowControl: ({ callerScope, limitKey }) =>
    callerScope === undefined ? undefined : { scope: callerScope, limitKey },
  log: (line) => lines.push(line),
});

let restate: FakeRestate;
beforeAll(async () => {
  restate = await FakeRestate.start();
});
afterAll(() => restate.close());
beforeEach(() => {
  restate.reset();
  lines.length = 0;
  vi.stubEnv("RESTATE_INGRESS_URL", restate.url);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const hashOf = (caller: string): string => createHash("sha256").update(caller).digest("hex").slice(0, 32);

async function rpc(method: string, params: unknown, headers: Record<string, string> = {}) {
  const response = await app.request("/mcp", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const text = await response.text();
  const [, data = text] = /^data: (.*)$/m.exec(text) ?? [];
  return JSON.parse(data) as { readonly result?: Record<string, unknown>; readonly error?: unknown };
}

const call = (name: string, input: unknown, headers?: Record<string, string>) =>
  rpc("tools/call", { name, arguments: input }, headers);

test("what agentService(), agentSession() and service() made is a tool as it is", async () => {
  const { result } = await rpc("tools/list", {});
  expect(result).toMatchObject({ tools: [{ name: "Guide" }, { name: "Chat" }, { name: "Echo" }] });
  restate.reply = () => returned('"here"');
  expect((await call("Echo", { prompt: "Where?" })).result).toMatchObject({
    content: [{ type: "text", text: "here" }],
  });
  expect(restate.requests.map(({ url, body }) => [url, body])).toEqual([["/restate/call/Echo/run", '"Where?"']]);
});

test("what cannot be called is no tool", () => {
  const of =
    (...agents: Parameters<typeof mcpServer>[0]["agents"]) =>
    (): unknown =>
      mcpServer({ agents });
  expect(of({ service: echo, handler: "say" })).toThrow('Cannot serve "Echo_say" over MCP: Echo has no handler "say"');
  expect(of({ service: chat, handler: "history" })).toThrow("only turns of sessions");
  expect(of(cart)).toThrow("only turns of sessions");
  expect(of(echo, { service: echo })).toThrow('two tools "Echo"');
});

test("other methods are refused, and say which is not", async () => {
  const response = await app.request("/mcp");
  expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
  expect(await response.json()).toMatchObject({ code: "method-not-allowed" });
});

test("a list of messages is refused: its calls would count as one, and share one idempotency key", async () => {
  const message = (id: number) => ({
    jsonrpc: "2.0",
    id,
    method: "tools/call",
    params: { name: "Echo", arguments: { prompt: `Prompt ${id}` } },
  });
  const response = await app.request("/mcp", {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "idempotency-key": "k",
    },
    body: ` ${JSON.stringify([message(1), message(2)])}`,
  });
  expect([response.status, restate.requests]).toEqual([400, []]);
  expect(await response.json()).toMatchObject({ code: "invalid-request" });
});

test("a request is in the log under its route", async () => {
  await rpc("tools/list", {});
  expect(lines).toMatchObject([{ message: "request", route: "/mcp", status: 200 }]);
});

test("why an agent could not be called is in the log, and not in the answer", async () => {
  const broken = createEdgeApp({
    services,
    auth,
    mcp: mcpServer({ agents: [echo] }),
    flowControl: () => {
      throw new Error("the tenants' table is away");
    },
    log: (line) => lines.push(line),
  });
  const response = await broken.request("/mcp", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: "Echo", arguments: { prompt: "Where?" } },
    }),
  });
  const text = await response.text();
  expect(text).toContain("the log of this app says why");
  expect(text).not.toContain("tenants");
  expect(lines).toContainEqual(
    expect.objectContaining({
      message: "failure",
      error: expect.stringContaining("the tenants' table is away") as string,
    }),
  );
});

test("calls of services count where the app says; conversations do not", async () => {
  restate.reply = () => returned('"here"');
  await call("Echo", { prompt: "Where?" }, { "x-caller": "alice", "x-limit-key": "openai" });
  restate.reply = () => returned(JSON.stringify({ turn: "t", text: "Hi." }));
  await call("Chat", { conversation: "c", message: "Hi" }, { "x-caller": "alice" });
  const hash = hashOf("alice");
  expect(restate.requests.map(({ url }) => url)).toEqual([
    `/restate/scope/${hash}/call/Echo/run`,
    `/restate/call/Chat/${encodeURIComponent(`${hash}:c`)}/send`,
  ]);
  expect(restate.requests[0]?.headers["x-restate-limit-key"]).toBe("openai");
});

test("a server without flow control is no server for calls that count", async () => {
  restate.reply = () => refused(400, "scopes require vqueues");
  const { result } = await call("Echo", { prompt: "Where?" }, { "x-caller": "alice" });
  expect(result).toMatchObject({ isError: true, structuredContent: { code: "unsupported-by-server" } });
});

test("a refusal that quotes the key of a conversation shows it as the caller knows it", async () => {
  restate.reply = ({ url }) => refused(400, `cannot invoke ${decodeURIComponent(url)}`);
  const { result } = await call("Chat", { conversation: "c", message: "Hi" }, { "x-caller": "alice" });
  const text = JSON.stringify(result);
  expect(text).toContain("Chat/c/send");
  expect(text).not.toContain(hashOf("alice"));
});
