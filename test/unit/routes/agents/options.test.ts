/** Who may use the agents API: API keys, `auth`, CORS, the rate limit; in which order. */
import type { MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { agentsRoutes, type AgentsRouteOptions, type CorsOptions } from "../../../../routes/agents.ts";
import { createEdgeApp } from "../../../../routes/app.ts";
import { problemOf } from "../../../../routes/problem.ts";
import { createRouter } from "../../../../routes/router.ts";
import { DefinitionError } from "../../../../src/errors/definition-error.ts";
import { echoService } from "../../endpoint/echo-service.ts";
import { FakeRestate, refused, returned } from "./fake-restate.ts";

const API_KEY = "key-of-the-unit-tests";
const ORIGIN = "https://page.example";

let restate: FakeRestate;
beforeAll(async () => {
  restate = await FakeRestate.start();
});
afterAll(() => restate.close());
beforeEach(() => {
  restate.reset();
  vi.stubEnv("AGENT_API_KEYS", API_KEY);
  vi.stubEnv("RESTATE_INGRESS_URL", restate.url);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

async function ask(
  options: Partial<AgentsRouteOptions>,
  init: { method?: string; path?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number; code: unknown; headers: Headers }> {
  const { method = "POST", path = "/agents/Echo/plain", headers = { authorization: `Bearer ${API_KEY}` }, body } = init;
  const app = createRouter()
    .route("/agents", agentsRoutes({ publicServices: [echoService], ...options }))
    .onError((error) => problemOf(error));
  const response = await app.request(path, { method, headers, ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  const isProblem = response.headers.get("content-type") === "application/problem+json";
  return {
    status: response.status,
    code: isProblem ? (JSON.parse(text) as { code: unknown }).code : undefined,
    headers: response.headers,
  };
}

test.each([undefined, "", " ", ","])("without API keys nobody gets in: %j", async (keys) => {
  vi.stubEnv("AGENT_API_KEYS", keys);
  expect(await ask({})).toMatchObject({ status: 503, code: "api-keys-missing" });
  expect(await ask({}, { headers: {}, path: "/agents/Unknown/x" })).toMatchObject({ status: 503 });
  expect(restate.requests).toEqual([]);
});

test("auth stands in for the API keys; what it throws is answered", async () => {
  vi.stubEnv("AGENT_API_KEYS", undefined);
  const auth: MiddlewareHandler = async ({ req }, next) => {
    if (req.header("cf-access-jwt-assertion") !== "good") throw new HTTPException(401, { message: "Sign in" });
    await next();
  };
  expect(await ask({ auth }, { headers: { "cf-access-jwt-assertion": "good" } })).toMatchObject({ status: 200 });
  expect(await ask({ auth })).toMatchObject({ status: 401, code: "unauthorized" });
  const answering: MiddlewareHandler = async (context) => Promise.resolve(context.text("no", 403));
  expect(await ask({ auth: answering })).toMatchObject({ status: 403 });
  expect(restate.requests).toHaveLength(1);
});

test("a stranger learns nothing: what exists and what does not answers alike", async () => {
  for (const path of [
    "/agents/Echo/plain",
    "/agents/Unknown/x",
    "/agents/invocations/inv_1",
    "/agents",
    "/agents/a/b/c/d",
  ]) {
    for (const method of ["GET", "POST", "DELETE", "OPTIONS", "PUT"]) {
      expect(await ask({}, { path, method, headers: {} })).toMatchObject({ status: 401, code: "unauthorized" });
    }
  }
});

test("strangers do not count for the rate limit, and a caller above it is not read", async () => {
  const limit = vi.fn(async () => Promise.resolve({ success: false }));
  expect(await ask({ rateLimit: { limit } }, { headers: {} })).toMatchObject({ status: 401 });
  expect(limit).not.toHaveBeenCalled();
  const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "text/plain" };
  expect(await ask({ rateLimit: { limit } }, { headers, body: "x" })).toMatchObject({ status: 429 });
  expect(restate.requests).toEqual([]);
});

const preflight = { method: "OPTIONS", headers: { origin: ORIGIN, "access-control-request-method": "POST" } };
const cors = (headers: Headers) => [...headers.keys()].filter((name) => name.startsWith("access-control-"));

test("CORS is off by default, for preflights and for answers", async () => {
  expect(await ask({}, preflight)).toMatchObject({ status: 401 });
  for (const answer of [
    await ask({}, preflight),
    await ask({}, { headers: { origin: ORIGIN, authorization: `Bearer ${API_KEY}` } }),
  ]) {
    expect(cors(answer.headers)).toEqual([]);
  }
});

test("with CORS on a preflight needs no key, and every answer may be read, refusals too", async () => {
  const on = { cors: { origin: ORIGIN } };
  const asked = await ask(on, preflight);
  expect([asked.status, asked.headers.get("access-control-allow-origin")]).toEqual([204, ORIGIN]);
  restate.reply = () => refused(422, "no", "invocation");
  for (const authorization of [`Bearer ${API_KEY}`, "Bearer wrong"]) {
    const { status, headers } = await ask(on, { headers: { origin: ORIGIN, authorization } });
    expect([401, 422]).toContain(status);
    expect(headers.get("access-control-allow-origin")).toBe(ORIGIN);
    expect(headers.get("access-control-expose-headers")).toMatch(/x-restate-id/);
  }
  expect(restate.requests).toHaveLength(1);
});

test("CORS with no origin at all opens nothing", async () => {
  const { headers } = await ask({ cors: { origin: [] } }, preflight);
  expect(headers.get("access-control-allow-origin")).toBeNull();
});

const mounts: [string, (options: Partial<AgentsRouteOptions>) => unknown][] = [
  ["the agents API", (options) => agentsRoutes({ publicServices: [echoService], ...options })],
  ["an app", (options) => createEdgeApp({ services: [echoService], publicServices: [echoService], ...options })],
  ["an app without public services", (options) => createEdgeApp({ services: [echoService], ...options })],
];

describe.each(mounts)("%s", (_name, mount) => {
  test.each(["waitMs", "maxWaitMs", "maxBodyBytes"])("%s has bounds", (name) => {
    for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "60000"]) {
      expect(() => mount({ [name]: value })).toThrow(DefinitionError);
      expect(() => mount({ [name]: value })).toThrow(`${name} must be a number`);
    }
    for (const value of [1, 86_400_000, undefined]) expect(() => mount({ [name]: value })).not.toThrow();
    // Timers above 2^31-1 ms fire at once.
    if (name !== "maxBodyBytes") expect(() => mount({ [name]: 86_400_001 })).toThrow(`${name} must be a number`);
  });

  test.each([{}, { origin: undefined }, { credentials: true }])("CORS needs an origin: %j", (cors: object) => {
    // As from JavaScript: the type wants one.
    expect(() => mount({ cors: cors as CorsOptions })).toThrow(DefinitionError);
    expect(() => mount({ cors: cors as CorsOptions })).toThrow(/cors\.origin must be given/);
  });
});

test("a body above the limit does not reach Restate", async () => {
  const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" };
  restate.reply = () => returned("1");
  expect(await ask({ maxBodyBytes: 4 }, { headers, body: "1234" })).toMatchObject({ status: 200 });
  expect(await ask({ maxBodyBytes: 4 }, { headers, body: "12345" })).toMatchObject({
    status: 413,
    code: "body-too-large",
  });
  expect(restate.requests).toHaveLength(1);
});
