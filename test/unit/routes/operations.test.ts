import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createEdgeApp, type EdgeAppOptions } from "../../../routes/index.ts";
import type { FailureLine, LogLine, RequestLine } from "../../../routes/operations/log.ts";
import { observe } from "../../../routes/operations/observe.ts";
import { sdkObject } from "../../../src/restate.ts";
import { listen } from "../../../src/testing/http-server.ts";
import { DISCOVER, echoService, INVOKE } from "../endpoint/echo-service.ts";

const TOKEN = "an-admin-token-of-tests";
const AS_ADMIN = { authorization: `Bearer ${TOKEN}` };
const NAMES = [
  "ENVIRONMENT",
  "RESTATE_IDENTITY_KEYS",
  "ADMIN_TOKEN",
  "RESTATE_ADMIN_URL",
  "RESTATE_INGRESS_URL",
  "AGENT_API_KEYS",
];

let lines: LogLine[] = [];

beforeEach(() => {
  lines = [];
  for (const name of NAMES) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const app = (options: Partial<EdgeAppOptions> = {}): Hono =>
  createEdgeApp({ services: [echoService], log: (line) => lines.push(line), ...options });

/** The only line, of a request. */
function requestLine(): RequestLine {
  expect(lines.map(({ message }) => message)).toEqual(["request"]);
  return lines[0] as RequestLine;
}

const CASES: readonly (readonly [what: string, path: string, init: RequestInit, status: number])[] = [
  ["an answer", "/health", {}, 200],
  ["HEAD", "/health", { method: "HEAD" }, 200],
  ["OPTIONS", "/health", { method: "OPTIONS" }, 204],
  ["an unknown path", "/nothing", {}, 404],
  ["another method", "/health", { method: "PUT" }, 405],
  ["a malformed URL", "/%E0%A4%A", {}, 400],
  ["a missing token", "/admin/version", {}, 401],
  ["the Restate endpoint", "/restate/discover", DISCOVER, 200],
  ["an unknown path of the Restate endpoint", "/restate/nothing", {}, 404],
];

test.each(CASES)("%s has a request id and one line in the log", async (_what, path, init, status) => {
  vi.stubEnv("ENVIRONMENT", "development");
  vi.stubEnv("ADMIN_TOKEN", TOKEN);
  const answer = await app().request(path, init);
  expect(answer.status).toBe(status);
  const id = answer.headers.get("x-request-id");
  expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/);
  expect(requestLine()).toMatchObject({ requestId: id, status, method: init.method ?? "GET" });
});

test.each(["0af7651916cd43dd", "a".repeat(128), "req_1.2-3=4:5"])("a caller's id %j is kept", async (id) => {
  const answer = await app().request("/health", { headers: { "x-request-id": id } });
  expect(answer.headers.get("x-request-id")).toBe(id);
  expect(requestLine().requestId).toBe(id);
});

test.each(["short", "a".repeat(129), "has a blank", "<script>alert(1)", 'quote"quote', "comma,comma", "größe-größe"])(
  "a caller's id %j is replaced",
  async (id) => {
    const answer = await app().request("/health", { headers: { "x-request-id": id } });
    expect(answer.headers.get("x-request-id")).toMatch(/^[\da-f-]{36}$/);
  },
);

test("a line tells time, level, method, pattern, status, code and duration, and nothing else", async () => {
  vi.stubEnv("ADMIN_TOKEN", TOKEN);
  await app().request("/admin/services/Secretive/handlers/run?force=hunter2", { headers: AS_ADMIN });
  expect(requestLine()).toEqual({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
    level: "error",
    message: "request",
    requestId: expect.any(String) as string,
    method: "GET",
    route: "/admin/services/{service}/handlers/{handler}",
    status: 503,
    code: "restate-not-configured",
    durationMs: expect.any(Number) as number,
  });
  expect(JSON.stringify(lines)).not.toMatch(/Secretive|hunter2|an-admin-token/);
});

test("names of this app's services are told, names that a stranger made up are not", async () => {
  vi.stubEnv("ENVIRONMENT", "development");
  const told = async (path: string, headers = {}): Promise<RequestLine> => {
    lines = [];
    await app().request(path, { ...INVOKE, headers: { ...INVOKE.headers, ...headers } });
    return requestLine();
  };
  const id = { "x-restate-invocation-id": "inv_1fmRNvSNVxNp5PTqHI4HLJ17HpxzhB3MEV" };
  expect(await told("/restate/invoke/Echo/say", id)).toMatchObject({
    route: "/restate/invoke/{service}/{handler}",
    service: "Echo",
    handler: "say",
    invocationId: id["x-restate-invocation-id"],
  });
  const made = await told("/restate/invoke/Made/up", { "x-restate-invocation-id": "inv_<made up>" });
  expect(made).toMatchObject({ route: "/restate/invoke/{service}/{handler}" });
  expect(made.service ?? made.handler ?? made.invocationId).toBeUndefined();
  expect((await told("/restate/invoke/Echo/up")).handler).toBeUndefined();
  expect(JSON.stringify(await told("/restate/made-up/path"))).not.toContain("made-up");
});

test("levels follow the status", async () => {
  const level = async (path: string): Promise<string> => {
    lines = [];
    await app().request(path);
    return requestLine().level;
  };
  expect([await level("/health"), await level("/nothing"), await level("/restate/discover")]).toEqual([
    "info",
    "warn",
    "error",
  ]);
});

test("lines go to the console as JSON by default, and nowhere with log: false", async () => {
  const print = vi.spyOn(console, "log").mockImplementation(() => {});
  await createEdgeApp({ services: [echoService] }).request("/health");
  expect(print).toHaveBeenCalledOnce();
  expect(JSON.parse(String(print.mock.calls[0]?.[0]))).toMatchObject({ message: "request", route: "/health" });
  await createEdgeApp({ services: [echoService], log: false }).request("/health");
  expect(print).toHaveBeenCalledOnce();
});

test("a log that throws does not fail the request", async () => {
  const print = vi.spyOn(console, "error").mockImplementation(() => {});
  const log = (): void => {
    throw new Error("the log is full");
  };
  expect((await app({ log }).request("/health")).status).toBe(200);
  expect(print).toHaveBeenCalledOnce();
});

/** An app whose `/restate/x` and `/other` answer with `answer`. */
function answering(answer: () => Response): Hono {
  const served = new Hono();
  served.use(observe({ services: [], mount: "/restate", log: (line) => lines.push(line) }));
  served.all("/restate/*", answer);
  return served.get("/other", answer);
}

test("the Restate endpoint's answer is passed on as it is, with an id and nothing else", async () => {
  const answer = new Response(new ReadableStream(), { headers: { "content-type": "application/vnd.restate" } });
  const passed = await answering(() => answer).request("/restate/x");
  expect(passed).toBe(answer);
  expect([...passed.headers.keys()]).toEqual(["content-type", "x-request-id"]);
});

test.each(["/restate/x", "/other"])("%s answers, and is logged, while its body streams on", async (path) => {
  let source: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({ start: (controller) => void (source = controller) });
  const answer = await answering(() => new Response(body)).request(path);
  expect(requestLine().status).toBe(200);
  source?.enqueue(new TextEncoder().encode("later"));
  source?.close();
  expect(await answer.text()).toBe("later");
});

test("an answer whose headers cannot be changed gets them nevertheless", async () => {
  const answer = await answering(() => Response.redirect("http://localhost/elsewhere")).request("/other");
  expect([answer.status, answer.headers.get("location")]).toEqual([302, "http://localhost/elsewhere"]);
  expect(answer.headers.get("x-request-id")).toMatch(/^[\da-f-]{36}$/);
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
});

test.each(CASES.filter(([, path, , status]) => status >= 400 || !path.startsWith("/restate")))(
  "%s has security headers",
  async (_what, path, init) => {
    vi.stubEnv("ENVIRONMENT", "development");
    vi.stubEnv("ADMIN_TOKEN", TOKEN);
    const { headers } = await app().request(path, init);
    expect(Object.fromEntries(headers)).toMatchObject({
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "cross-origin-resource-policy": "same-origin",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    });
    expect(headers.has("strict-transport-security")).toBe(false);
  },
);

test("a header that a route sets itself is kept", async () => {
  const own = { "cache-control": "max-age=60", "x-frame-options": "SAMEORIGIN" };
  const { headers } = await answering(() => new Response("", { headers: own })).request("/other");
  expect(Object.fromEntries(headers)).toMatchObject(own);
});

test("browsers are told to keep to https where it is used, localhost aside", async () => {
  const sts = async (url: string): Promise<string | null> =>
    (await app().request(url)).headers.get("strict-transport-security");
  expect(await sts("https://agents.example.com/health")).toBe("max-age=15552000");
  expect(await sts("http://agents.example.com/health")).toBeNull();
  expect(await sts("https://localhost:8787/health")).toBeNull();
});

test("server-timing tells the total, and not how long a token took to compare", async () => {
  vi.stubEnv("ADMIN_TOKEN", TOKEN);
  expect((await app().request("/health")).headers.get("server-timing")).toMatch(/^total;dur=\d+\.\d$/);
  const wrong = await app().request("/admin/version", { headers: { authorization: `Bearer ${TOKEN}x` } });
  expect([wrong.status, wrong.headers.get("server-timing")]).toEqual([401, null]);
});

test("allow lists what a path knows, also for routes behind a gate that was passed", async () => {
  vi.stubEnv("ADMIN_TOKEN", TOKEN);
  const allow = async (path: string, headers = {}): Promise<readonly [number, string | null]> => {
    const answer = await app().request(path, { method: "PUT", headers });
    return [answer.status, answer.headers.get("allow")];
  };
  expect(await allow("/ready")).toEqual([405, "GET, HEAD, OPTIONS"]);
  expect(await allow("/openapi.json")).toEqual([405, "GET, HEAD, OPTIONS"]);
  const [status, methods] = await allow("/admin/deployments/dp_1", AS_ADMIN);
  expect(status).toBe(405);
  expect(methods).toMatch(/^DELETE, GET, HEAD, (OPTIONS, )?PATCH$/);
  expect(await allow("/admin/deployments/dp_1")).toEqual([401, null]);
  expect(await allow("/ready/")).toEqual([404, null]);
});

test("without ADMIN_TOKEN an admin path is like any other that is not served", async () => {
  const seen = async (path: string, method: string): Promise<unknown> => {
    const answer = await app().request(path, { method, headers: AS_ADMIN });
    const kept = [...answer.headers].filter(([name]) => name !== "x-request-id" && name !== "server-timing");
    return { status: answer.status, headers: kept, body: (await answer.text()).replaceAll(path, "<path>") };
  };
  for (const method of ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PROPFIND"]) {
    const ordinary = await seen("/nothing/here", method);
    expect(ordinary).toMatchObject({ status: 404 });
    for (const path of ["/admin", "/admin/", "/admin/deployments", "/admin/deployments/dp_1", "/admin/nothing"]) {
      expect(await seen(path, method)).toEqual(ordinary);
    }
  }
});

test.each([
  "/%",
  "/%E0%A4%A",
  "/%ff",
  "/%c0%af",
  "/health%zz",
  "/health?x=%",
  "/health?x=%ff",
  "/health?%ed%a0%80=1",
  "/ready?%",
  "/openapi.json?a=1&b=%g0",
  "/agents/%E0%A4%A/run",
  "/agents/Echo/%ff/say",
  "/admin/%80",
])("%s is refused: its encoding is malformed", async (path) => {
  vi.stubEnv("ADMIN_TOKEN", TOKEN);
  for (const method of ["GET", "POST", "OPTIONS"]) {
    const answer = await app().request(path, { method, headers: AS_ADMIN });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: "invalid-request" });
  }
});

