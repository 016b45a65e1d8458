/** Agents as tools at `/mcp`. Restate is a server that answers as each test wants. */
import { createHash } from "node:crypto";
import { discoverOAuthProtectedResourceMetadata, extractWWWAuthenticateParams } from "@modelcontextprotocol/client";
import type { MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
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
import { accepted, FakeRestate, ID, refused, returned } from "./agents/fake-restate.ts";

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

async function rpc(method: string, params: unknown, headers: Record<string, string> = {}, at = app) {
  const response = await at.request("/mcp", {
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
  expect(result).toMatchObject({
    tools: [{ name: "Guide" }, { name: "Chat" }, { name: "Echo" }, { name: "get_result" }],
  });
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
  expect(of({ service: echo, name: "get_result" })).toThrow('two tools "get_result"');
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

/** Its calls wait for a moment only. */
const hasty = createEdgeApp({
  services,
  auth,
  mcp: mcpServer({ agents: [guide, chat, echo], waitMs: 1_000 }),
  flowControl: ({ callerScope }) => (callerScope === undefined ? undefined : { scope: callerScope }),
  log: false,
});

/** Runs take long; their results are there when somebody waits for them. */
function slow(result: string): void {
  restate.reply = ({ url }) => {
    if (url.includes("/call/")) return "hang";
    if (url.includes("/send/")) return accepted();
    if (url === "/restate/lookup") return { status: 200, body: JSON.stringify({ invocationId: ID }) };
    return returned(result);
  };
}

/** Calls, and then does what the answer says, as a model does. */
async function callAndFollow(name: string, input: Record<string, unknown>, caller: Record<string, string>) {
  const first = await rpc("tools/call", { name, arguments: input }, caller, hasty);
  const text = JSON.stringify(first.result?.["content"]).replaceAll('\\"', '"');
  const [, tool = "", next = ""] = /Call the tool (\w+) with (\{.*?\})/.exec(text) ?? [];
  const second = await rpc("tools/call", { name: tool, arguments: JSON.parse(next) as object }, caller, hasty);
  return { first: first.result, next: JSON.parse(next) as Record<string, string>, second: second.result };
}

test("a run that goes on says which tool waits for it, and how; nothing is begun by that", async () => {
  slow('"late"');
  const { first, next, second } = await callAndFollow("Echo", { prompt: "Slowly" }, {});
  expect(first).toMatchObject({ structuredContent: { status: "running", idempotencyKey: next["run"] } });
  expect(next).toEqual({ tool: "Echo", run: expect.any(String) as string });
  expect(second).toMatchObject({ content: [{ type: "text", text: "late" }] });
  const [lookup, attach, ...more] = restate.requests.slice(2);
  expect([lookup?.url, attach?.url, more]).toEqual(["/restate/lookup", `/restate/attach/${ID}`, []]);
  expect(JSON.parse(lookup?.body ?? "")).toEqual({
    target: "idempotentInvocation",
    service: "Echo",
    handler: "run",
    idempotencyKey: next["run"],
  });
});

test("whose run it is follows from who asks: a stranger looks for another", async () => {
  slow(JSON.stringify({ turn: "t", text: "Hi." }));
  const alice = { "x-caller": "alice" };
  const { next, second } = await callAndFollow("Chat", { conversation: "c", message: "Hello" }, alice);
  expect(second).toMatchObject({ content: [{ type: "text", text: "Hi." }] });
  const echoed = await callAndFollow("Echo", { prompt: "Slowly" }, alice);
  const hash = hashOf("alice");
  const lookups = restate.requests.filter(({ url }) => url === "/restate/lookup");
  expect(lookups.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
    { target: "idempotentInvocation", service: "Chat", key: `${hash}:c`, handler: "send", idempotencyKey: next["run"] },
    {
      target: "idempotentInvocation",
      service: "Echo",
      handler: "run",
      idempotencyKey: `${hash}:${echoed.next["run"]}`,
      scope: hash,
    },
  ]);
});

test("a run that is none, and a tool that is none, are errors", async () => {
  restate.reply = ({ url }) =>
    url === "/restate/lookup"
      ? { status: 200, body: JSON.stringify({ invocationId: ID }) }
      : refused(404, "not found", url.includes("/attach/") ? "invocation" : "ingress");
  const of = (tool: string) => rpc("tools/call", { name: "get_result", arguments: { tool, run: "none" } }, {}, hasty);
  expect((await of("Echo")).result).toMatchObject({
    isError: true,
    structuredContent: { code: "invocation-not-found" },
  });
  expect((await of("Hidden")).result).toMatchObject({ isError: true, structuredContent: { code: "not-found" } });
});

test("a page of another origin is let in by cors alone", async () => {
  const openTo = (origin: string | (() => string)): typeof app =>
    createEdgeApp({ services, auth, mcp: mcpServer({ agents: [echo] }), cors: { origin }, log: false });
  const open = openTo("https://page.example");
  const statusOf = async (at: typeof app, origin: string): Promise<number> => {
    const response = await at.request("https://app.example/mcp", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json, text/event-stream", origin },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
    });
    return response.status;
  };
  expect(await statusOf(app, "https://app.example")).toBe(200);
  expect(await statusOf(app, "https://page.example")).toBe(403);
  expect(await statusOf(app, "null")).toBe(403);
  expect(await statusOf(open, "https://page.example")).toBe(200);
  expect(await statusOf(open, "https://other.example")).toBe(403);
  expect(await statusOf(openTo("*"), "https://other.example")).toBe(200);
  const always = openTo(() => "https://page.example");
  expect(await statusOf(always, "https://page.example")).toBe(200);
  expect(await statusOf(always, "https://other.example")).toBe(403);
});

test("who is not let in learns whose tokens open it, and a client finds the way", async () => {
  const locked = createEdgeApp({
    services,
    auth: () => {
      throw new HTTPException(401, {
        res: new Response("no", { status: 401, headers: { "www-authenticate": 'Bearer error="invalid_token"' } }),
      });
    },
    mcp: mcpServer({
      agents: [echo],
      authorization: { servers: ["https://login.example"], scopes: ["agents"] },
    }),
    log: false,
  });
  const refusedOne = await locked.request("https://app.example/mcp", { method: "POST" });
  expect(refusedOne.status).toBe(401);
  const { resourceMetadataUrl } = extractWWWAuthenticateParams(refusedOne);
  expect(resourceMetadataUrl?.href).toBe("https://app.example/.well-known/oauth-protected-resource/mcp");
  expect(refusedOne.headers.get("www-authenticate")).toContain('error="invalid_token"');
  const found = await discoverOAuthProtectedResourceMetadata("https://app.example/mcp", {}, (input, init) =>
    Promise.resolve(locked.request(input instanceof URL ? input.href : input, init)),
  );
  expect(found).toEqual({
    resource: "https://app.example/mcp",
    authorization_servers: ["https://login.example"],
    scopes_supported: ["agents"],
    bearer_methods_supported: ["header"],
    resource_name: "restate-edge-agents",
  });
  expect((await app.request("/.well-known/oauth-protected-resource/mcp")).status).toBe(404);
  expect(() => mcpServer({ agents: [echo], authorization: { servers: ["login"] } })).toThrow(
    'current value is "login"',
  );
});

const post = (at: typeof app, prompt: string, headers: Record<string, string> = {}) =>
  at.request("/mcp", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: "Echo", arguments: { prompt } },
    }),
  });

