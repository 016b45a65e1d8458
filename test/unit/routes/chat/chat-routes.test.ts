/** What the chat routes take, refuse, send to Restate and log; Restate is a server that answers as each test wants. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { RequestLine } from "../../../../routes/operations/log.ts";
import { createEdgeApp } from "../../../../routes/index.ts";
import { approvalId } from "../../../../src/approvals/approval-id.ts";
import { agentSession, demoModel, RestateAgent } from "../../../../src/index.ts";
import { memoryStreamStore } from "../../../../src/stream/memory-stream-store.ts";
import { accepted, FakeRestate, ID, refused, type Reply, returned, type SeenRequest } from "../agents/fake-restate.ts";

const API_KEY = "key-of-the-unit-tests";
const KEY = "secret-session/ü";
const SESSION = encodeURIComponent(KEY);
const agent = new RestateAgent({ id: "demo", model: demoModel() });
const streams = memoryStreamStore();
const chat = agentSession("Chat", agent, { streams });
const hidden = agentSession("Hidden", agent, { streams });
const lines: RequestLine[] = [];
let allowed = true;

const app = createEdgeApp({
  services: [chat, hidden],
  publicServices: [chat],
  cors: { origin: "https://page.example.com" },
  rateLimit: { limit: async () => ({ success: allowed, retryAfterSeconds: 7 }) },
  log: (line) => void (line.message === "request" && lines.push(line)),
});

let restate: FakeRestate;
beforeAll(async () => {
  restate = await FakeRestate.start();
});
afterAll(() => restate.close());
beforeEach(() => {
  restate.reset();
  lines.length = 0;
  allowed = true;
  vi.stubEnv("AGENT_API_KEYS", API_KEY);
  vi.stubEnv("RESTATE_INGRESS_URL", restate.url);
  vi.stubEnv("RESTATE_AUTH_TOKEN", "token-of-restate");
});
afterEach(() => {
  vi.unstubAllEnvs();
});

function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return Promise.resolve(
    app.request(path, {
      method,
      headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    }),
  );
}

const IDLE = { state: "idle", usage: {}, turns: 0 };
const answer = (turn: string) => ({
  turn,
  message: {
    id: `${turn}-answer`,
    role: "assistant",
    parts: [{ type: "step-start" }, { type: "text", text: "Hello." }],
  },
});

/** Replies by the last part of the path. */
function replies(byPath: Record<string, Reply | ((request: SeenRequest) => Reply)>): void {
  restate.reply = (request) => {
    const found = Object.entries(byPath).find(([path]) => request.url.includes(path))?.[1] ?? "cut";
    return typeof found === "function" ? found(request) : found;
  };
}

const user = (id: string) => ({ id, role: "user", parts: [{ type: "text", text: "Hi" }] });

test("a message is sent one-way, once for its id, with nothing of the caller's but the trace", async () => {
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  replies({ "/send/": accepted(), "/output/": returned(JSON.stringify(answer("m1"))) });
  const response = await ask(
    "POST",
    `/chat/Chat/${SESSION}`,
    { messages: [user("m1")] },
    { traceparent, cookie: "secret" },
  );
  expect([response.status, response.headers.get("x-turn"), response.headers.get("x-restate-id")]).toEqual([
    200,
    "m1",
    ID,
  ]);
  const text = await response.text();
  expect(text).toContain("Hello.");
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  const [sent] = restate.requests;
  expect(sent).toMatchObject({
    method: "POST",
    url: `/restate/send/Chat/${SESSION}/send`,
    headers: { authorization: "Bearer token-of-restate", "idempotency-key": "m1", traceparent },
  });
  expect(JSON.parse(sent?.body ?? "")).toEqual({ turn: "m1", message: user("m1") });
  expect(JSON.stringify(restate.requests)).not.toContain("cookie");
});

test("what is logged names the route and the agent, and no conversation", async () => {
  replies({ "/call/": returned(JSON.stringify(IDLE)) });
  await ask("GET", `/chat/Chat/${SESSION}/stream?turn=secret-turn`);
  await ask("GET", `/chat/Chat/${SESSION}?limit=0`);
  expect(lines.map(({ route, service }) => [route, service])).toEqual([
    ["/chat/{agent}/{session}/stream", "Chat"],
    ["/chat/{agent}/{session}", "Chat"],
  ]);
  expect(JSON.stringify(lines)).not.toContain("secret");
});

