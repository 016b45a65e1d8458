import type { IncomingMessage, ServerResponse } from "node:http";
import type { Hono } from "hono";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { createEdgeApp, type EdgeAppOptions } from "../../../routes/index.ts";
import type { Report } from "../../../routes/readiness/readiness.ts";
import { listen, type LoopbackServer } from "../../../src/testing/http-server.ts";
import { RestateIdentity } from "../../../src/testing/restate-identity.ts";
import { DISCOVER, echoService } from "../endpoint/echo-service.ts";

const SECRET = "a-token-for-restate";

/** What Restate's Admin API tells of `echoService`. */
const echo = (version?: string, more: object = {}): object => ({
  name: "Echo",
  ty: "Service",
  deployment_id: "dp_1",
  revision: 1,
  handlers: ["say", "plain"].map((name) => ({ name, input_description: "", output_description: "" })),
  metadata: version === undefined ? {} : { "restate-edge-agents/version": version },
  ...more,
});
const other = { ...echo(), name: "Another" };

/** A Restate, as far as the checks ask it. Both doors; what it answers is set by each test. */
let restate: LoopbackServer;
let answers: Record<string, (response: ServerResponse) => void> = {};
let asked: string[] = [];
const json =
  (body: unknown, status = 200) =>
  (response: ServerResponse) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
const healthy = (...services: object[]): typeof answers => ({
  "/restate/health": json({ services: [] }),
  "/version": json({
    version: "1.7.12",
    min_admin_api_version: 2,
    max_admin_api_version: 3,
    ingress_endpoint: null,
    features: {},
  }),
  "/services": json({ services }),
});

beforeAll(async () => {
  restate = await listen(async (request: IncomingMessage, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const { authorization } = request.headers;
    if (authorization !== `Bearer ${SECRET}`) json({ message: "who is that" }, 401)(response);
    else (answers[path] ?? json({ message: "unknown" }, 404))(response);
    return Promise.resolve();
  });
});
afterAll(() => restate.close());

