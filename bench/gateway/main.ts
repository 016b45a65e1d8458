/**
 * What invoking through the app's agents API costs against calling Restate's ingress directly: `npm run bench:gateway`.
 *
 * Both ways call the same handlers in the same Worker on the same server. In every round each way makes its calls once,
 * in alternating order. A figure is the median latency over all rounds; the ratio is one of two medians.
 */
import { writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { startRestate } from "../../src/testing/restate-server.ts";
import { serveWorker } from "../../src/testing/serve.ts";
import { spreadOf } from "../harness/statistics.ts";
import { startBenchModel } from "../model-server.ts";
import { inBench } from "../paths.ts";
import { promptOf } from "../prompt.ts";

const ROUNDS = 9;
const API_KEY = "key-of-the-gateway-bench";
const WARM_UP_CALLS = 200;

/** What is called: an empty handler, and an agent with two model calls and a tool call. */
const TARGETS = [
  { name: "empty handler", path: "Echo/say", input: "hello", calls: { 1: 150, 64: 1_280 } },
  {
    name: "agent, 3 steps",
    path: "Ordinary/run",
    input: promptOf({ steps: 1, parallel: 1, toolMs: 0, resultBytes: 100 }),
    calls: { 1: 50, 64: 256 },
  },
] as const;

const WAYS = ["direct", "gateway"] as const;
type Way = (typeof WAYS)[number];

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));

const model = await startBenchModel();
const restate = await startRestate();
const worker = await serveWorker({
  entry: inBench("gateway/worker.ts"),
  vars: {
    ENVIRONMENT: "development",
    BENCH_MODEL_URL: model.url,
    RESTATE_INGRESS_URL: restate.ingressUrl,
    RESTATE_ADMIN_URL: restate.adminUrl,
    AGENT_API_KEYS: API_KEY,
  },
});

/** Calls once; milliseconds until the answer is read. */
async function call(way: Way, path: string, input: string): Promise<number> {
  const url = way === "direct" ? `${restate.ingressUrl}/restate/call/${path}` : `${worker.url}/agents/${path}`;
  const begin = performance.now();
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify(input),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${way} ${path} answered ${response.status}: ${text}`);
  return performance.now() - begin;
}

/** `count` calls, `concurrency` at a time; their latencies. */
async function load(way: Way, path: string, input: string, count: number, concurrency: number): Promise<number[]> {
  const latencies: number[] = [];
  let left = count;
  const caller = async (): Promise<void> => {
    while (left-- > 0) latencies.push(await call(way, path, input));
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  return latencies;
}

const rows: object[] = [];
try {
  await restate.register(`${worker.url}/restate`, { http11: true });
  for (const { name, path, input, calls } of TARGETS) {
    for (const way of WAYS) await load(way, path, input, WARM_UP_CALLS, 16);
    for (const concurrency of [1, 64] as const) {
      const all: Record<Way, number[]> = { direct: [], gateway: [] };
      for (let round = 0; round < ROUNDS; round++) {
        for (const way of round % 2 === 0 ? WAYS : WAYS.toReversed()) {
          all[way].push(...(await load(way, path, input, calls[concurrency], concurrency)));
        }
      }
      const [direct, gateway] = [spreadOf(all.direct).median, spreadOf(all.gateway).median];
      const row = { target: name, concurrency, calls: all.direct.length, errors: 0, direct, gateway };
      rows.push(row);
      console.log(
        `${name}, ${concurrency} at a time: direct ${direct.toFixed(2)} ms, gateway ${gateway.toFixed(2)} ms, ratio ${(gateway / direct).toFixed(2)}`,
      );
    }
  }
  const machine = {
    cpus: cpus().length,
    cpuModel: cpus()[0]?.model,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
  };
  await writeFile(
    inBench("results/gateway.json"),
    `${JSON.stringify({ rounds: ROUNDS, machine, rows }, undefined, 2)}\n`,
  );
} finally {
  await Promise.all([worker.stop(), restate.stop(), model.close()]);
}