test.each<[string, string, unknown, number, string]>([
  ["no body", `/chat/Chat/${SESSION}`, "", 400, "malformed-json"],
  ["no JSON", `/chat/Chat/${SESSION}`, "{", 400, "malformed-json"],
  ["no message", `/chat/Chat/${SESSION}`, {}, 400, "invalid-request"],
  ["an unknown mode", `/chat/Chat/${SESSION}`, { message: "Hi", mode: "shout" }, 400, "invalid-request"],
  ["no session", "/chat/Chat", { message: "Hi" }, 400, "invalid-request"],
  [
    "a message that replaces one by being added to a turn",
    `/chat/Chat/${SESSION}`,
    { messages: [user("m1")], messageId: "m1", mode: "steer" },
    400,
    "invalid-request",
  ],
  ["a private session", `/chat/Hidden/${SESSION}`, { message: "Hi" }, 404, "not-found"],
  ["a companion", `/chat/Chat.inbox/${SESSION}`, { message: "Hi" }, 404, "not-found"],
  ["too much", `/chat/Chat/${SESSION}`, { message: "x".repeat(9 * 1024 * 1024) }, 413, "body-too-large"],
])("%s is refused before Restate hears of it", async (_what, path, body, status, code) => {
  const response = await ask("POST", path, body);
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([status, code]);
  expect(restate.requests).toEqual([]);
});

test("a message that replaces one that is not there is not found, and nothing is sent", async () => {
  replies({
    "/find": returned("null"),
    "/lookup": returned(JSON.stringify({ invocationId: ID })),
    "/output/": refused(404, "no"),
  });
  const response = await ask("POST", `/chat/Chat/${SESSION}`, { messages: [user("m1")], messageId: "m1" });
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([404, "not-found"]);
  expect(restate.requests.filter(({ url }) => url.includes("/send"))).toEqual([]);
});

test("only those with a key may chat, and not too often", async () => {
  const path = `/chat/Chat/${SESSION}`;
  const stranger = await ask("POST", path, { message: "Hi" }, { authorization: "Bearer wrong-key-of-strangers" });
  expect(stranger.status).toBe(401);
  allowed = false;
  const busy = await ask("POST", path, { message: "Hi" });
  expect([busy.status, busy.headers.get("retry-after")]).toEqual([429, "7"]);
  expect(restate.requests).toEqual([]);
});

test("pages of the origin may read the headers", async () => {
  replies({ "/call/": returned(JSON.stringify(IDLE)) });
  const response = await ask("GET", `/chat/Chat/${SESSION}?limit=0`, undefined, { origin: "https://page.example.com" });
  const exposed = response.headers.get("access-control-expose-headers") ?? "";
  expect(["x-turn", "x-restate-id", "retry-after"].filter((name) => !exposed.includes(name))).toEqual([]);
});

test("when Restate is away the answer says that the message may be posted again", async () => {
  replies({ "/send/": "cut" });
  const response = await ask("POST", `/chat/Chat/${SESSION}`, { messages: [user("m7")] });
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ code: "restate-unreachable", idempotencyKey: "m7" });
  expect(response.headers.get("retry-after")).not.toBeNull();
});

test("nothing runs: nothing to follow", async () => {
  replies({ "/status": returned(JSON.stringify(IDLE)), "/lookup": returned(JSON.stringify({ invocationId: ID })) });
  expect((await ask("GET", `/chat/Chat/${SESSION}/stream`)).status).toBe(204);
});

test("who interrupts with a message does not end its own turn when it is posted twice", async () => {
  const running = (turn: string) => ({ ...IDLE, state: "running", turn, invocationId: ID });
  const post = () => ask("POST", `/chat/Chat/${SESSION}`, { messages: [user("m2")], mode: "interrupt" });
  const rest = { "/send/": accepted(), "/output/": returned(JSON.stringify(answer("m2"))) };
  replies({
    "/interrupt": returned('{"result":"ended"}'),
    "/status": returned(JSON.stringify(running("m1"))),
    ...rest,
  });
  await (await post()).text();
  const [, interrupted] = restate.requests;
  expect([interrupted?.url, interrupted?.body]).toEqual([`/restate/call/Chat/${SESSION}/interrupt`, '{"turn":"m1"}']);
  restate.requests.length = 0;
  replies({ "/status": returned(JSON.stringify(running("m2"))), ...rest });
  await (await post()).text();
  expect(restate.requests.filter(({ url }) => url.includes("interrupt"))).toEqual([]);
});