test("it has the app's bounds: of calls, and of bodies, larger ones than the protocol's library takes, too", async () => {
  const mcp = mcpServer({ agents: [echo] });
  const busy = createEdgeApp({
    services,
    auth,
    mcp,
    rateLimit: { limit: async () => ({ success: false }) },
    log: false,
  });
  expect((await post(busy, "x")).status).toBe(429);
  const small = createEdgeApp({ services, auth, mcp, maxBodyBytes: 1_000, log: false });
  const refusedOne = await post(small, "x".repeat(1_000));
  expect([refusedOne.status, await refusedOne.json()]).toEqual([
    413,
    expect.objectContaining({ code: "body-too-large" }) as unknown,
  ]);
  expect((await post(small, "x", { "content-type": "text/plain" })).status).toBe(415);
  const large = createEdgeApp({ services, auth, mcp, maxBodyBytes: 8 * 1024 * 1024, log: false });
  restate.reply = () => returned('"here"');
  const answered = await post(large, "x".repeat(5 * 1024 * 1024));
  expect([answered.status, await answered.text()]).toEqual([200, expect.stringContaining("here") as string]);
});

test("an idempotency key is the caller's own, from wherever it comes", async () => {
  restate.reply = () => returned('"here"');
  const alice = { "x-caller": "alice" };
  const KEY = "restate-edge-agents/idempotency-key";
  const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  await call("Echo", { prompt: "x" }, { "idempotency-key": "k1", traceparent: `00-${TRACE}-00f067aa0ba902b7-01` });
  await call("Echo", { prompt: "x" }, { ...alice, "idempotency-key": "k2" });
  await rpc("tools/call", { name: "Echo", arguments: { prompt: "x" }, _meta: { [KEY]: "k3" } }, alice);
  await call("Chat", { conversation: "c", message: "x" }, { ...alice, "idempotency-key": "k4" });
  const hash = hashOf("alice");
  expect(restate.requests.map(({ headers }) => headers["idempotency-key"])).toEqual([
    "k1",
    `${hash}:k2`,
    `${hash}:k3`,
    "k4",
  ]);
  expect(restate.requests[0]?.headers["traceparent"]).toContain(TRACE);
  restate.reset();
  const wrong = await rpc("tools/call", { name: "Echo", arguments: { prompt: "x" }, _meta: { [KEY]: "a b" } });
  expect(wrong.result).toMatchObject({ isError: true, structuredContent: { code: "invalid-request" } });
  for (const conversation of [".", "a\u0000b"]) {
    const unnamed = await call("Chat", { conversation, message: "x" });
    expect(unnamed.result).toMatchObject({ isError: true, structuredContent: { code: "invalid-request" } });
  }
  expect(restate.requests).toEqual([]);
});

test("a run that fails is an error of its tool, and quotes no key of Restate's", async () => {
  const hash = hashOf("alice");
  restate.reply = () => refused(500, `no model for ${hash}:c`, "invocation");
  const { result } = await call("Chat", { conversation: "c", message: "x" }, { "x-caller": "alice" });
  expect(result).toMatchObject({
    isError: true,
    content: [{ type: "text", text: "no model for c" }],
    structuredContent: { code: 500 },
    _meta: { "restate-edge-agents/invocation-id": ID },
  });
});

test("who asks for progress waits as long as that may take", async () => {
  const mcp = mcpServer({ agents: [echo], waitMs: 3_600_000, maxWaitMs: 150 });
  const patient = createEdgeApp({ services, auth, mcp, log: false });
  slow('"late"');
  const _meta = { progressToken: 1 };
  const { result } = await rpc("tools/call", { name: "Echo", arguments: { prompt: "x" }, _meta }, {}, patient);
  expect(result).toMatchObject({ structuredContent: { status: "running" } });
});