beforeEach(() => {
  answers = healthy(echo(), other);
  asked = [];
  for (const name of ["ENVIRONMENT", "ADMIN_TOKEN", "APP_VERSION", "DENO_DEPLOYMENT_ID"]) vi.stubEnv(name, undefined);
  vi.stubEnv("RESTATE_IDENTITY_KEYS", new RestateIdentity().publicKey);
  vi.stubEnv("RESTATE_INGRESS_URL", restate.url);
  vi.stubEnv("RESTATE_ADMIN_URL", restate.url);
  vi.stubEnv("RESTATE_AUTH_TOKEN", SECRET);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const app = (options: Partial<EdgeAppOptions> = {}): Hono =>
  createEdgeApp({ services: [echoService], log: false, ...options });

interface Seen {
  readonly status: number;
  readonly text: string;
  readonly report: Report;
  /** `name: status detail` of each check. */
  readonly checks: readonly string[];
}

async function ready(one: Hono = app()): Promise<Seen> {
  const answer = await one.request("/ready");
  const text = await answer.text();
  const report = JSON.parse(text) as Report;
  const checks = report.checks.map(({ name, status, detail }) => `${name}: ${status} ${detail}`);
  return { status: answer.status, text, report, checks };
}

test("all checks pass when all is well", async () => {
  const { status, report, checks } = await ready();
  expect([status, report.status]).toEqual([200, "pass"]);
  expect(checks).toEqual([
    "identity-keys: pass 1 identity key",
    "ingress: pass Restate's ingress is healthy",
    "admin: pass Restate's Admin API answers",
    "registered: pass All services are registered with these handlers; no version is known here",
    "telemetry: skip OTEL_EXPORTER_OTLP_ENDPOINT is not set",
  ]);
  for (const { durationMs } of report.checks) expect(durationMs).toBeGreaterThanOrEqual(0);
});

const keys = new RestateIdentity().publicKey;
test.each([
  ["production", `${keys},${new RestateIdentity().publicKey}`, "pass 2 identity keys"],
  ["development", keys, "pass 1 identity key"],
  ["development", undefined, "skip Development: anyone may call the Restate endpoint"],
  ["production", undefined, "fail RESTATE_IDENTITY_KEYS is not set, so nothing is served"],
  [undefined, " , ", "fail RESTATE_IDENTITY_KEYS is not set, so nothing is served"],
  ["production", `${keys},hunter2`, "fail A key in RESTATE_IDENTITY_KEYS is malformed, so nothing is served"],
  ["development", "hunter2", "fail A key in RESTATE_IDENTITY_KEYS is malformed, so nothing is served"],
])("identity keys in %s: %s", async (environment, setting, finding) => {
  vi.stubEnv("ENVIRONMENT", environment);
  vi.stubEnv("RESTATE_IDENTITY_KEYS", setting);
  const { status, checks, text } = await ready();
  expect(checks[0]).toBe(`identity-keys: ${finding}`);
  expect(status).toBe(finding.startsWith("fail") ? 503 : 200);
  expect(text).not.toMatch(/hunter2|publickeyv1/);
});

test("what has no address is skipped, unless routes need it", async () => {
  vi.stubEnv("RESTATE_INGRESS_URL", undefined);
  vi.stubEnv("RESTATE_ADMIN_URL", undefined);
  const alone = await ready();
  expect(alone.status).toBe(200);
  expect(alone.checks.slice(1, 4)).toEqual([
    "ingress: skip RESTATE_INGRESS_URL is not set",
    "admin: skip RESTATE_ADMIN_URL is not set",
    "registered: skip Unknown: RESTATE_ADMIN_URL is not set",
  ]);
  vi.stubEnv("ADMIN_TOKEN", "an-admin-token-of-tests");
  const needed = await ready(app({ publicServices: [echoService] }));
  expect(needed.status).toBe(503);
  expect(needed.checks.slice(1, 4)).toEqual([
    "ingress: fail RESTATE_INGRESS_URL is not set, and the agents API needs it",
    "admin: fail RESTATE_ADMIN_URL is not set, and the admin routes need it",
    "registered: skip Unknown: RESTATE_ADMIN_URL is not set",
  ]);
});

test("a Restate that is gone is named, door by door, without its address or token", async () => {
  const gone = await listen(() => Promise.resolve());
  await gone.close();
  vi.stubEnv("RESTATE_INGRESS_URL", gone.url);
  const half = await ready();
  expect(half.status).toBe(503);
  expect(half.checks.slice(1, 3)).toEqual([
    "ingress: fail Restate's ingress cannot be reached",
    "admin: pass Restate's Admin API answers",
  ]);
  vi.stubEnv("RESTATE_ADMIN_URL", gone.url);
  const { checks, text } = await ready();
  expect(checks.slice(2, 4)).toEqual([
    "admin: fail Restate's admin cannot be reached",
    "registered: skip Unknown: Restate's admin cannot be reached",
  ]);
  expect(text).not.toMatch(/127\.0\.0\.1|http:|a-token/);
});

test("a token that Restate does not accept is named", async () => {
  vi.stubEnv("RESTATE_AUTH_TOKEN", "another-token");
  const { status, checks, text } = await ready();
  expect(status).toBe(503);
  expect(checks.slice(1, 4)).toEqual([
    "ingress: fail Restate's ingress does not accept RESTATE_AUTH_TOKEN",
    "admin: fail Restate's admin does not accept RESTATE_AUTH_TOKEN",
    "registered: fail Restate's admin does not accept RESTATE_AUTH_TOKEN",
  ]);
  expect(text).not.toContain("another-token");
});

test("something else at Restate's addresses is told apart", async () => {
  answers = { "/version": json("hello"), "/services": json({ services: "hello" }) };
  const { status, checks } = await ready();
  expect(status).toBe(503);
  expect(checks.slice(1, 4)).toEqual([
    "ingress: fail What answers is not Restate's ingress",
    "admin: fail What answers is not Restate's admin",
    "registered: skip Unknown: What answers is not Restate's admin",
  ]);
});

test("a Restate that hangs does not hang the answer, and the checks wait side by side", async () => {
  answers = { "/version": () => {}, "/services": () => {}, "/restate/health": () => {} };
  const start = performance.now();
  const { status, checks } = await ready();
  const ms = performance.now() - start;
  expect([status, ms > 1_900, ms < 3_500]).toEqual([503, true, true]);
  expect(checks.slice(1, 3)).toEqual([
    "ingress: fail Restate's ingress cannot be reached",
    "admin: fail Restate's admin cannot be reached",
  ]);
});

const handlers = (...names: string[]): object => ({
  handlers: names.map((name) => ({ name, input_description: "", output_description: "" })),
});
const ALL = "pass All services are registered, and this version is the latest";
const OTHER = "fail 1 of 1 services registered with another version as the latest";
test.each([
  ["not at all", undefined, [other], "fail 1 of 1 services not registered with Restate"],
  [
    "with the same handlers",
    undefined,
    [echo()],
    "pass All services are registered with these handlers; no version is known here",
  ],
  ["with a handler more", undefined, [echo(undefined, handlers("say", "plain", "more"))], OTHER],
  ["with a handler less", undefined, [echo(undefined, handlers("say"))], OTHER],
  ["with other handlers", undefined, [echo(undefined, handlers("say", "plane"))], OTHER],
  ["as another kind", undefined, [echo(undefined, { ty: "VirtualObject" })], OTHER],
  ["at this version", "v2", [echo("v2")], ALL],
  ["at another version", "v2", [echo("v1")], OTHER],
  ["at a version that did not say which", "v2", [echo()], OTHER],
])("registered %s, when this is version %s", async (_what, version, services, finding) => {
  vi.stubEnv("DENO_DEPLOYMENT_ID", version);
  answers = healthy(...services);
  const { status, checks, text } = await ready();
  expect(checks[3]).toBe(`registered: ${finding}`);
  expect(status).toBe(finding.startsWith("pass") ? 200 : 503);
  expect(text).not.toContain("Echo");
});

test("APP_VERSION is compared, before what the platform tells", async () => {
  vi.stubEnv("DENO_DEPLOYMENT_ID", "v1");
  vi.stubEnv("APP_VERSION", "v2");
  answers = healthy(echo("v1"));
  expect((await ready()).checks[3]).toBe(`registered: ${OTHER}`);
  answers = healthy(echo("v2"));
  expect((await ready()).checks[3]).toBe(`registered: ${ALL}`);
});

test("what Restate discovers holds the version, beside the service's own metadata", async () => {
  vi.stubEnv("RESTATE_IDENTITY_KEYS", undefined);
  vi.stubEnv("ENVIRONMENT", "development");
  const noted = { ...echoService, metadata: { team: "blue" } };
  const discovered = async (one: Hono): Promise<unknown> => {
    const { services } = (await (await one.request("/restate/discover", DISCOVER)).json()) as {
      services: readonly { metadata?: unknown }[];
    };
    return services[0]?.metadata;
  };
  const one = app({ services: [noted] });
  const before = (await discovered(one)) as Record<string, string>;
  expect(before).toMatchObject({ team: "blue" });
  expect(before).not.toHaveProperty("restate-edge-agents/version");
  vi.stubEnv("DENO_DEPLOYMENT_ID", "v7");
  expect(await discovered(one)).toEqual({ ...before, "restate-edge-agents/version": "v7" });
});

test("many who ask at once, and soon after, cost Restate one round of requests", async () => {
  const one = app();
  const first = await Promise.all(Array.from({ length: 50 }, () => ready(one)));
  for (let n = 0; n < 10; n++) first.push(await ready(one));
  expect(new Set(first.map(({ status }) => status))).toEqual(new Set([200]));
  expect(asked.toSorted()).toEqual(["/restate/health", "/services", "/version"]);
});

test("a round outlives the request that began it, on platforms that would end it", async () => {
  const kept: Promise<unknown>[] = [];
  const context = {
    waitUntil: (work: Promise<unknown>) => kept.push(work),
    passThroughOnException: () => {},
    props: {},
  };
  const one = app();
  await one.request("/ready", {}, undefined, context);
  await one.request("/ready", {}, undefined, context);
  expect(kept).toHaveLength(1);
  await expect(kept[0]).resolves.toMatchObject({ status: "pass" });
});

test("a report is checked again after a few seconds", async () => {
  const now = vi.spyOn(performance, "now");
  const one = app();
  now.mockReturnValue(1_000);
  expect((await ready(one)).status).toBe(200);
  answers["/restate/health"] = json({}, 500);
  now.mockReturnValue(3_900);
  expect((await ready(one)).status).toBe(200);
  now.mockReturnValue(4_100);
  expect((await ready(one)).status).toBe(503);
});

test("changed settings are checked at once", async () => {
  const one = app();
  expect((await ready(one)).status).toBe(200);
  vi.stubEnv("RESTATE_AUTH_TOKEN", "another-token");
  expect((await ready(one)).status).toBe(503);
});

test("who waits for a round that will never end is answered", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    vi.stubGlobal("fetch", () => new Promise(() => {}));
    const waiting = ready();
    await vi.advanceTimersByTimeAsync(4_000);
    const { status, checks } = await waiting;
    expect([status, checks]).toEqual([503, ["all: fail The checks did not end in time"]]);
  } finally {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  }
});