test("a turn that runs is ended before it is run again, when that is asked for", async () => {
  const running = { ...IDLE, state: "running", turn: "m1", invocationId: ID, message: user("m1") };
  replies({
    "/interrupt": returned('{"result":"ended"}'),
    "/status": returned(JSON.stringify(running)),
    "/send/": accepted(),
    "/output/": returned(JSON.stringify(answer("m1"))),
  });
  const again = { messages: [user("m1")], trigger: "regenerate-message" };
  for (const [mode, calls] of [
    ["interrupt", ["status", "interrupt", "send"]],
    ["queue", ["send"]],
  ] as const) {
    restate.requests.length = 0;
    await (await ask("POST", `/chat/Chat/${SESSION}`, { ...again, mode })).text();
    const made = restate.requests.map(({ url }) => url.split("/").at(-1));
    expect(made.slice(0, calls.length)).toEqual(calls);
  }
});

const responded = (id: string) => ({
  id: "m1-answer",
  role: "assistant",
  parts: [
    { type: "step-start" },
    { type: "tool-book", toolCallId: "c1", state: "approval-responded", input: {}, approval: { id, approved: true } },
  ],
});

test("an approval is answered for this conversation alone", async () => {
  const id = approvalId("Chat.approvals", "1b4e28ba-2fa1-41d2-883f-0016d3cca427", KEY);
  replies({
    "/answer": returned('{"result":"recorded"}'),
    "/status": returned(JSON.stringify({ ...IDLE, state: "running", turn: "m1", invocationId: ID })),
    "/output/": returned(JSON.stringify(answer("m1"))),
  });
  const response = await ask("POST", `/chat/Chat/${SESSION}`, { messages: [responded(id)], messageId: "m1-answer" });
  await response.text();
  const [recorded] = restate.requests;
  expect(recorded?.url).toMatch(/^\/restate\/call\/Chat\.approvals\/\d\/answer$/);
  expect(JSON.parse(recorded?.body ?? "")).toEqual({ id, approved: true, session: { service: "Chat", key: KEY } });
});

test.each(["apr_0000000_00000000000000000000000000000000", "../../Vault/open", ""])(
  "an approval %j that is none of this agent's is not found",
  async (id) => {
    const response = await ask("POST", `/chat/Chat/${SESSION}`, { messages: [responded(id)] });
    expect(response.status).toBe(404);
    expect(restate.requests).toEqual([]);
  },
);

test("a change that has to wait for a turn is accepted, and says where its result will be", async () => {
  replies({ "/call/": "hang", "/send/": accepted("PreviouslyAccepted") });
  const response = await ask("PATCH", `/chat/Chat/${SESSION}`, { title: "Trip" });
  expect([response.status, response.headers.get("location")]).toEqual([202, `/agents/invocations/${ID}`]);
}, 30_000);

test("what a handler fails with is told", async () => {
  replies({ "/call/": refused(422, "No such place", "invocation") });
  const response = await ask("GET", `/chat/Chat/${SESSION}?before=7`);
  expect(await response.json()).toMatchObject({ code: "invocation-failed", status: 422, detail: "No such place" });
});

test("the document describes the chat", async () => {
  const { paths } = (await (await app.request("/openapi.json")).json()) as { paths: Record<string, object> };
  const found = Object.entries(paths)
    .filter(([path]) => path.startsWith("/chat"))
    .map(([path, methods]) => `${Object.keys(methods).join(" ")} ${path}`);
  expect(found).toEqual(
    expect.arrayContaining([
      "get /chat",
      "get patch delete post /chat/{agent}/{session}",
      "post /chat/{agent}/{session}/interrupt",
      "get /chat/{agent}/{session}/stream",
      "post /chat/{agent}",
    ]),
  );
});
