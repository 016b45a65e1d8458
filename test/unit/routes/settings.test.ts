/** One malformed setting must not take down what does not need it. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createEdgeApp } from "../../../routes/index.ts";
import { DISCOVER, echoService } from "../endpoint/echo-service.ts";

const KEY = "an-api-key-of-tests";
const TOKEN = "an-admin-token-of-tests";
/** Each has `hunter` in it: nothing of a value may be shown. */
const MALFORMED_URLS = [
  "hunter.example.com",
  "hunter.example.com:8080",
  "ftp://hunter.example.com",
  "http://hunter two.example.com",
  "https://ada:hunter2@example.com",
  "https://",
  "hunter",
];

beforeEach(() => {
  for (const name of ["RESTATE_IDENTITY_KEYS", "RESTATE_INGRESS_URL", "RESTATE_ADMIN_URL", "RESTATE_AUTH_TOKEN"]) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv("ENVIRONMENT", "development");
  vi.stubEnv("AGENT_API_KEYS", KEY);
  vi.stubEnv("ADMIN_TOKEN", TOKEN);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: {
    readonly code?: string;
    readonly detail?: string;
    readonly version?: unknown;
    readonly checks?: readonly { readonly name: string; readonly status: string; readonly detail: string }[];
  };
}

const app = () => createEdgeApp({ services: [echoService], publicServices: [echoService], log: false });

async function ask(path: string, init: RequestInit = {}, bindings: object = {}, one = app()): Promise<Answer> {
  const response = await one.request(path, init, bindings);
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) as Answer["body"] };
}

const agents = (): Promise<Answer> =>
  ask("/agents/Echo/say", { method: "POST", headers: { authorization: `Bearer ${KEY}` } });
const admin = (): Promise<Answer> => ask("/admin/version", { headers: { authorization: `Bearer ${TOKEN}` } });
const finding = ({ body }: Answer, name: string): string | undefined => {
  const check = body.checks?.find((candidate) => candidate.name === name);
  return check === undefined ? undefined : `${check.status} ${check.detail}`;
};

test.each(MALFORMED_URLS)("RESTATE_INGRESS_URL=%s stops the routes that need it, and no other", async (url) => {
  vi.stubEnv("RESTATE_INGRESS_URL", url);
  const call = await agents();
  expect([call.status, call.body.code]).toEqual([503, "invalid-settings"]);
  expect(call.body.detail).toContain("RESTATE_INGRESS_URL");
  expect((await admin()).body.code).toBe("restate-not-configured");
  expect((await ask("/health")).status).toBe(200);
  expect((await ask("/restate/discover", DISCOVER)).status).toBe(200);
  const ready = await ask("/ready");
  expect(ready.status).toBe(503);
  expect(finding(ready, "ingress")).toMatch(/^fail .*RESTATE_INGRESS_URL/);
  for (const { text } of [call, ready]) expect(text).not.toMatch(/hunter|ada/);
});

test.each(MALFORMED_URLS)("RESTATE_ADMIN_URL=%s stops the routes that need it, and no other", async (url) => {
  vi.stubEnv("RESTATE_ADMIN_URL", url);
  const call = await admin();
  expect([call.status, call.body.code]).toEqual([503, "invalid-settings"]);
  expect(call.body.detail).toContain("RESTATE_ADMIN_URL");
  expect((await agents()).body.code).toBe("restate-not-configured");
  expect((await ask("/health")).status).toBe(200);
  expect((await ask("/restate/discover", DISCOVER)).status).toBe(200);
  const ready = await ask("/ready");
  expect(ready.status).toBe(503);
  expect(finding(ready, "admin")).toMatch(/^fail .*RESTATE_ADMIN_URL/);
  expect(finding(ready, "registered")).toMatch(/^skip .*RESTATE_ADMIN_URL/);
  for (const { text } of [call, ready]) expect(text).not.toMatch(/hunter|ada/);
});

test.each(["", "  ", "\t\n"])("a URL that is blank is absent: %j", async (blank) => {
  for (const name of ["RESTATE_INGRESS_URL", "RESTATE_ADMIN_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"]) {
    vi.stubEnv(name, blank);
  }
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  expect((await agents()).body.code).toBe("restate-not-configured");
  expect((await admin()).body.code).toBe("restate-not-configured");
  expect((await ask("/restate/discover", DISCOVER)).status).toBe(200);
  expect(warned.mock.calls.flat().filter((line) => String(line).includes("OTEL"))).toEqual([]);
});

