/**
 * How long a part of an answer takes from the model to its reader, and what it costs: `npm run bench:streams`.
 *
 * Everything is on loopback, and all ways share one restate-server. In every round each way streams one answer, in
 * alternating order. A latency is the time from a word leaving the model to its arrival at a reader of the app's
 * server-sent events, measured by one process with one clock.
 */
import { writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { startRestate } from "../../src/testing/restate-server.ts";
import { inBench } from "../paths.ts";
import { startCountingProxy } from "../usage/counting-proxy.ts";
import { startPacedProvider } from "./provider.ts";
import { arrivals } from "./reader.ts";
import { type Way, WAYS } from "./ways.ts";

const ROUNDS = Number(process.env["ROUNDS"] ?? 5);
const LATENCY = { words: Number(process.env["WORDS"] ?? 400), everyMs: 20 };
const LONG = { words: 2_000, everyMs: 10 } as const;
const READERS = (process.env["READERS"] ?? "1,10,100").split(",").filter(Boolean).map(Number);

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));

/** What one answer took. */
interface Measured {
  readonly latencies: readonly number[];
  readonly requests: number;
  readonly uploadedBytes: number;
  readonly handlers: Readonly<Record<string, number>>;
}

const [provider, restate] = await Promise.all([startPacedProvider(), startRestate()]);
const cleanups: (() => Promise<void>)[] = [() => provider.close(), () => restate.stop()];
let runs = 0;

async function start(way: Way) {
  const prefix = `Bench.${way.name}.`;
  const vars = {
    BENCH_MODEL_URL: provider.baseURL,
    BENCH_PREFIX: prefix,
    ENVIRONMENT: "development",
    RESTATE_INGRESS_URL: restate.ingressUrl,
    RESTATE_LOGGING: "ERROR",
  };
  const endpoint = await way.serve(vars);
  cleanups.push(() => endpoint.stop());
  const readFrom = way.readsElsewhere === true ? await way.serve(vars) : endpoint;
  if (readFrom !== endpoint) cleanups.push(() => readFrom.stop());
  const proxy = await startCountingProxy(endpoint.url, endpoint.http11 ? "http1" : "http2");
  cleanups.push(() => proxy.close());
  await restate.register(`${proxy.url}/restate`, { http11: endpoint.http11 });

  const handlersSoFar = async (): Promise<Record<string, number>> =>
    (await (await fetch(`${endpoint.url}/counts`)).json()) as Record<string, number>;

  async function stream(
    answer: { readonly words: number; readonly everyMs: number },
    readers: number,
  ): Promise<Measured> {
    const run = `r${++runs}`;
    const prompt = JSON.stringify({ run, ...answer });
    const [before, handlersBefore] = [proxy.counts(), await handlersSoFar()];
    const reading = Array.from({ length: readers }, () =>
      arrivals(
        way.isDurable
          ? fetch(`${readFrom.url}/read?stream=${run}`)
          : fetch(`${endpoint.url}/plain`, { method: "POST", body: prompt }),
      ),
    );
    if (way.isDurable) await restate.send(`${prefix}Turns/run`, { stream: run, prompt });
    const all = await Promise.all(reading);
    const sent = provider.sentAt(run);
    const latencies = all.flatMap((times) => {
      if (times.length !== answer.words)
        throw new Error(`${way.name}: a reader got ${times.length} of ${answer.words}`);
      return times.map((time, at) => time - (sent[at] ?? Number.NaN));
    });
    const [after, handlersAfter] = [proxy.counts(), await handlersSoFar()];
    const handlers = Object.entries(handlersAfter).map(([name, count]) => [
      name.replace(prefix, ""),
      count - (handlersBefore[name] ?? 0),
    ]);
    return {
      latencies,
      requests: after.requests - before.requests,
      uploadedBytes: after.uploadedBytes - before.uploadedBytes,
      handlers: Object.fromEntries(handlers) as Record<string, number>,
    };
  }
  return { way, stream };
}

const quantile = (samples: readonly number[], part: number): number => {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(Math.floor(sorted.length * part), sorted.length - 1)] ?? Number.NaN;
};
const shown = (samples: readonly number[]) => ({
  samples: samples.length,
  medianMs: Number(quantile(samples, 0.5).toFixed(1)),
  p99Ms: Number(quantile(samples, 0.99).toFixed(1)),
});

const chosen = process.argv.slice(2);
const ways = WAYS.filter(({ name }) => chosen.length === 0 || chosen.includes(name));
try {
  const started = [];
  for (const way of ways) started.push(await start(way));
  for (const { stream } of started) await stream({ words: 100, everyMs: 5 }, 1);

  const latencies = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { way, stream } of round % 2 === 0 ? started : started.toReversed()) {
      latencies.get(way.name)?.push(...(await stream(LATENCY, 1)).latencies);
    }
  }
  const one = ways.map(({ name, label }) => ({ way: name, label, ...shown(latencies.get(name) ?? []) }));
  console.table(one);

  const long = [];
  for (const readers of READERS) {
    for (const { way, stream } of started) {
      if (!way.isDurable || way.readsElsewhere === true) continue;
      const { latencies: samples, ...usage } = await stream(LONG, readers);
      const row = { way: way.name, label: way.label, readers, ...shown(samples), ...usage };
      long.push(row);
      console.log(JSON.stringify(row));
    }
  }
  const machine = {
    cpus: cpus().length,
    cpuModel: cpus()[0]?.model,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
  };
  const result = {
    rounds: ROUNDS,
    machine,
    latency: { answer: LATENCY, rows: one },
    long: { answer: LONG, rows: long },
  };
  if (chosen.length === 0) {
    await writeFile(inBench("results/streams.json"), `${JSON.stringify(result, undefined, 2)}\n`);
  }
} finally {
  for (const cleanup of cleanups.toReversed()) await cleanup();
}
