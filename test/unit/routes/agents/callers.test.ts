/** Callers that `auth` knows apart: neither keys nor invocations of one are another's. */
import { createHash } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { agentsRoutes } from "../../../../routes/agents.ts";
import { problemOf } from "../../../../routes/problem.ts";
import { createRouter } from "../../../../routes/router.ts";
import { workflow } from "../../../../src/index.ts";
import { echoService } from "../../endpoint/echo-service.ts";
import { accepted, FakeRestate, ID, type Reply, returned } from "./fake-restate.ts";

const API_KEY = "key-of-the-unit-tests";
const trip = workflow({ name: "Trip", handlers: { run: async () => Promise.resolve(), city: async () => "Berlin" } });
const publicServices = [echoService, trip];

/** `x-caller` names the caller as `auth` would, `x-sub` as hono/jwt would. */
const auth: MiddlewareHandler = async (context, next) => {
  const [caller, sub] = [context.req.header("x-caller"), context.req.header("x-sub")];
  if (caller !== undefined) context.set("caller", caller);
  if (sub !== undefined) context.set("jwtPayload", { sub });
  await next();
};
const app = createRouter()
  .route("/agents", agentsRoutes({ publicServices, auth }))
  .route("/keys", agentsRoutes({ publicServices }))
  .onError((error) => problemOf(error));

