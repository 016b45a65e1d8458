/** Limits that runs share, on a real Restate and workerd; the provider sees how many calls are open at a time. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import {
  type ScriptedOpenAI,
  type ScriptedReply,
  startScriptedOpenAI,
  turnOfConversation,
} from "../../src/testing/scripted-openai.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { type ProviderGauge, startProviderGauge } from "./provider-gauge.ts";

let restate: RestateTestServer;
let openai: ScriptedOpenAI;
let gauge: ProviderGauge;
let worker: ServedEndpoint;
let delayMs = 0;
let modelCalls = 3;
let hangs = 0;

beforeAll(async () => {
  openai = await startScriptedOpenAI((request): ScriptedReply => {
    const text = JSON.stringify(request.body["input"]);
    if (text.includes("ask three children") && turnOfConversation(request) === 0) {
      return { toolCalls: ["a", "b", "c"].map((id) => ({ id: `ask_${id}`, name: "ask", input: { id } })) };
    }
    if (hangs > 0 && hangs-- > 0) return { hang: true };
    const turn = turnOfConversation(request);
    const toolCalls = [{ id: `call_${turn}`, name: "work", input: { id: String(turn) } }];
    return { delayMs, ...(turn + 1 < modelCalls ? { toolCalls } : { text: "done" }) };
  });
  gauge = await startProviderGauge(openai.baseURL);
  restate = await startRestate();
  worker = await serveWorker({
    entry: new URL("../fixtures/limits/worker.ts", import.meta.url).pathname,
    vars: {
      ENVIRONMENT: "development",
      RESTATE_INGRESS_URL: restate.ingressUrl,
      RESTATE_ADMIN_URL: restate.adminUrl,
      OPENAI_BASE_URL: gauge.url + new URL(openai.baseURL).pathname,
    },
  });
  await restate.register(`${worker.url}/restate`, { http11: true });
}, 120_000);
afterAll(() => Promise.all([restate.stop(), worker.stop(), openai.close(), gauge.close()]));
afterEach(() => {
  gauge.reset();
  hangs = 0;
});

const sendMany = (service: string, count: number): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => restate.send(`${service}/run`, `run ${n}`)));

const statusOf = async (limit: string, key = "default"): Promise<unknown> =>
  (await restate.call(`${limit}/${key}/status`)).body;

const isFree = (limit: string, key?: string): Promise<void> =>
  waitUntil(`Permits of ${limit} are not given back`, async () => {
    const status = (await statusOf(limit, key)) as { held: number; waiting: number };
    return status.held === 0 && status.waiting === 0;
  });

test(
  "never more than two calls at a time, over deaths of the Worker, of Restate and of invocations",
  { timeout: 300_000 },
  async () => {
    delayMs = 150;
    const ids = await sendMany("Limited", 14);
    const begun = (count: number): Promise<void> =>
      waitUntil(`There are not ${count} calls`, async () => gauge.startsMs.length >= count, { timeoutMs: 120_000 });
    await begun(4);
    // One that waits or holds, whichever: its permit, or its place in the queue, must not stay behind.
    const [killed = "", cancelled = "", ...others] = ids;
    await restate.killInvocation(killed);
    await restate.cancel(cancelled);
    for (const calls of [8, 16, 24]) {
      await begun(calls);
      await worker.kill();
      await worker.start();
    }
    const results = await Promise.all(others.map((id) => restate.attach(id, 240_000)));
    for (const result of results) expect(result).toEqual({ status: 200, body: "done" });
    expect(gauge.most).toBe(2);
    await isFree("TwoAtOnce");
    console.log(
      `${gauge.startsMs.length} calls, at most ${gauge.most} at a time, over 3 deaths of the Worker, 1 of Restate, 1 kill, 1 cancellation`,
    );
  },
);

test("never more than so many in any time, and the rest evenly", { timeout: 120_000 }, async () => {
  delayMs = 0;
  modelCalls = 1;
  const ids = await sendMany("Spread", 25);
  for (const id of ids) expect(await restate.attach(id, 90_000)).toEqual({ status: 200, body: "done" });
  const starts = gauge.startsMs.toSorted((a, b) => a - b);
  expect(starts).toHaveLength(25);
  // 5 at once, then one each 60,000 / 596 ms.
  expect((starts.at(-1) ?? 0) - (starts[0] ?? 0)).toBeGreaterThan(1_700);
  modelCalls = 3;
});

test("who is stuck loses the permit at the end of its lease", { timeout: 120_000 }, async () => {
  delayMs = 0;
  hangs = 1;
  const stuck = await restate.send("Stuck/run", "stuck");
  await waitUntil("Nobody is stuck", async () => gauge.startsMs.length === 1);
  const next = await restate.send("Stuck/run", "next");
  expect(await statusOf("Leased", "one")).toMatchObject({ held: 1 });
  expect(await restate.attach(next, 60_000)).toEqual({ status: 200, body: "done" });
  await restate.killInvocation(stuck);
  await isFree("Leased", "one");
});

test("a budget holds for agents in parallel, over deaths of the Worker", { timeout: 180_000 }, async () => {
  delayMs = 100;
  modelCalls = 100;
  const id = await restate.send("Spender/run", "ask three children");
  for (const calls of [2, 4, 6]) {
    await waitUntil(`There are not ${calls} calls`, async () => gauge.startsMs.length >= calls);
    await worker.kill();
    await worker.start();
  }
  const { body } = await restate.attach(id, 120_000);
  expect(body).toBe('Stopped: the budget of run "spender" is used up, 6 of 6 model calls.');
  const rows = await restate.journal(id);
  const steps = rows.flatMap(({ entry_type, name }) => (entry_type === "Command: Run" ? [name ?? ""] : []));
  // Six calls, and four answers that stand in for one: of three children and their parent.
  expect(steps.filter((name) => name.includes(" model "))).toHaveLength(10);
  console.log(`${gauge.startsMs.length} calls reached the provider, 6 were answered and charged`);
  modelCalls = 3;
});

test("what belongs to runs, Restate takes from nobody outside", async () => {
  const response = await fetch(`${restate.adminUrl}/services`);
  const { services } = (await response.json()) as {
    services: { name: string; handlers: { name: string; public: boolean }[] }[];
  };
  const closed = services.flatMap(({ name, handlers }) =>
    handlers.filter((handler) => !handler.public).map((handler) => `${name}/one/${handler.name}`),
  );
  expect(closed).toEqual(expect.arrayContaining(["TwoAtOnce/one/release", "Asked/one/open", "Talk.inbox/one/forget"]));
  expect(closed.length).toBeGreaterThan(30);
  const statuses = await Promise.all(closed.map(async (path) => [path, (await restate.call(path, {})).status]));
  expect(statuses).toEqual(closed.map((path) => [path, 400]));
});
