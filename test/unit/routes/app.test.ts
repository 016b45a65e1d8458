import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createEdgeApp, type EdgeAppOptions, PROBLEM_CODES } from "../../../routes/index.ts";
import { DECODE, DISCOVER, echoService, INVOKE } from "../endpoint/echo-service.ts";
import { RestateIdentity } from "../../../src/testing/restate-identity.ts";

const restate = new RestateIdentity();
const REQUESTS = [
  ["/discover", DISCOVER],
  ["/invoke/Echo/say", INVOKE],
  ["/serdes/Echo/decode/say/input", DECODE],
] as const;

beforeEach(() => {
  for (const name of [
    "ENVIRONMENT",
    "RESTATE_IDENTITY_KEYS",
    "APP_VERSION",
    "DENO_DEPLOY_BUILD_ID",
    "DENO_DEPLOYMENT_ID",
  ]) {
    vi.stubEnv(name, undefined);
  }
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const app = (options: Partial<EdgeAppOptions> = {}) =>
  createEdgeApp({ services: [echoService], log: false, ...options });

/** Checks that a response is problem details with this code and tells nothing of what is inside. */
async function expectProblem(response: Response, status: number, code: keyof typeof PROBLEM_CODES): Promise<string> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const body = (await response.json()) as { detail: string };
  expect(body).toEqual({
    type: "about:blank",
    title: PROBLEM_CODES[code],
    status,
    code,
    detail: expect.any(String) as string,
  });
  expect(response.status).toBe(status);
  expect(body.detail).not.toMatch(/node_modules|\.ts\b|\n/);
  return body.detail;
}

test("codes of problems are a contract", () => {
  expect(Object.keys(PROBLEM_CODES)).toEqual([
    "api-keys-missing",
    "approval-answered",
    "approval-link-expired",
    "approval-link-invalid",
    "approval-not-found",
    "approval-own",
    "bidirectional-unsupported",
    "body-timeout",
    "body-too-large",
    "deployment-in-use",
    "forbidden",
    "identity-key-malformed",
    "identity-keys-missing",
    "identity-rejected",
    "internal-error",
    "invalid-request",
    "invalid-settings",
    "invocation-completed",
    "invocation-failed",
    "invocation-not-found",
    "journal-key-unknown",
    "journal-plaintext",
    "journal-tampered",
    "malformed-json",
    "method-not-allowed",
    "not-found",
    "rate-limited",
    "restate-not-configured",
    "restate-refused",
    "restate-unauthorized",
    "restate-unexpected",
    "restate-unreachable",
    "stack-unreachable",
    "state-changed",
    "token-in-query",
    "tool-call-not-pending",
    "unauthorized",
    "unsupported-by-server",
    "unsupported-media-type",
    "version-mismatch",
    "workflow-already-started",
  ]);
});

test("GET /health tells name, version, runtime and what the app adds", async () => {
  const response = await app({ info: () => ({ model: "demo" }) }).request("/health");
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(await response.json()).toEqual({
    status: "ok",
    name: "restate-edge-agents",
    version: null,
    runtime: "node",
    model: "demo",
  });
  expect(await (await app({ name: "mine" }).request("/health")).json()).toMatchObject({ name: "mine" });
});

test("GET /health answers without identity keys, and when a key is malformed", async () => {
  expect((await app().request("/health")).status).toBe(200);
  vi.stubEnv("RESTATE_IDENTITY_KEYS", "nonsense");
  expect((await app().request("/health")).status).toBe(200);
});

test("the version is the Worker's or that of Deno Deploy", async () => {
  const version = async (bindings = {}): Promise<unknown> =>
    ((await (await app().request("/health", {}, bindings)).json()) as { version: unknown }).version;
  vi.stubEnv("DENO_DEPLOYMENT_ID", "deployment-1");
  expect(await version()).toBe("deployment-1");
  vi.stubEnv("DENO_DEPLOY_BUILD_ID", "build-1");
  expect(await version()).toBe("build-1");
  vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
  expect(await version({ CF_VERSION_METADATA: { id: "version-1", tag: "", timestamp: "2026-11-23T00:00:00Z" } })).toBe(
    "version-1",
  );
});

test("HEAD /health answers without a body, other methods are named", async () => {
  const head = await app().request("/health", { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  for (const method of ["POST", "PUT", "DELETE", "PROPFIND"]) {
    const response = await app().request("/health", { method });
    expect(response.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
    await expectProblem(response, 405, "method-not-allowed");
  }
  const options = await app().request("/health", { method: "OPTIONS" });
  expect([options.status, options.headers.get("allow")]).toEqual([204, "GET, HEAD, OPTIONS"]);
});

test.each([
  "/",
  "/index.html",
  "/health/",
  "/health/x",
  "//health",
  "/HEALTH",
  "/restate",
  "/restated/discover",
  "/discover",
  "/invoke/Echo/say",
])("%s is not found, for any method", async (path) => {
  vi.stubEnv("ENVIRONMENT", "development");
  for (const method of ["GET", "POST", "DELETE"]) {
    await expectProblem(await app().request(path, { method }), 404, "not-found");
  }
});

test.each([
  "/restate/health",
  "/restate/",
  "/restate/x/discover",
  "/restate//discover",
  "/restate/invoke/Echo/say/health",
  "/restate/%64iscover",
  "/%72estate/discover",
  "/restate/discover%2f",
  "/restate/invoke/Echo%2fsay",
  "/restate/serdes/Echo/encode/%E0%A4%A",
])("%s is on no list of the SDK's paths", async (path) => {
  vi.stubEnv("ENVIRONMENT", "development");
  await expectProblem(await app().request(path, DISCOVER), 404, "not-found");
  await expectProblem(await app().request(path, INVOKE), 404, "not-found");
});

test("a wrong method under /restate is named", async () => {
  vi.stubEnv("ENVIRONMENT", "development");
  const response = await app().request("/restate/discover", { method: "POST" });
  expect(response.headers.get("allow")).toBe("GET");
  await expectProblem(response, 405, "method-not-allowed");
});

test.each([undefined, "", "production", "Development", "dev", "staging", " development"])(
  "without keys nothing is served when ENVIRONMENT is %j",
  async (environment) => {
    vi.stubEnv("ENVIRONMENT", environment);
    for (const [path, init] of REQUESTS) {
      const detail = await expectProblem(await app().request(`/restate${path}`, init), 503, "identity-keys-missing");
      expect(detail).toContain("Set RESTATE_IDENTITY_KEYS");
    }
  },
);

test("without keys, development serves anyone", async () => {
  vi.stubEnv("ENVIRONMENT", "development");
  expect((await app().request("/restate/discover", DISCOVER)).status).toBe(200);
});

test.each(["development", "production"])(
  "with a malformed key nothing is served in %s, and the key is named",
  async (environment) => {
    vi.stubEnv("ENVIRONMENT", environment);
    vi.stubEnv("RESTATE_IDENTITY_KEYS", `${restate.publicKey}, publickeyv1_0OIl0OIl0OIl`);
    for (const [path, init] of REQUESTS) {
      const request = { ...init, headers: { ...init.headers, ...restate.headers(path) } };
      const detail = await expectProblem(
        await app().request(`/restate${path}`, request),
        503,
        "identity-key-malformed",
      );
      expect(detail).toContain('"publickeyv1_0OIl0OIl…"');
    }
  },
);

test.each(REQUESTS)("%s is Restate's alone when keys are set", async (path, init) => {
  vi.stubEnv("RESTATE_IDENTITY_KEYS", ` ${new RestateIdentity().publicKey} , ${restate.publicKey} `);
  const detail = await expectProblem(await app().request(`/restate${path}`, init), 401, "identity-rejected");
  expect(detail).not.toMatch(/jwt|signature-scheme|publickeyv1_/i);
  const signed = { ...init, headers: { ...init.headers, ...restate.headers(path) } };
  expect((await app().request(`/restate${path}`, signed)).status).toBe(200);
});

test("another mount is the only one", async () => {
  vi.stubEnv("ENVIRONMENT", "development");
  const moved = app({ mount: "/internal/restate.v1" });
  expect((await moved.request("/internal/restate.v1/discover", DISCOVER)).status).toBe(200);
  await expectProblem(await moved.request("/restate/discover", DISCOVER), 404, "not-found");
});

test.each(["", "/", "restate", "/restate/", "/restate/*", "/:name", "//restate", "/re state", "/%72", "/../x"])(
  "mount %j is refused when the app is created",
  (mount) => {
    expect(() => app({ mount })).toThrow(/^Cannot create the edge app: mount must be a path/);
  },
);

test("the endpoint is built once, not for each request", async () => {
  vi.stubEnv("ENVIRONMENT", "development");
  const log = vi.spyOn(console, "warn").mockImplementation(() => {});
  const one = app();
  for (let n = 0; n < 3; n++) await one.request("/restate/discover", DISCOVER);
  const warnings = log.mock.calls.filter((call) => call.join(" ").includes("without validating request signatures"));
  expect(warnings).toHaveLength(1);
});

test("new keys take effect without a new app", async () => {
  const next = new RestateIdentity();
  const one = app();
  const status = async (by: RestateIdentity): Promise<number> =>
    (await one.request("/restate/discover", { headers: { ...DISCOVER.headers, ...by.headers("/discover") } })).status;
  vi.stubEnv("RESTATE_IDENTITY_KEYS", restate.publicKey);
  expect([await status(restate), await status(next)]).toEqual([200, 401]);
  vi.stubEnv("RESTATE_IDENTITY_KEYS", next.publicKey);
  expect([await status(restate), await status(next)]).toEqual([401, 200]);
});

test("bidirectional mode on Workers is explained, and /health still answers", async () => {
  vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
  const refused = app({ bidirectional: true });
  const bindings = { ENVIRONMENT: "development" };
  const detail = await expectProblem(
    await refused.request("/restate/discover", DISCOVER, bindings),
    503,
    "bidirectional-unsupported",
  );
  expect(detail).toContain("Remove `bidirectional: true`");
  expect((await refused.request("/health", {}, bindings)).status).toBe(200);
});

test("settings of the wrong kind are named", async () => {
  vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
  const bindings = { RESTATE_IDENTITY_KEYS: { secret: "hidden" } };
  const detail = await expectProblem(
    await app().request("/restate/discover", DISCOVER, bindings),
    503,
    "invalid-settings",
  );
  expect(detail).toContain("RESTATE_IDENTITY_KEYS");
  expect(detail).not.toContain("hidden");
});

test("what fails inside is a 500 that says nothing, and is logged", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const failing = app({
    info: () => {
      throw new Error("password is hunter2");
    },
  });
  const detail = await expectProblem(await failing.request("/health"), 500, "internal-error");
  expect(detail).not.toContain("hunter2");
  expect(log).toHaveBeenCalledOnce();
});