test("server-timing tells how long Restate took, overlaps counted once", async () => {
  const timing = (await app().request("/ready")).headers.get("server-timing") ?? "";
  const [, total, restateMs] = /^total;dur=([\d.]+), restate;dur=([\d.]+)$/.exec(timing) ?? [];
  expect(Number(restateMs)).toBeGreaterThan(0);
  expect(Number(restateMs)).toBeLessThanOrEqual(Number(total));
});

test("a page for everything is no Restate", async () => {
  const page = (response: ServerResponse) =>
    response.writeHead(200, { "content-type": "text/html" }).end("<h1>Hi</h1>");
  for (const answer of [page, json({}), json({ status: "ok" }), json([])]) {
    answers = { ...healthy(echo()), "/restate/health": answer };
    const { status, checks } = await ready();
    expect([status, checks[1]]).toEqual([503, "ingress: fail What answers is not Restate's ingress"]);
  }
});

test("a token that may not list services is named", async () => {
  for (const status of [401, 403]) {
    answers = { ...healthy(echo()), "/services": json({ message: "not for you" }, status) };
    const seen = await ready();
    expect(seen.status).toBe(503);
    expect(seen.checks.slice(2, 4)).toEqual([
      "admin: pass Restate's Admin API answers",
      "registered: fail Restate's admin does not accept RESTATE_AUTH_TOKEN",
    ]);
  }
});

