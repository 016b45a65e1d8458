import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { adminRoutes } from "../../../../routes/admin/admin-routes.ts";
import { HttpProblem, problemOf } from "../../../../routes/problem.ts";
import { createRouter } from "../../../../routes/router.ts";

const TOKEN = "admin-token-of-the-tests";
const DEPLOYMENT = "/admin/deployments/dp_117Sc4tiwdHF3JmbS5fTblD";

/** Every path that exists, and some that do not. */
const PATHS = [
  "/admin",
  "/admin/",
  "/admin/deployments",
  DEPLOYMENT,
  "/admin/services",
  "/admin/services/Greeter",
  "/admin/services/Greeter/handlers",
  "/admin/services/Greeter/handlers/greet",
  "/admin/services/Greeter/openapi",
  "/admin/subscriptions",
  "/admin/subscriptions/sub_1",
  "/admin/kafka-clusters",
  "/admin/kafka-clusters/c1",
  "/admin/limits/rules",
  "/admin/limits/rules/bulk-delete",
  "/admin/virtual-queues",
  "/admin/virtual-queues/vq_1/pause",
  "/admin/virtual-queues/vq_1/resume",
  "/admin/version",
  "/admin/invocations",
  "/admin/state/Counter/k",
  "/admin/nothing",
  "/admin/..%2fhealth",
];
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"];

const app = createRouter().route("/admin", adminRoutes()).onError(problemOf);
const upstream = vi.fn<typeof fetch>();

