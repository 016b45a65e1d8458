/** The example `cloudflare-ai`: workerd's own `AI` binding, the real provider packages, a server behind them that is scripted. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import { type ScriptedOpenAI, startScriptedOpenAI } from "../../src/testing/scripted-openai.ts";
import type { ServedEndpoint } from "../../src/testing/serve.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { type ScriptedAi, startScriptedAi } from "../fixtures/cloudflare-ai/scripted-ai.ts";
import { serveWithAi } from "../fixtures/cloudflare-ai/serve-with-ai.ts";

const OPENAI = "openai/v1/responses";
const OPEN_MODEL = "@cf/openai/gpt-oss-120b";
const EMBEDDINGS = "@cf/baai/bge-base-en-v1.5";
const RANKING = "@cf/baai/bge-reranker-base";

let restate: RestateTestServer;
let worker: ServedEndpoint;
let openai: ScriptedOpenAI;
let ai: ScriptedAi;
beforeAll(async () => {
  openai = await startScriptedOpenAI([{ text: "Breakfast is at seven." }]);
  [ai, restate] = await Promise.all([startScriptedAi(openai.baseURL), startRestate()]);
  const entry = new URL("../../examples/cloudflare-ai/worker.ts", import.meta.url).pathname;
  worker = await serveWithAi(
    entry,
    { ENVIRONMENT: "development", RESTATE_INGRESS_URL: restate.ingressUrl },
    ai.address,
  );
  await restate.register(`${worker.url}/restate`, { http11: true });
}, 120_000);
afterAll(() => Promise.all([restate.stop(), worker.stop(), openai.close(), ai.close()]));
beforeEach(() => {
  ai.requests.length = 0;
  ai.broken.clear();
});

const asked = (): string[] => ai.requests.map(({ model, gateway }) => `${model} via ${gateway}`);

test("OpenAI answers through the gateway", async () => {
  expect((await restate.call("Concierge/ask", "When is breakfast?")).body).toBe("Breakfast is at seven.");
  expect(asked()).toEqual([`${OPENAI} via agents`]);
});

test("should it be down, a model of Workers AI answers in the same step", async () => {
  ai.broken.set(OPENAI, 503);
  const id = await restate.send("Concierge/ask", "When is breakfast?");
  expect((await restate.attach(id)).body).toBe("Breakfast is at eight.");
  expect(asked()).toEqual([`${OPENAI} via agents`, `${OPEN_MODEL} via agents`]);
  const rows = await restate.journal(id);
  expect(rows.flatMap(({ entry_type, name }) => (entry_type.startsWith("Command: Run") ? [name] : []))).toEqual([
    "concierge model 1",
  ]);
});

test("embeddings and a ranking are steps: a Worker that dies in the second does not pay for the first again", async () => {
  ai.broken.set(RANKING, "hang");
  const offers = ["a room by the sea", "a room by the station", "a table for two"];
  const id = await restate.send("Concierge/best", { wish: "a room with a view", offers });
  await waitUntil("The ranking is not asked for", () => asked().length === 2, { timeoutMs: 60_000 });
  ai.broken.clear();
  await worker.kill();
  await worker.start();
  expect((await restate.attach(id)).body).toBe("a room by the sea");
  expect(ai.requests.map(({ model }) => model)).toEqual([EMBEDDINGS, RANKING, RANKING]);
});

test("capacity that is used up is waited for by Restate; a picture arrives", async () => {
  ai.broken.set("@cf/black-forest-labs/flux-1-schnell", 429);
  const id = await restate.send("Concierge/poster", "a lighthouse");
  await waitUntil("The picture is not asked for again", () => asked().length >= 2, { timeoutMs: 60_000 });
  ai.broken.clear();
  expect((await restate.attach(id)).body).toMatch(/^iVBORw0KGgo/);
});