let restate: FakeRestate;
beforeAll(async () => {
  restate = await FakeRestate.start();
});
afterAll(() => restate.close());
beforeEach(() => {
  restate.reset();
  vi.stubEnv("AGENT_API_KEYS", API_KEY);
  vi.stubEnv("RESTATE_INGRESS_URL", restate.url);
  vi.stubEnv("RESTATE_ADMIN_URL", restate.url);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const prefix = (caller: string): string => `${createHash("sha256").update(caller).digest("hex").slice(0, 32)}:`;
const keys = (): unknown[] => restate.requests.map(({ headers }) => headers["idempotency-key"]);
const alice = { "x-caller": "alice" };
const bob = { "x-sub": "bob" };
const byKey = { authorization: `Bearer ${API_KEY}` };

async function ask(method: string, path: string, headers: Record<string, string>) {
  const response = await app.request(path, { method, headers });
  const text = await response.text();
  const body = (JSON.parse(text) as Record<string, unknown> | null) ?? {};
  return { status: response.status, code: body["code"], body, text };
}
const post = (headers: Record<string, string>, path = "/agents/Echo/plain") => ask("POST", path, headers);

/** Restate has one invocation, made with this key. */
function holds(idempotencyKey: string | null, service = "Echo", handler = "plain", status = "running"): void {
  const row = {
    id: ID,
    target: `${service}/${handler}`,
    target_service_name: service,
    target_handler_name: handler,
    status,
    created_at: "2026-11-24T20:00:00Z",
    ...(idempotencyKey === null ? {} : { idempotency_key: idempotencyKey }),
  };
  const rows: Reply = { status: 200, body: JSON.stringify({ rows: [row] }) };
  restate.reply = ({ url }) => (url === "/query" ? rows : returned("1"));
}

test("the same key of two callers is two keys; a key that is made is the caller's, too", async () => {
  for (const who of [alice, bob, { "x-caller": "alice", "x-sub": "bob" }]) {
    expect((await post({ ...who, "idempotency-key": "report-7" })).status).toBe(200);
  }
  await post(alice);
  const [first, second, third, made] = keys();
  expect([first, second, third]).toEqual([
    `${prefix("alice")}report-7`,
    `${prefix("bob")}report-7`,
    `${prefix("alice")}report-7`,
  ]);
  expect(made).toMatch(new RegExp(`^${prefix("alice")}[0-9a-f-]{36}$`));
  // What a run asks is its caller's; who has no name cannot say so either.
  await post({ ...byKey, "x-restate-edge-agents-caller": prefix("alice").slice(0, -1) });
  const owners = restate.requests.map(({ headers }) => headers["x-restate-edge-agents-caller"]);
  expect(owners).toEqual([
    ...["alice", "bob", "alice", "alice"].map((caller) => prefix(caller).slice(0, -1)),
    undefined,
  ]);
});

test.each([
  ["caller", 7],
  ["caller", { id: "alice" }],
  ["jwtPayload", { sub: 7 }],
])(
  "a name that is no text (%s: %o) is a mistake of auth, and not a caller who shares everything",
  async (name, value) => {
    const careless: MiddlewareHandler = async (context, next) => {
      context.set(name, value);
      await next();
    };
    const own = createRouter()
      .route("/agents", agentsRoutes({ publicServices, auth: careless }))
      .onError((error) => problemOf(error));
    const response = await own.request("/agents/Echo/plain", { method: "POST" });
    expect([response.status, restate.requests]).toEqual([500, []]);
  },
);

test("callers are told their own key, and finding a call again uses Restate's", async () => {
  restate.reply = (_request, n) => (n === 0 ? "cut" : accepted());
  expect((await post({ ...alice, "idempotency-key": "report-7" })).status).toBe(202);
  expect(keys()).toEqual(Array(2).fill(`${prefix("alice")}report-7`));
  restate.reply = () => "cut";
  for (const prefer of ["wait=10", "respond-async"]) {
    restate.requests.length = 0;
    const sent = await post({ ...alice, prefer, "idempotency-key": "report-7" });
    expect(sent.body).toMatchObject({ code: "restate-unreachable", idempotencyKey: "report-7" });
    expect(sent.text).not.toContain(prefix("alice"));
    const made = await post({ ...alice, prefer });
    expect(`${prefix("alice")}${String(made.body["idempotencyKey"])}`).toBe(keys().at(-1));
  }
});

test.each(["GET", "DELETE"])("%s: an invocation of another caller is unknown", async (method) => {
  const path = `/agents/invocations/${ID}`;
  const others = [`${prefix("bob")}report-7`, `${prefix("alice2")}x`, "report-7", prefix("alice").slice(0, -1), null];
  for (const key of others) {
    for (const status of ["running", "completed"]) {
      holds(key, "Echo", "plain", status);
      expect(await ask(method, path, alice)).toMatchObject({ status: 404, code: "invocation-not-found" });
    }
  }
  expect(restate.requests.map(({ url }) => url)).toEqual(Array(10).fill("/query"));
  holds(`${prefix("alice")}report-7`);
  expect(await ask(method, path, alice)).toMatchObject({ status: 202, body: { id: ID } });
});

test("a workflow's run has no key: all callers share it, but not what its other handlers were sent", async () => {
  await post(alice, "/agents/Trip/t1/run");
  expect(keys()).toEqual([undefined]);
  holds(null, "Trip", "run");
  expect(await ask("GET", `/agents/invocations/${ID}`, bob)).toMatchObject({ status: 202 });
  holds(null, "Trip", "city");
  expect(await ask("GET", `/agents/invocations/${ID}`, bob)).toMatchObject({ status: 404 });
});

test("whom auth does not name cannot pass for somebody", async () => {
  const key = `${prefix("alice")}report-7`;
  expect(await post({ "idempotency-key": key })).toMatchObject({ status: 400, code: "invalid-request" });
  expect(restate.requests).toEqual([]);
  holds(key);
  expect(await ask("GET", `/agents/invocations/${ID}`, {})).toMatchObject({ status: 404 });
  for (const shared of ["report-7", null]) {
    holds(shared);
    expect(await ask("GET", `/agents/invocations/${ID}`, {})).toMatchObject({ status: 202 });
  }
  restate.reset();
  await post({ "idempotency-key": "report-7" });
  expect(keys()).toEqual(["report-7"]);
});

test("API keys are of one trust: they share keys and invocations", async () => {
  await post({ ...byKey, "idempotency-key": `${prefix("alice")}report-7` }, "/keys/Echo/plain");
  expect(keys()).toEqual([`${prefix("alice")}report-7`]);
  for (const key of [`${prefix("alice")}report-7`, "report-7", null]) {
    holds(key);
    expect(await ask("GET", `/keys/invocations/${ID}`, byKey)).toMatchObject({ status: 202 });
  }
});