test("a URL is trimmed", async () => {
  const fetched = vi.spyOn(globalThis, "fetch").mockRejectedValue(new Error("Nobody is there"));
  vi.stubEnv("RESTATE_ADMIN_URL", " http://restate.test:9070/ \n");
  expect((await admin()).body.code).toBe("restate-unreachable");
  expect(fetched.mock.calls[0]?.[0]).toBe("http://restate.test:9070/version");
});

test("/health reads nothing but what tells the version", async () => {
  vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
  const wrong = { hunter: 2 };
  const bindings = Object.fromEntries(
    [
      "ENVIRONMENT",
      "RESTATE_IDENTITY_KEYS",
      "RESTATE_INGRESS_URL",
      "RESTATE_ADMIN_URL",
      "RESTATE_AUTH_TOKEN",
      "ADMIN_TOKEN",
      "AGENT_API_KEYS",
      "OTEL_SERVICE_NAME",
      "OTEL_RESOURCE_ATTRIBUTES",
      "OTEL_EXPORTER_OTLP_HEADERS",
      "OTEL_EXPORTER_OTLP_ENDPOINT",
    ].map((name) => [name, wrong]),
  );
  const health = await ask("/health", {}, { ...bindings, CF_VERSION_METADATA: { id: "v7" } });
  expect([health.status, health.body.version]).toEqual([200, "v7"]);
  const ready = await ask("/ready", {}, bindings);
  expect([ready.status, ready.body.checks?.length]).toEqual([503, 6]);
  expect(finding(ready, "identity-keys")).toMatch(/^fail .*(ENVIRONMENT|RESTATE_IDENTITY_KEYS)/);
  expect(ready.text).not.toContain("hunter");
});

test.each([{ id: 7 }, {}, "v7", 7, null])("a malformed CF_VERSION_METADATA is no version: %j", async (metadata) => {
  vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
  const bindings = { ENVIRONMENT: "development", CF_VERSION_METADATA: metadata };
  const health = await ask("/health", {}, bindings);
  expect([health.status, health.body.version]).toEqual([200, null]);
  expect((await ask("/restate/discover", DISCOVER, bindings)).status).toBe(200);
});

test.each([
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "hunter.example.com"],
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "https://ada:hunter2@example.com"],
  ["OTEL_EXPORTER_OTLP_HEADERS", "hun%20ter=hunter2"],
])("a malformed %s switches traces off, with one warning that does not show it", async (name, value) => {
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://receiver.test");
  vi.stubEnv(name, value);
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  const one = app();
  const warnings = (): string[] => warned.mock.calls.map((call) => call.join(" ")).filter((line) => /OTEL/.test(line));
  // Not served, so the endpoint is made again for each request.
  vi.stubEnv("ENVIRONMENT", "production");
  for (let n = 0; n < 3; n++) expect((await ask("/restate/discover", DISCOVER, {}, one)).status).toBe(503);
  vi.stubEnv("ENVIRONMENT", "development");
  for (let n = 0; n < 3; n++) expect((await ask("/restate/discover", DISCOVER, {}, one)).status).toBe(200);
  expect(warnings()).toHaveLength(1);
  expect(warnings()[0]).toContain(name);
  expect(warnings()[0]).not.toMatch(/hun|ada/);
  const ready = await ask("/ready", {}, {}, one);
  expect(finding(ready, "telemetry")).toMatch(new RegExp(`^skip .*${name}`));
  expect(ready.text).not.toMatch(/hun|ada/);
});

test("a wrong kind of an OTEL setting stops nothing either", async () => {
  vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  for (const name of ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"]) {
    const bindings = { ENVIRONMENT: "development", OTEL_EXPORTER_OTLP_ENDPOINT: "http://receiver.test", [name]: {} };
    expect((await ask("/restate/discover", DISCOVER, bindings)).status).toBe(200);
    expect(warned.mock.calls.some((call) => call.join(" ").includes(name))).toBe(true);
  }
});
