import { afterEach, expect, test, vi } from "vitest";
import deno from "../../../entry/deno.ts";
import worker from "../../../entry/worker.ts";
import { DISCOVER } from "../endpoint/echo-service.ts";

afterEach(() => vi.unstubAllEnvs());

test.each([
  ["worker", worker, "REQUEST_RESPONSE"],
  ["deno", deno, "BIDI_STREAM"],
])("entry/%s.ts exports a fetch handler that serves WeatherAgent", async (_name, app, protocolMode) => {
  vi.stubEnv("ENVIRONMENT", "development");
  const response = await app.fetch(new Request("http://localhost/restate/discover", DISCOVER));
  const manifest = (await response.json()) as { protocolMode: string; services: { name: string }[] };
  expect(manifest.protocolMode).toBe(protocolMode);
  expect(manifest.services.map(({ name }) => name)).toEqual([
    "WeatherAgent",
    "Assistant",
    "smoke.restate-edge-agents",
    // What the session brings along.
    "Assistant.approvals",
    "Assistant.streams",
    "Assistant.inbox",
    "Assistant.calls",
  ]);
  expect(manifest.services[0]).toMatchObject({ handlers: [{ name: "run" }] });
  // What `deploy` calls, and finds by its metadata.
  expect(manifest.services[2]).toMatchObject({ metadata: { "restate-edge-agents/smoke": "run" } });
});

test("/agents has the agents, and not what deploy calls", async () => {
  const key = "an-api-key-of-tests";
  vi.stubEnv("AGENT_API_KEYS", key);
  const headers = { authorization: `Bearer ${key}` };
  const status = async (path: string): Promise<number> =>
    (await worker.fetch(new Request(`http://localhost/agents/${path}`, { method: "POST", headers }))).status;
  expect(await status("smoke.restate-edge-agents/run")).toBe(404);
  expect(await status("WeatherAgent/run")).not.toBe(404);
});

test("/health says which model is used", async () => {
  const model = async (): Promise<unknown> =>
    ((await (await worker.fetch(new Request("http://localhost/health"))).json()) as { model: unknown }).model;
  vi.stubEnv("OPENAI_API_KEY", " ");
  expect(await model()).toBe("demo");
  vi.stubEnv("OPENAI_API_KEY", "secret");
  vi.stubEnv("OPENAI_MODEL", "gpt-test");
  expect(await model()).toBe("openai gpt-test");
});
