/** The Restate endpoint of an app in development, which has no identity keys, and pages in the developer's browser. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createEdgeApp } from "../../../routes/index.ts";
import { echoService } from "../endpoint/echo-service.ts";

const app = createEdgeApp({ services: [echoService], log: false });
const accept = "application/vnd.restate.endpointmanifest.v4+json";

beforeEach(() => vi.stubEnv("ENVIRONMENT", "development"));
afterEach(() => vi.unstubAllEnvs());

test("Restate is answered", async () => {
  expect((await app.request("/restate/discover", { headers: { accept } })).status).toBe(200);
});

test.each([{ origin: "http://rebound.example:9080" }, { origin: "null" }, { "sec-fetch-site": "same-origin" }])(
  "a page is not: %j",
  async (headers) => {
    for (const path of ["/restate/discover", "/restate/invoke/Echo/run", "/restate/v/1/discover"]) {
      const answer = await app.request(path, { headers: { accept, ...headers }, method: "POST" });
      expect([answer.status, await answer.json()]).toMatchObject([403, { code: "forbidden" }]);
    }
    expect((await app.request("/restate/discover", { headers: { accept, ...headers } })).status).toBe(403);
  },
);