const failing = (thrown: unknown, options: Partial<EdgeAppOptions> = {}): Hono =>
  app({
    info: () => {
      throw thrown;
    },
    ...options,
  });

test("an unexpected failure is logged once with its id and stacks, and without secrets", async () => {
  vi.stubEnv("ADMIN_TOKEN", `${TOKEN}, another-token-of-tests`);
  vi.stubEnv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=otlp-secret-value");
  const cause = new Error("postgres://ada:lovelace@db/x refused 'Bearer abc.def' and another-token-of-tests");
  const answer = await failing(new TypeError(`Bad ${TOKEN} otlp-secret-value`, { cause })).request("/health");
  expect(await answer.json()).toMatchObject({ status: 500, code: "internal-error" });
  const [failure, request] = lines as [FailureLine, RequestLine];
  expect(lines).toHaveLength(2);
  expect(failure).toMatchObject({ level: "error", message: "failure", requestId: answer.headers.get("x-request-id") });
  expect(request).toMatchObject({ message: "request", status: 500, code: "internal-error" });
  expect(failure.error).toMatch(/^TypeError: Bad \[hidden\] \[hidden\]\n\s+at .*operations\.test\.ts/);
  expect(failure.error).toContain("Caused by: Error: postgres://[hidden]@db/x refused 'Bearer [hidden]' and [hidden]");
  expect(JSON.stringify(lines)).not.toMatch(/token-of-tests|lovelace|abc\.def|otlp-secret/);
});

