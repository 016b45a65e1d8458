/** Callers that `auth` names have conversations of their own. Restate is a server that answers as each test wants. */
import { createHash } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { createEdgeApp } from "../../../../routes/index.ts";
import { approvalId } from "../../../../src/approvals/approval-id.ts";
import { agentSession, demoModel, object, type ObjectContext, RestateAgent } from "../../../../src/index.ts";
import { accepted, FakeRestate, ID, refused, type Reply, returned } from "../agents/fake-restate.ts";

const chat = agentSession("Chat", new RestateAgent({ id: "demo", model: demoModel() }), { streams: false });
const cart = object({
  name: "Cart",
  handlers: { put: async (context: ObjectContext) => Promise.resolve(context.key) },
});
const auth: MiddlewareHandler = async (context, next) => {
  const caller = context.req.header("x-caller");
  if (caller !== undefined) context.set("caller", caller);
  await next();
};
const services = [chat, cart];
const app = createEdgeApp({ services, publicServices: services, auth, log: false });
const byKey = createEdgeApp({ services, publicServices: services, log: false });
const prefixOf = (caller: string): string => `${createHash("sha256").update(caller).digest("hex").slice(0, 32)}:`;
const ALICE = prefixOf("alice");
const inUrl = encodeURIComponent;

let restate: FakeRestate;
beforeAll(async () => {
  restate = await FakeRestate.start();
});
afterAll(() => restate.close());
beforeEach(() => {
  restate.reset();
  vi.stubEnv("RESTATE_INGRESS_URL", restate.url);
  vi.stubEnv("RESTATE_ADMIN_URL", restate.url);
  vi.stubEnv("AGENT_API_KEYS", "key-of-the-unit-tests");
});
afterEach(() => {
  vi.unstubAllEnvs();
});

async function ask(caller: string | undefined, method: string, path: string, body?: unknown, one = app) {
  const headers = {
    "content-type": "application/json",
    authorization: "Bearer key-of-the-unit-tests",
    ...(caller === undefined ? {} : { "x-caller": caller }),
  };
  const response = await one.request(path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, headers: JSON.stringify([...response.headers]) };
}

const IDLE = returned(JSON.stringify({ state: "idle", usage: {}, turns: 0 }));
const answer = { turn: "m1", message: { id: "m1-answer", role: "assistant", parts: [{ type: "text", text: "Hi." }] } };

/** A Restate that knows of one turn that has ended, and says no more than it must. */
function usual(): void {
  const byPath: readonly (readonly [string, Reply])[] = [
    ["/send/", accepted()],
    ["/attach/", returned(JSON.stringify({ delivered: true, turn: "t" }))],
    ["/output/", returned(JSON.stringify(answer))],
    ["/history", returned('{"messages":[]}')],
    ["/interrupt", returned('{"result":"idle"}')],
    ["/reset", returned("")],
    ["/lookup", returned(JSON.stringify({ invocationId: ID }))],
    ["/query", { status: 200, body: '{"rows":[]}' }],
  ];
  restate.reply = ({ url }) => byPath.find(([path]) => url.includes(path))?.[1] ?? IDLE;
}

const user = { messages: [{ id: "m1", role: "user", parts: [{ type: "text", text: "Hi" }] }] };
type Operation = readonly [method: string, path: string, body?: unknown];
const operations: readonly Operation[] = [
  ["GET", "/chat/Chat/SESSION"],
  ["GET", "/chat/Chat/SESSION/stream"],
  ["GET", "/chat/Chat/SESSION/stream?turn=m1"],
  ["GET", "/chat/Chat/SESSION/timeline"],
  ["POST", "/chat/Chat/SESSION", user],
  ["POST", "/chat/Chat/SESSION", { ...user, mode: "interrupt" }],
  ["POST", "/chat/Chat/SESSION", { ...user, mode: "steer" }],
  ["POST", "/chat/Chat/SESSION", { trigger: "regenerate-message" }],
  ["POST", "/chat/Chat", { ...user, id: "SESSION" }],
  ["POST", "/chat/Chat/SESSION/interrupt", {}],
  ["PATCH", "/chat/Chat/SESSION", { title: "T" }],
  ["DELETE", "/chat/Chat/SESSION"],
  ...["send", "history", "status", "interrupt", "steer", "update", "reset", "turns"].map(
    (handler) => ["POST", `/agents/Chat/SESSION/${handler}`, {}] as const,
  ),
];

