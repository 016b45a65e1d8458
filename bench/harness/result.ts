/** What the bench finds out, as it is stored in `results/<workload>.json`. */
import type { Spread } from "./statistics.ts";
import type { Workload } from "../workloads.ts";

/** Figures of one subject; those per run are means over all rounds. */
export interface SubjectResult {
  readonly name: string;
  readonly label: string;
  /** Of the workload's figure: milliseconds, or runs per second. */
  readonly figure: Spread;
  /** One sample each round, in order. */
  readonly samples: readonly number[];
  /** HTTP requests into the process that runs the agent, per run. */
  readonly requests: number;
  /** Bytes of their bodies, per run. */
  readonly uploadedBytes: number;
  /** Bytes that the store keeps of one run. */
  readonly storedBytes?: number;
  /** CPU time of the process that runs the agent, per run, in milliseconds. */
  readonly cpuMs?: number;
  /** Peak of its resident memory over the whole workload, in bytes. */
  readonly peakMemoryBytes?: number;
  /** Milliseconds from one model call to the next, around step 100 and in the last 100 steps; of long runs. */
  readonly stepMs?: { readonly early: number; readonly late: number };
}

/** A subject without figures. */
export interface Skipped {
  readonly name: string;
  readonly label: string;
  readonly reason: string;
}

/** On what it was measured. */
export interface Machine {
  readonly cpus: number;
  readonly cpuModel: string;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
}

/** One table. */
export interface WorkloadResult {
  readonly title: string;
  readonly shape: Workload["shape"];
  readonly kind: Workload["figure"];
  readonly concurrency: number;
  readonly runs: number;
  readonly rounds: number;
  readonly machine: Machine;
  readonly subjects: readonly SubjectResult[];
  readonly skipped: readonly Skipped[];
}