beforeEach(() => {
  vi.stubEnv("ADMIN_TOKEN", TOKEN);
  vi.stubEnv("RESTATE_ADMIN_URL", "http://restate.invalid:9070");
  vi.stubGlobal("fetch", upstream.mockReset().mockRejectedValue(new Error("nobody there")));
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

interface Sent {
  readonly token?: string;
  readonly method?: string;
  readonly body?: unknown;
}

const send = (path: string, { token = TOKEN, method = "GET", body }: Sent = {}): Promise<Response> =>
  Promise.resolve(
    app.request(path, {
      method,
      headers: {
        ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    }),
  );

async function codeOf(response: Response): Promise<string> {
  const { code } = (await response.json()) as { code: string };
  return `${response.status} ${code}`;
}

test.each([undefined, "", "  "])("with ADMIN_TOKEN %j nothing exists, for any path and method", async (setting) => {
  vi.stubEnv("ADMIN_TOKEN", setting);
  for (const path of PATHS) {
    for (const method of METHODS) {
      const response = await send(path, { method });
      expect(response.status, `${method} ${path}`).toBe(404);
      if (method !== "HEAD") expect(await codeOf(response)).toBe("404 not-found");
    }
  }
  expect(upstream).not.toHaveBeenCalled();
});

test.each(["", "wrong-token-of-the-tests", `${TOKEN}x`, TOKEN.slice(1), TOKEN.toUpperCase()])(
  "the token %j opens no path, for any method",
  async (token) => {
    for (const path of PATHS) {
      for (const method of METHODS) {
        const response = await send(path, { method, token });
        expect(response.status, `${method} ${path}`).toBe(401);
        expect(response.headers.get("www-authenticate")).toMatch(/^Bearer/);
        expect(response.headers.get("cache-control")).toBe("no-store");
      }
    }
    expect(upstream).not.toHaveBeenCalled();
  },
);

test("a token in the URL is refused, the right one too", async () => {
  expect(await codeOf(await send(`/admin/version?token=${TOKEN}`))).toBe("400 token-in-query");
  expect(await codeOf(await send(`/admin/version?access_token=${TOKEN}`, { token: "" }))).toBe("400 token-in-query");
  expect(upstream).not.toHaveBeenCalled();
});

test("tokens rotate, and may be stored as hashes", async () => {
  const hash = createHash("sha256").update("the-next-admin-token").digest("hex");
  vi.stubEnv("ADMIN_TOKEN", `${TOKEN}, sha256:${hash}`);
  for (const token of [TOKEN, "the-next-admin-token"]) {
    expect(await codeOf(await send("/admin/version", { token }))).toBe("503 restate-unreachable");
  }
  for (const token of [hash, `sha256:${hash}`]) {
    expect(await codeOf(await send("/admin/version", { token }))).toBe("401 unauthorized");
  }
  vi.stubEnv("ADMIN_TOKEN", `sha256:${hash}`);
  expect(await codeOf(await send("/admin/version"))).toBe("401 unauthorized");
});

test("a setting that guards nothing closes everything", async () => {
  vi.stubEnv("ADMIN_TOKEN", "short");
  expect(await codeOf(await send("/admin/version", { token: "short" }))).toBe("503 invalid-settings");
});

test("without RESTATE_ADMIN_URL the setting is named", async () => {
  vi.stubEnv("RESTATE_ADMIN_URL", "");
  expect(await codeOf(await send("/admin/version"))).toBe("503 restate-not-configured");
});

test("Restate out of reach is 503 with retry-after", async () => {
  const response = await send("/admin/services");
  expect(response.headers.get("retry-after")).toBe("2");
  expect(await codeOf(response)).toBe("503 restate-unreachable");
});

test.each([
  "/admin/deployments/dp_",
  "/admin/deployments/dp_1'--",
  "/admin/deployments/%2e%2e%2fservices",
  "/admin/deployments/..%2f..",
  "/admin/deployments/sub_1",
  `/admin/deployments/dp_${"1".repeat(65)}`,
  "/admin/services/..%2fx",
  "/admin/services/.",
  "/admin/services/%2e%2e",
  "/admin/services/a%00b",
  "/admin/services/a%0d%0ab",
  "/admin/services/Greeter/handlers/a%2fb",
  "/admin/services/Greeter/handlers/%2e%2e",
  "/admin/subscriptions/1",
  "/admin/kafka-clusters/-a",
  "/admin/kafka-clusters/a..b",
  "/admin/kafka-clusters/%2e%2e",
  "/admin/subscriptions?other=1",
])("GET %s asks Restate nothing", async (path) => {
  const { status } = await send(path);
  expect([400, 404]).toContain(status);
  expect(upstream).not.toHaveBeenCalled();
});

test.each([["?force=yes"], ["?force="], ["?force=1"], ["?force=true&force=false"], ["?forced=true"]])(
  "DELETE of a deployment with %s is invalid",
  async (query) => {
    expect(await codeOf(await send(`${DEPLOYMENT}${query}`, { method: "DELETE" }))).toBe("400 invalid-request");
    expect(upstream).not.toHaveBeenCalled();
  },
);

const REGISTER = ["POST", "/admin/deployments"] as const;
const UPDATE = ["PATCH", DEPLOYMENT] as const;
const MODIFY = ["PATCH", "/admin/services/Greeter"] as const;
const SUBSCRIBE = ["POST", "/admin/subscriptions"] as const;
const CLUSTER = ["POST", "/admin/kafka-clusters"] as const;
const RULES = ["PUT", "/admin/limits/rules"] as const;
const UNRULE = ["POST", "/admin/limits/rules/bulk-delete"] as const;
const uri = "https://v1.example.com/restate";

test.each([
  [REGISTER, {}],
  [REGISTER, []],
  [REGISTER, "null"],
  [REGISTER, { uri: "ftp://example.com" }],
  [REGISTER, { uri: "example.com/restate" }],
  [REGISTER, { uri: "//example.com/restate" }],
  [REGISTER, { uri: "file:///etc/passwd" }],
  [REGISTER, { uri: "https://user:password@example.com" }],
  [REGISTER, { uri: "https://user@example.com" }],
  [REGISTER, { uri: "https://example.com/?key=secret" }],
  [REGISTER, { uri: "https://example.com/#x" }],
  [REGISTER, { uri: `https://example.com/${"x".repeat(2_048)}` }],
  [REGISTER, { uri, use_http_11: true }],
  [REGISTER, { uri, dryRun: "yes" }],
  [REGISTER, { uri, force: 1 }],
  [REGISTER, { arn: "arn:aws:lambda:us-east-1:1:function:x" }],
  [REGISTER, { uri, headers: { "x-a\r\nx-b": "1" } }],
  [REGISTER, { uri, headers: { "x-a": "1\r\nx-b: 2" } }],
  [REGISTER, { uri, headers: { "x a": "1" } }],
  [REGISTER, { uri, headers: { "": "1" } }],
  [REGISTER, { uri, metadata: { a: 1 } }],
  [UPDATE, {}],
  [UPDATE, { force: true }],
  [UPDATE, { uri: "https://user:password@example.com" }],
  [MODIFY, {}],
  [MODIFY, { public: "no" }],
  [MODIFY, { inactivityTimeout: "" }],
  [MODIFY, { inactivity_timeout: "1m" }],
  [SUBSCRIBE, { source: "kafka://c1", sink: "service://A/b" }],
  [SUBSCRIBE, { source: "kafka://c1/t", sink: "http://A/b" }],
  [SUBSCRIBE, { source: "kafka://c1/../t", sink: "service://A/b" }],
  [CLUSTER, { name: "a b", properties: {} }],
  [CLUSTER, { name: "a", properties: { "sasl.password": "***" } }],
  [CLUSTER, { name: "a" }],
  [RULES, { rules: [] }],
  [RULES, { rules: [{ pattern: "a b" }] }],
  [RULES, { rules: [{ pattern: "a/b/c/d" }] }],
  [RULES, { rules: [{ pattern: "a", limits: { concurrency: 0 } }] }],
  [RULES, { rules: [{ pattern: "a", precondition: { type: "matches" } }] }],
  [UNRULE, { rules: [{ pattern: "a", expectedVersion: -1 }] }],
])("%j with %j is invalid and never sent", async ([method, path], body) => {
  const response = await send(path, { method, body });
  expect(await codeOf(response)).toBe("400 invalid-request");
  expect(upstream).not.toHaveBeenCalled();
});

test.each([REGISTER, UPDATE, MODIFY, SUBSCRIBE, CLUSTER, RULES, UNRULE])(
  "%s %s wants JSON, all of it, and not too much",
  async (method, path) => {
    expect(await codeOf(await send(path, { method, body: "{" }))).toBe("400 malformed-json");
    expect((await send(path, { method })).status).toBe(400);
    const asText = await app.request(path, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "text/plain" },
      body: "{}",
    });
    expect(await codeOf(asText)).toBe("415 unsupported-media-type");
    const large = JSON.stringify({ uri, padding: "x".repeat(1024 * 1024) });
    expect(await codeOf(await send(path, { method, body: large }))).toBe("413 body-too-large");
    expect(upstream).not.toHaveBeenCalled();
  },
);

test("what Restate answers in another shape is not passed on", async () => {
  upstream.mockImplementation(() => Promise.resolve(Response.json({ services: [{ name: 1 }] })));
  expect(await codeOf(await send("/admin/services"))).toBe("502 restate-unexpected");
});

test("a 500 of Restate is not one of this app", async () => {
  upstream.mockImplementation(() => Promise.resolve(Response.json({ message: "it broke" }, { status: 500 })));
  expect(await codeOf(await send("/admin/services"))).toBe("502 restate-refused");
});

test.each([302, 304, 404])("%d of what is no Admin API is 502", async (status) => {
  upstream.mockImplementation(() => Promise.resolve(new Response(null, { status })));
  expect(await codeOf(await send("/admin/services"))).toBe("502 restate-unexpected");
});

test("an overloaded Restate is 503 with its retry-after", async () => {
  const overloaded = { status: 429, headers: { "retry-after": "7" } };
  upstream.mockImplementation(() => Promise.resolve(Response.json({ message: "busy" }, overloaded)));
  const response = await send("/admin/services");
  expect(response.headers.get("retry-after")).toBe("7");
  expect(await codeOf(response)).toBe("503 restate-unreachable");
});

test.each([200, 304, 399, 600, Number.NaN])("a problem with the status %d is 500", async (status) => {
  const response = problemOf(new HttpProblem("restate-refused", status, "so"));
  expect(response.status).toBe(500);
  expect(await response.json()).toMatchObject({ status: 500, code: "restate-refused" });
});

test("the 404 of a closed admin is shortened like every other", async () => {
  vi.stubEnv("ADMIN_TOKEN", undefined);
  const { detail } = (await (await send(`/admin/${"x".repeat(300)}`)).json()) as { detail: string };
  expect(detail).toBe(`Nothing is served at /admin/${"x".repeat(193)}…`);
});