test.each(["a text", undefined, null, 7, { secret: "hunter2" }])("%j thrown is an internal error", async (thrown) => {
  const answer = await failing(thrown).request("/health");
  expect(await answer.json()).toMatchObject({ status: 500, code: "internal-error" });
  expect(lines.map(({ message }) => message)).toEqual(["failure", "request"]);
  expect(JSON.stringify(lines)).not.toContain("hunter2");
});

test("a failure is told on the console with log: false too", async () => {
  const print = vi.spyOn(console, "error").mockImplementation(() => {});
  await failing(new Error("broken"), { log: false }).request("/health");
  expect(print).toHaveBeenCalledOnce();
  expect(JSON.parse(String(print.mock.calls[0]?.[0]))).toMatchObject({ message: "failure", level: "error" });
});

test.each(["/admin", "/agents/restate", "/health", "/ready", "/openapi.json"])(
  "mount %s is refused: it belongs to another route",
  (mount) => {
    expect(() => app({ mount })).toThrow(/mount must not begin with the path of another route/);
  },
);

/** Restate's ingress, as far as a call of `Echo/say` needs it. */
async function withIngress<T>(work: (url: string) => Promise<T>): Promise<T> {
  const ingress = await listen((_request, response) => {
    response.writeHead(200, { "content-type": "application/json", "x-restate-id": INVOCATION }).end('"hello"');
    return Promise.resolve();
  });
  try {
    return await work(ingress.url);
  } finally {
    await ingress.close();
  }
}
const INVOCATION = "inv_1fmRNvSNVxNp5PTqHI4HLJ17HpxzhB3MEV";

