/** A thousand invocations through the agents API, each sent twice. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { startTestRestate, type TestRestate } from "./stack.ts";

const INVOCATIONS = 1_000;
const CONCURRENCY = 32;
const API_KEY = "key-of-a-thousand-invocations";

let stack: TestRestate;
let worker: ServedEndpoint;
let effects: EffectServer;

beforeAll(async () => {
  [stack, effects] = await Promise.all([startTestRestate(), startEffectServer()]);
  const { vars, trustedCertificates } = stack;
  const entry = new URL("../fixtures/counted/worker.ts", import.meta.url).pathname;
  worker = await serveWorker({
    entry,
    trustedCertificates,
    vars: { ...vars, EFFECT_URL: effects.url, AGENT_API_KEYS: API_KEY },
  });
  await stack.restate.register(`${worker.url}/restate`, { http11: true });
}, 60_000);
afterAll(() => Promise.all([stack.restate.stop(), worker.stop(), effects.close()]));

const authorization = `Bearer ${API_KEY}`;

async function send(key: string): Promise<{ readonly status: number; readonly id: string | null }> {
  const response = await fetch(`${worker.url}/agents/Counted/run`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json", "idempotency-key": key, prefer: "respond-async" },
    body: JSON.stringify(key),
  });
  await response.arrayBuffer();
  return { status: response.status, id: response.headers.get("x-restate-id") };
}

/** Calls `job` for each item, some at a time. */
async function each<T>(items: readonly T[], job: (item: T, index: number) => Promise<void>): Promise<void> {
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) await job(item, index);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

test("1,000 invocations sent twice are accepted and done exactly once", { timeout: 180_000 }, async () => {
  const keys = Array.from({ length: INVOCATIONS }, (_, n) => `order-${n}`);
  // The second request of each comes while the first one is under way.
  const requests = keys.flatMap((key) => [key, key]);
  const ids = new Map<string, Set<string | null>>(keys.map((key) => [key, new Set()]));
  const statuses = new Map<number, number>();
  await each(requests, async (key) => {
    const { status, id } = await send(key);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    ids.get(key)?.add(id);
  });
  expect(Object.fromEntries(statuses)).toEqual({ 202: 2 * INVOCATIONS });
  const distinct = new Set([...ids.values()].flatMap((seen) => [...seen]));
  expect(distinct.size).toBe(INVOCATIONS);
  expect(distinct.has(null)).toBe(false);

  const completed = async (): Promise<boolean> => {
    const [row] = await stack.restate.query<{ n: number }>(
      "SELECT COUNT(1) AS n FROM sys_invocation WHERE target_service_name = 'Counted' AND status = 'completed'",
    );
    return row?.n === INVOCATIONS;
  };
  await waitUntil("Not all invocations have completed", completed, { timeoutMs: 120_000, everyMs: 250 });
  const counts = effects.counts();
  expect(counts.size).toBe(INVOCATIONS);
  expect(new Set(counts.values())).toEqual(new Set([1]));

  await each(keys.slice(0, 50), async (key) => {
    const [id] = ids.get(key) ?? [];
    const response = await fetch(`${worker.url}/agents/invocations/${id}`, { headers: { authorization } });
    expect([response.status, await response.json()]).toEqual([200, `counted ${key}`]);
  });
  console.log(`${INVOCATIONS} invocations, ${requests.length} requests, each effect made once`);
});
