/** What only workerd can show: the runtime's name, the Workers build of the SDK, bindings as settings. */
import { exports } from "cloudflare:workers";
import { expect, test } from "vitest";
import { service } from "../../src/index.ts";
import { createEdgeApp } from "../../routes/index.ts";

const DISCOVER = { headers: { accept: "application/vnd.restate.endpointmanifest.v4+json" } };
const echo = service({ name: "Echo", handlers: { say: async (_context, words: string) => words } });
const development = { ENVIRONMENT: "development" };

test("/health of the Worker says workerd and its version", async () => {
  const response = await exports.default.fetch("http://worker.example/health");
  expect(await response.json()).toMatchObject({ status: "ok", runtime: "workerd", model: "demo" });
});

test("the Worker is discovered in request-response mode", async () => {
  const response = await exports.default.fetch("http://worker.example/restate/discover", DISCOVER);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    protocolMode: "REQUEST_RESPONSE",
    services: expect.arrayContaining([expect.objectContaining({ name: "WeatherAgent" })]) as unknown,
  });
});

test("bidirectional mode is refused", async () => {
  const app = createEdgeApp({ services: [echo], bidirectional: true });
  const response = await app.request("/restate/discover", DISCOVER, development);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ code: "bidirectional-unsupported" });
});

test("nothing is served without keys outside of development", async () => {
  const response = await createEdgeApp({ services: [echo] }).request("/restate/discover", DISCOVER, {});
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ code: "identity-keys-missing" });
});

test("unsigned requests are refused when keys are set", async () => {
  const RESTATE_IDENTITY_KEYS = `publickeyv1_${"1".repeat(32)}`;
  const response = await createEdgeApp({ services: [echo] }).request("/restate/discover", DISCOVER, {
    RESTATE_IDENTITY_KEYS,
  });
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ code: "identity-rejected" });
});

test("a request without bindings finds nothing set", async () => {
  const app = createEdgeApp({ services: [echo], publicServices: [echo], log: false });
  expect((await app.request("/health")).status).toBe(200);
  for (const [path, code] of [
    ["/restate/discover", "identity-keys-missing"],
    ["/agents/invocations/inv_1", "api-keys-missing"],
    ["/admin/version", "not-found"],
  ] as const) {
    expect(await (await app.request(path, DISCOVER)).json()).toMatchObject({ code });
  }
});
