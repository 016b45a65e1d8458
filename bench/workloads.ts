/** What is measured: shapes of runs, and how many of them at a time. */
import type { Shape } from "./subject.ts";

/** One table of the report. */
export interface Workload {
  /** The shape; its name is the workload's. */
  readonly shape: Shape;
  /** Heading in the report. */
  readonly title: string;
  /** What a sample is: the time of one run, completed runs per second, or the time until the first streamed part. */
  readonly figure: "run" | "throughput" | "first-part";
  /** Runs at a time. */
  readonly concurrency: number;
  /** Runs of one sample. */
  readonly runs: number;
  /** Runs of each subject before the first round, so that its code is warm. */
  readonly warmups: number;
  /** Longest time of one run, in milliseconds; a subject that takes longer has failed. */
  readonly timeoutMs: number;
  /** Names of the subjects of this workload. Default: all. */
  readonly only?: readonly string[];
}

const REFERENCE: Omit<Shape, "name" | "readOnly"> = { steps: 20, parallel: 1, toolMs: 0, resultBytes: 100 };

function one(title: string, shape: Shape, more: Partial<Workload> = {}): Workload {
  return { shape, title, figure: "run", concurrency: 1, runs: 1, warmups: 10, timeoutMs: 60_000, ...more };
}

function throughput(concurrency: number, readOnly: boolean): Workload {
  const name = `throughput-${concurrency}${readOnly ? "-read-only" : ""}`;
  const title = `${concurrency} concurrent runs of 20 sequential ${readOnly ? "read-only" : "ordinary"} tool calls`;
  const runs = Math.max(32, concurrency);
  const more = { figure: "throughput", concurrency, runs, warmups: 1, timeoutMs: 240_000 } as const;
  return one(title, { ...REFERENCE, name, readOnly }, more);
}

/** How the cost of a step grows is our question. Each subject here needs less than a minute a run. */
const LONG: Partial<Workload> = {
  warmups: 0,
  timeoutMs: 290_000,
  only: ["plain", "ours-workers-continued", "ours-deno"],
};

/** Every workload, in the order of the report. */
export const WORKLOADS: readonly Workload[] = [
  one("20 sequential tool calls, ordinary", { ...REFERENCE, name: "sequential", readOnly: false }),
  one("20 sequential tool calls, read-only", { ...REFERENCE, name: "sequential-read-only", readOnly: true }),
  one("5 steps × 8 parallel tools of 20 ms, ordinary", {
    name: "parallel",
    steps: 5,
    parallel: 8,
    toolMs: 20,
    resultBytes: 100,
    readOnly: false,
  }),
  one("5 steps × 8 parallel tools of 20 ms, read-only", {
    name: "parallel-read-only",
    steps: 5,
    parallel: 8,
    toolMs: 20,
    resultBytes: 100,
    readOnly: true,
  }),
  one("20 steps with results of 50 KiB, ordinary", {
    ...REFERENCE,
    name: "large-results",
    resultBytes: 50 * 1024,
    readOnly: false,
  }),
  one("20 steps with results of 50 KiB, read-only", {
    ...REFERENCE,
    name: "large-results-read-only",
    resultBytes: 50 * 1024,
    readOnly: true,
  }),
  one("100 steps, ordinary", { ...REFERENCE, name: "steps-100", steps: 100, readOnly: false }, { warmups: 1 }),
  one(
    "100 steps, read-only",
    { ...REFERENCE, name: "steps-100-read-only", steps: 100, readOnly: true },
    { warmups: 1 },
  ),
  one("1,000 steps, ordinary", { ...REFERENCE, name: "steps-1000", steps: 1000, readOnly: false }, LONG),
  one(
    "1,000 steps, read-only",
    { ...REFERENCE, name: "steps-1000-read-only", steps: 1000, readOnly: true },
    {
      ...LONG,
      only: ["plain", "ours-workers", "ours-workers-continued", "ours-deno"],
    },
  ),
  throughput(16, false),
  throughput(16, true),
  throughput(64, false),
  throughput(64, true),
  one(
    "Time to the first streamed part",
    { name: "first-part", steps: 0, parallel: 0, toolMs: 0, resultBytes: 0, readOnly: true },
    { figure: "first-part" },
  ),
];