test("a line about a call names invocation, service and handler, and how long Restate took; not the key or the body", async () => {
  const shelf = sdkObject({ name: "Shelf", handlers: { put: async () => "done" } });
  const answer = await withIngress(async (url) => {
    vi.stubEnv("AGENT_API_KEYS", "an-api-key-of-tests");
    vi.stubEnv("RESTATE_INGRESS_URL", url);
    return app({ services: [shelf], publicServices: [shelf] }).request("/agents/Shelf/ada@example.com/put", {
      method: "POST",
      headers: { authorization: "Bearer an-api-key-of-tests", "content-type": "application/json" },
      body: '"a secret plan"',
    });
  });
  const line = requestLine();
  expect(line).toMatchObject({ route: "/agents/{object}/{key}/{handler}", service: "Shelf", handler: "put" });
  expect([line.status, answer.status]).toEqual([200, 200]);
  expect(JSON.stringify(line)).not.toMatch(/ada|secret|api-key-of/);
});

test("a line about a call that succeeded has the invocation's id and the time that Restate took", async () => {
  const answer = await withIngress(async (url) => {
    vi.stubEnv("AGENT_API_KEYS", "an-api-key-of-tests");
    vi.stubEnv("RESTATE_INGRESS_URL", url);
    return app({ publicServices: [echoService] }).request("/agents/Echo/plain", {
      method: "POST",
      headers: { authorization: "Bearer an-api-key-of-tests" },
    });
  });
  expect([answer.status, await answer.text()]).toEqual([200, '"hello"']);
  expect(answer.headers.get("server-timing")).toMatch(/^total;dur=[\d.]+, restate;dur=[\d.]+$/);
  const { restateMs = -1, durationMs, ...line } = requestLine();
  expect(line).toMatchObject({ service: "Echo", handler: "plain", invocationId: INVOCATION });
  expect(restateMs).toBeGreaterThan(0);
  expect(durationMs).toBeGreaterThanOrEqual(restateMs);
});

test.each([
  [401, "unauthorized"],
  [403, "forbidden"],
  [404, "not-found"],
  [413, "body-too-large"],
  [415, "unsupported-media-type"],
  [429, "rate-limited"],
  [418, "invalid-request"],
] as const)(
  "an HTTPException %i of a user's middleware is a problem, with the headers that matter",
  async (status, code) => {
    const res = new Response(null, { headers: { "www-authenticate": "Bearer", "retry-after": "7", "x-other": "1" } });
    const auth = (): never => {
      throw new HTTPException(status, { message: "Not you", res });
    };
    const answer = await app({ publicServices: [echoService], auth }).request("/agents/Echo/say", { method: "POST" });
    expect(await answer.json()).toMatchObject({ status, code, detail: "Not you" });
    expect(Object.fromEntries(answer.headers)).toMatchObject({ "www-authenticate": "Bearer", "retry-after": "7" });
    expect(answer.headers.has("x-other")).toBe(false);
    expect(requestLine()).toMatchObject({ status, code });
  },
);

test("an HTTPException of 500 and above is an internal error", async () => {
  const auth = (): never => {
    throw new HTTPException(503, { message: "the key server at 10.0.0.7 is down" });
  };
  const answer = await app({ publicServices: [echoService], auth }).request("/agents/Echo/say", { method: "POST" });
  const text = await answer.text();
  expect([answer.status, text.includes("10.0.0.7")]).toEqual([500, false]);
  expect(lines.map(({ message }) => message)).toEqual(["failure", "request"]);
});
