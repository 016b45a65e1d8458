/** JSON that is nested as deeply as a body may be: 400 wherever it stands, never a stack that overflows. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { adminRoutes } from "../../../../routes/admin/admin-routes.ts";
import { problemOf } from "../../../../routes/problem.ts";
import { createRouter } from "../../../../routes/router.ts";

const TOKEN = "admin-token-of-the-tests";
const app = createRouter().route("/admin", adminRoutes()).onError(problemOf);
const upstream = vi.fn<typeof fetch>();

beforeEach(() => {
  vi.stubEnv("ADMIN_TOKEN", TOKEN);
  vi.stubEnv("RESTATE_ADMIN_URL", "http://restate.test:9070");
  vi.stubGlobal("fetch", upstream.mockReset());
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

const send = (method: string, path: string, body: string): Promise<Response> =>
  Promise.resolve(
    app.request(path, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body,
    }),
  );

const BOMBS = [
  ["arrays", "[".repeat(450_000) + "]".repeat(450_000)],
  ["objects", `${'{"a":'.repeat(150_000)}1${"}".repeat(150_000)}`],
] as const;

/** Where a value can stand in the bodies of all routes that take one. `$` is the value. */
const PLACES = [
  ["POST", "/admin/deployments", "$"],
  ["POST", "/admin/deployments", '{"uri":$}'],
  ["POST", "/admin/deployments", '{"uri":"https://a.example","metadata":$}'],
  ["POST", "/admin/deployments", '{"uri":"https://a.example","metadata":{"a":$}}'],
  ["POST", "/admin/deployments", '{"uri":"https://a.example","headers":{"a":$}}'],
  ["POST", "/admin/deployments", '{"uri":"https://a.example","more":$}'],
  ["PATCH", "/admin/deployments/dp_1", '{"headers":$}'],
  ["PATCH", "/admin/services/A", '{"public":$}'],
  ["POST", "/admin/subscriptions", '{"source":"kafka://c/t","sink":"service://A/b","options":{"a":$}}'],
  ["POST", "/admin/kafka-clusters", '{"name":"c","properties":$}'],
  ["POST", "/admin/kafka-clusters", '{"name":"c","properties":{"a":$}}'],
  ["PATCH", "/admin/kafka-clusters/c", '{"properties":{"a":$}}'],
  ["PUT", "/admin/limits/rules", '{"rules":$}'],
  ["PUT", "/admin/limits/rules", '{"rules":[{"pattern":"a","limits":{"concurrency":$}}]}'],
  ["PUT", "/admin/limits/rules", '{"rules":[{"pattern":"a","precondition":$}]}'],
  ["POST", "/admin/limits/rules/bulk-delete", '{"rules":[$]}'],
  ["POST", "/admin/invocations/batch", '{"action":"kill","ids":$}'],
  ["POST", "/admin/invocations/batch", '{"action":"kill","atMost":1,"filter":$}'],
  ["POST", "/admin/invocations/batch", '{"action":"kill","atMost":1,"filter":{"status":$}}'],
  ["PUT", "/admin/state/A/k", "$"],
  ["PUT", "/admin/state/A/k", '{"values":$}'],
  ["PUT", "/admin/state/A/k", '{"values":{"a":$}}'],
  ["PUT", "/admin/state/A/k", '{"values":{"a":{"json":$}}}'],
  ["PUT", "/admin/state/A/k", '{"values":{"a":{"json":1},"b":{"json":[0,{"c":$}]}}}'],
  ["PUT", "/admin/state/A/k", '{"values":{"a":{"base64":$}}}'],
] as const;

test.each(PLACES)("%s %s %s", async (method, path, body) => {
  for (const [what, bomb] of BOMBS) {
    const response = await send(method, path, body.replace("$", bomb));
    const problem = (await response.json()) as { code: string };
    expect(`${response.status} ${problem.code}`, what).toBe("400 invalid-request");
  }
  expect(upstream).not.toHaveBeenCalled();
});