const cases = operations.map((operation) => ({ what: `${operation[0]} ${operation[1]}`, operation }));

const asked = async (caller: string | undefined, [method, path, body]: Operation, name: string) => {
  usual();
  restate.requests.length = 0;
  const isNamed = typeof body === "object" && body !== null && "id" in body;
  const given = isNamed ? { ...body, id: name } : body;
  const result = await ask(caller, method, path.replace("SESSION", inUrl(name)), given);
  return { ...result, seen: restate.requests.map(({ url, body: sent }) => `${url} ${sent}`).join("\n") };
};

test.each(cases)(
  "$what: two callers of one name have two conversations, and read of their own name alone",
  async ({ operation }) => {
    for (const caller of ["alice", "bob"]) {
      const { seen, text, headers } = await asked(caller, operation, "main/ü");
      const key = `${prefixOf(caller)}main/ü`;
      expect(seen.includes(inUrl(key)) || seen.includes(key)).toBe(true);
      // Whatever names the conversation is preceded by the caller's hash.
      expect(seen.replaceAll(inUrl(key), "").replaceAll(key, "")).not.toMatch(/main(%2F|\/)/);
      expect(`${text}${headers}`).not.toMatch(/[0-9a-f]{32}(:|%3A)/);
    }
  },
);

test.each(cases)("$what: no name leads to another caller's conversation", async ({ operation }) => {
  for (const name of [`${ALICE}main`, `${prefixOf("bob")}${ALICE}main`, `x/${ALICE}main`]) {
    const { seen } = await asked("bob", operation, name);
    const key = prefixOf("bob") + name;
    expect(seen.includes(inUrl(key)) || seen.includes(key)).toBe(true);
    expect(seen.replaceAll(inUrl(key), "").replaceAll(key, "")).not.toContain(ALICE.slice(0, -1));
  }
});

test.each(cases)(
  "$what: whom auth does not name cannot pass for alice, and shares the plain names",
  async ({ operation }) => {
    const forged = await asked(undefined, operation, `${ALICE}main`);
    expect([forged.status, JSON.parse(forged.text), forged.seen]).toMatchObject([400, { code: "invalid-request" }, ""]);
    const { seen } = await asked(undefined, operation, "main");
    expect(seen).toMatch(/(Chat\/main|'main'|"main")/);
  },
);

test("callers with API keys share what they name, as it is", async () => {
  usual();
  await ask(undefined, "GET", `/chat/Chat/${inUrl(`${ALICE}main`)}`, undefined, byKey);
  expect(restate.requests[0]?.url).toBe(`/restate/call/Chat/${inUrl(`${ALICE}main`)}/status`);
});

test("turns need no other ids in a caller's own conversation", async () => {
  usual();
  await ask("alice", "POST", "/chat/Chat/main", user);
  expect(restate.requests[0]?.headers["idempotency-key"]).toBe("m1");
});

test("plain objects at /agents are the app's own data, which callers share", async () => {
  restate.reply = () => returned("null");
  await ask("alice", "POST", "/agents/Cart/c1/put", {});
  expect(restate.requests[0]).toMatchObject({ url: "/restate/call/Cart/c1/put" });
  expect(String(restate.requests[0]?.headers["idempotency-key"]).startsWith(ALICE)).toBe(true);
});

test("problems do not tell the stored key, whoever quotes it", async () => {
  restate.reply = () => refused(404, `no such target Chat/${ALICE}main, at /Chat/${inUrl(ALICE)}main/status`);
  for (const [method, path] of [
    ["GET", "/chat/Chat/main"],
    ["POST", "/agents/Chat/main/status"],
  ] as const) {
    const { status, text } = await ask("alice", method, path);
    expect([status, text.includes("no such target Chat/main, at /Chat/main/status")]).toEqual([404, true]);
  }
});

test("the timeline of an own conversation shows its name, and not its key", async () => {
  const row = {
    id: ID,
    target: `Chat/${ALICE}main/send`,
    target_service_name: "Chat",
    target_service_key: `${ALICE}main`,
    target_handler_name: "send",
    status: "completed",
    created_at: "2026-11-24T20:00:00Z",
  };
  restate.reply = ({ body }) => ({
    status: 200,
    body: JSON.stringify({ rows: /sys_invocation/.test(body) ? [row] : [] }),
  });
  const { status, text } = await ask("alice", "GET", "/chat/Chat/main/timeline");
  expect([status, JSON.parse(text)]).toMatchObject([200, { invocation: { key: "main" } }]);
  expect(text).not.toContain(ALICE.slice(0, -1));
  expect(restate.requests[0]?.body).toContain(`${ALICE}main`);
});

