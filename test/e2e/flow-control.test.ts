/** Tenants in scopes of Restate's flow control, through the agents API and its client; the provider sees what runs. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { AdminClient } from "../../src/admin/index.ts";
import { createClient } from "../../src/client/index.ts";
import { type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import { type ScriptedOpenAI, startScriptedOpenAI } from "../../src/testing/scripted-openai.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import type { plainService } from "../fixtures/limits/worker.ts";
import { type ProviderGauge, startProviderGauge } from "./provider-gauge.ts";

const API_KEY = "key-of-the-tenants";
const FLOW_CONTROL = {
  RESTATE_EXPERIMENTAL_ENABLE_PROTOCOL_V7: "true",
  RESTATE_EXPERIMENTAL_ENABLE_VQUEUES: "true",
};

let openai: ScriptedOpenAI;
let gauge: ProviderGauge;
const stops: (() => Promise<unknown>)[] = [];

async function start(env: Readonly<Record<string, string>>) {
  const restate: RestateTestServer = await startRestate({ env });
  const worker: ServedEndpoint = await serveWorker({
    entry: new URL("../fixtures/limits/tenants.ts", import.meta.url).pathname,
    vars: {
      ENVIRONMENT: "development",
      AGENT_API_KEYS: API_KEY,
      RESTATE_INGRESS_URL: restate.ingressUrl,
      RESTATE_ADMIN_URL: restate.adminUrl,
      OPENAI_BASE_URL: gauge.url + new URL(openai.baseURL).pathname,
    },
  });
  stops.push(
    () => restate.stop(),
    () => worker.stop(),
  );
  await restate.register(`${worker.url}/restate`, { http11: true });
  const plain = (tenant: string) => {
    const client = createClient({ url: worker.url, apiKey: API_KEY, headers: { "x-tenant": tenant } });
    return client.service<typeof plainService>("Plain").run;
  };
  return { restate, worker, plain };
}

beforeAll(async () => {
  openai = await startScriptedOpenAI(() => ({ text: "done", delayMs: 300 }));
  gauge = await startProviderGauge(openai.baseURL);
}, 60_000);
afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await Promise.all([openai.close(), gauge.close()]);
});

test(
  "a tenant's rule holds for its calls, over a death of the Worker; others are free",
  { timeout: 180_000 },
  async () => {
    const { restate, worker, plain } = await start(FLOW_CONTROL);
    const admin = new AdminClient({ url: restate.adminUrl });
    await admin.limits.upsert([
      { pattern: "small", limits: { concurrency: 2 } },
      { pattern: "*/openai", limits: { concurrency: 5 } },
    ]);
    const small = Array.from({ length: 10 }, (_, n) => plain("small")(`small ${n}`));
    await waitUntil("Nothing runs", async () => gauge.startsMs.length >= 3);
    await worker.kill();
    await worker.start();
    expect(await Promise.all(small)).toEqual(Array.from({ length: 10 }, () => "done"));
    expect(gauge.most).toBe(2);
    const atSmall = gauge.startsMs.length;
    gauge.reset();
    const large = Array.from({ length: 15 }, (_, n) => plain("large")(`large ${n}`, { limitKey: "openai" }));
    expect(await Promise.all(large)).toEqual(Array.from({ length: 15 }, () => "done"));
    expect(gauge.most).toBe(5);
    gauge.reset();
    await Promise.all(Array.from({ length: 8 }, (_, n) => plain("free")(`free ${n}`)));
    expect(gauge.most).toBeGreaterThan(2);
    console.log(
      `10 runs of a tenant in ${atSmall} calls, at most 2 at a time; 15 of a limit key, at most 5; 8 free: ${gauge.most}`,
    );
    await expect(plain("no such/tenant")("x")).rejects.toMatchObject({ status: 400, code: "invalid-request" });
  },
);

test(
  "a server without flow control says so, instead of running what should be limited",
  { timeout: 120_000 },
  async () => {
    const { plain, worker } = await start({});
    await expect(plain("small")("x", { timeoutMs: 10_000 })).rejects.toMatchObject({ status: 501 });
    const answer = await fetch(`${worker.url}/agents/Plain/run`, {
      method: "POST",
      headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json", "x-tenant": "small" },
      body: '"x"',
    });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([501, "unsupported-by-server"]);
  },
);
