import { expect, test } from "vitest";
import { Contestant } from "../../../bench/harness/contestant.ts";
import type { BenchModel } from "../../../bench/model-server.ts";
import type { BenchEnvironment, RunningSubject, Subject } from "../../../bench/subject.ts";
import type { Workload } from "../../../bench/workloads.ts";

const ENVIRONMENT: BenchEnvironment = { modelUrl: "http://model", folder: "/nowhere" };
const MODEL: BenchModel = { url: "http://model", arrivals: [], reset: () => {}, close: async () => {} };
const WORKLOAD: Workload = {
  shape: { name: "short", steps: 2, parallel: 3, toolMs: 0, resultBytes: 1, readOnly: false },
  title: "Short",
  figure: "run",
  concurrency: 1,
  runs: 1,
  warmups: 1,
  timeoutMs: 5_000,
};

/** A subject in memory: each run is 2 requests of 5 bytes. */
function fakeSubject(run: RunningSubject["run"], more: Partial<Subject> = {}) {
  const seen = { runs: 0, concurrent: 0, highWater: 0, stopped: 0, ids: [] as string[], asked: [] as string[] };
  const running: RunningSubject = {
    run: async (id, shape) => {
      seen.runs += 1;
      seen.ids.push(id);
      seen.highWater = Math.max(seen.highWater, ++seen.concurrent);
      try {
        return await run(id, shape);
      } finally {
        seen.concurrent -= 1;
      }
    },
    usage: async () => ({ requests: seen.runs * 2, uploadedBytes: seen.runs * 10, cpuMs: seen.runs * 4 }),
    storedBytes: async (id) => seen.asked.push(id),
    stop: async () => void seen.stopped++,
  };
  const subject: Subject = { name: "fake", label: "A fake", start: async () => running, ...more };
  return { subject, seen };
}

async function measured(subject: Subject, workload: Partial<Workload> = {}, rounds = 3): Promise<Contestant> {
  const contestant = new Contestant(subject, { ...WORKLOAD, ...workload }, MODEL);
  await contestant.start(ENVIRONMENT);
  for (let round = 0; round < rounds; round++) await contestant.round();
  await contestant.finish();
  await contestant.stop();
  return contestant;
}

test("figures are per run, over the rounds, without the warm-up", async () => {
  const { subject, seen } = fakeSubject(async () => "done");
  const { result, skipped } = await measured(subject);
  expect(skipped).toBeUndefined();
  expect(result).toMatchObject({ requests: 2, uploadedBytes: 10, cpuMs: 4, storedBytes: 1 });
  expect(result?.samples).toHaveLength(3);
  expect(seen).toMatchObject({ runs: 4, stopped: 1 });
  expect(seen.asked).toEqual([seen.ids.at(-1)]);
  expect(new Set(seen.ids).size).toBe(4);
});

test("throughput runs so many at a time and counts runs a second", async () => {
  const { subject, seen } = fakeSubject(() => new Promise((resolve) => setTimeout(resolve, 20, "done")));
  const begin = performance.now();
  const { result } = await measured(subject, { figure: "throughput", concurrency: 4, runs: 8, warmups: 0 }, 1);
  const seconds = (performance.now() - begin) / 1000;
  expect(seen).toMatchObject({ runs: 8, highWater: 4 });
  expect(result?.requests).toBe(2);
  expect(result?.figure.median).toBeGreaterThan(8 / seconds);
  expect(result?.figure.median).toBeLessThan(8 / 0.035);
});

test.each([
  ["cannot start: no database", { start: () => Promise.reject(new Error("no database\nits log")) }],
  ["cannot run this shape", { supports: (): boolean => false }],
  ["one tool at a time", { supports: (): boolean => false, limits: "one tool at a time" }],
])("a subject without figures says why: %s", async (reason, more) => {
  const { subject, seen } = fakeSubject(async () => "done", more);
  const { result, skipped } = await measured(subject);
  expect(result).toBeUndefined();
  expect(skipped).toEqual({ name: "fake", label: "A fake", reason });
  expect(seen.runs).toBe(0);
});

test("a subject that is not of this workload is skipped", async () => {
  const { subject } = fakeSubject(async () => "done");
  expect((await measured(subject, { only: ["plain", "fa"] })).skipped?.reason).toBe("not part of this workload");
  expect((await measured(subject, { only: ["plain", "fake"] })).skipped).toBeUndefined();
});

test("a wrong answer is a failure, and ends the subject's part", async () => {
  const { subject, seen } = fakeSubject(async (id) => (id.endsWith("-2") ? "half" : "done"));
  const { result, skipped } = await measured(subject);
  expect(result).toBeUndefined();
  expect(skipped?.reason).toBe('failed: The run ended with "half" instead of "done"');
  expect(seen).toMatchObject({ runs: 3, stopped: 1 });
});

test("a run that takes too long is a failure", async () => {
  const { subject } = fakeSubject(() => new Promise(() => {}));
  const { skipped } = await measured(subject, { timeoutMs: 30 });
  expect(skipped?.reason).toBe("cannot start: a run took longer than 0.03 s");
});

test("without a durable stream there is no first part", async () => {
  const { subject } = fakeSubject(async () => "done");
  expect((await measured(subject, { figure: "first-part" })).skipped?.reason).toMatch(/^has no durable stream/);
});