test.each([
  ["an-api-key-of-tests", "pass 1 API key"],
  ["an-api-key-of-tests,another-key-of-tests", "pass 2 API keys"],
  [undefined, "fail AGENT_API_KEYS is not set, so nobody can invoke agents"],
  [" , ", "fail AGENT_API_KEYS is not set, so nobody can invoke agents"],
  ["hunter2", "fail Cannot use the setting AGENT_API_KEYS: a token has at least 16 characters"],
])("API keys %j, when agents are public", async (setting, finding) => {
  vi.stubEnv("AGENT_API_KEYS", setting);
  const { status, checks, text } = await ready(app({ publicServices: [echoService] }));
  expect(checks.filter((check) => check.startsWith("api-keys"))).toEqual([`api-keys: ${finding}`]);
  expect(status).toBe(finding.startsWith("pass") ? 200 : 503);
  expect(text).not.toMatch(/hunter2|of-tests/);
});

test("no API keys are needed when nothing is public, or the app says who may pass", async () => {
  vi.stubEnv("AGENT_API_KEYS", "short");
  for (const one of [app(), app({ publicServices: [echoService], auth: (_context, next) => next() })]) {
    const { status, text } = await ready(one);
    expect([status, text.includes("api-keys")]).toEqual([200, false]);
  }
});

const TYPO = "Traces are off: Cannot use the setting OTEL_EXPORTER_OTLP_ENDPOINT";
test.each([
  [undefined, undefined, "skip OTEL_EXPORTER_OTLP_ENDPOINT is not set"],
  ["http://receiver.test", undefined, "pass Traces go where OTEL_EXPORTER_OTLP_ENDPOINT says"],
  ["hunter.example.com", undefined, `skip ${TYPO}: see README.md, "Settings"`],
  ["hunter.example.com", false, "skip The settings do not say where traces go: the app does"],
] as const)("traces to %j, the app says %j", async (endpoint, telemetry, finding) => {
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
  const { status, checks, text } = await ready(app(telemetry === undefined ? {} : { telemetry }));
  expect([status, checks[4]]).toEqual([200, `telemetry: ${finding}`]);
  expect(text).not.toContain("hunter");
});