test.each(["GET", "DELETE"])(
  "%s of a turn's invocation: it is of whom the conversation is, however it began",
  async (method) => {
    for (const [key, idempotencyKey, caller, status] of [
      [`${ALICE}main`, undefined, "alice", 202],
      [`${ALICE}main`, "m1", "alice", 202],
      [`${ALICE}main`, "m1", "bob", 404],
      [`${ALICE}main`, `${prefixOf("bob")}m1`, "bob", 404],
      [`${ALICE}main`, "m1", undefined, 404],
      ["main", `${ALICE}m1`, "alice", 404],
      ["main", "m1", undefined, 202],
    ] as const) {
      const row = {
        id: ID,
        target: `Chat/${key}/send`,
        target_service_name: "Chat",
        target_service_key: key,
        target_handler_name: "send",
        status: "running",
        created_at: "2026-11-24T20:00:00Z",
        ...(idempotencyKey === undefined ? {} : { idempotency_key: idempotencyKey }),
      };
      restate.reply = ({ url }) =>
        url === "/query" ? { status: 200, body: JSON.stringify({ rows: [row] }) } : returned("1");
      const answered = await ask(caller, method, `/agents/invocations/${ID}`);
      expect([key, idempotencyKey, caller, answered.status]).toEqual([key, idempotencyKey, caller, status]);
    }
  },
);

test("one rule says what names a conversation, in every route", async () => {
  const wrong = ["a\u0000b", "a\nb", "\u007f", "\u0085", "x".repeat(513)];
  for (const operation of operations) {
    for (const name of wrong) {
      const { status, seen } = await asked("alice", operation, name);
      expect([operation, JSON.stringify(name).slice(0, 20), status, seen]).toEqual([
        operation,
        JSON.stringify(name).slice(0, 20),
        400,
        "",
      ]);
    }
  }
  for (const name of ["x".repeat(512), "a b", "ü/🙂", "..a", "'; drop"]) {
    for (const operation of operations) expect((await asked("alice", operation, name)).status).not.toBe(400);
  }
});

test("with four eyes nobody approves at /chat what their own conversation asks, and may deny it", async () => {
  const id = approvalId("Chat.approvals", crypto.randomUUID(), `${ALICE}main`);
  const asks = { id, kind: "approval", state: "pending", agent: "demo", invocationId: ID, tool: "book" };
  const session = { service: "Chat", key: `${ALICE}main`, turn: "m1" };
  const kept = { ...asks, session, toolCallId: "c1", input: {}, requestedAt: new Date(0).toISOString() };
  const approvals = { fourEyes: true, mayReview: () => false };
  const guarded = createEdgeApp({ services, publicServices: services, auth, log: false, approvals });
  const say = async (approved: boolean, one: typeof app, state = "pending") => {
    usual();
    const { reply } = restate;
    restate.requests.length = 0;
    restate.reply = (request, n) => {
      if (request.url.endsWith("/get")) return returned(JSON.stringify({ ...kept, state }));
      const result = state === "pending" ? "recorded" : "decided";
      return request.url.endsWith("/answer") ? returned(JSON.stringify({ result })) : reply(request, n);
    };
    const part = { type: "tool-book", toolCallId: "c1", state: "approval-responded", approval: { id, approved } };
    const messages = [{ id: "m1-answer", role: "assistant", parts: [{ type: "step-start" }, part] }];
    const { status, text } = await ask("alice", "POST", "/chat/Chat/main", { messages }, one);
    const answers = restate.requests.filter(({ url }) => url.endsWith("/answer")).length;
    return [status, text.includes("approval-own"), answers];
  };
  expect(await say(true, guarded)).toEqual([403, true, 0]);
  expect(await say(false, guarded)).toEqual([200, false, 1]);
  expect(await say(true, app)).toEqual([200, false, 1]);
  // The message says again what somebody else has approved, beside what its sender answers now.
  expect(await say(true, guarded, "approved")).toEqual([200, false, 1]);
});
