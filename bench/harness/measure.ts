import { cpus, release, totalmem, type as systemType } from "node:os";
import type { BenchModel } from "../model-server.ts";
import type { BenchEnvironment, Subject } from "../subject.ts";
import type { Workload } from "../workloads.ts";
import { Contestant } from "./contestant.ts";
import type { Machine, WorkloadResult } from "./result.ts";

/** What `measure` needs. */
export interface MeasureInit {
  readonly workload: Workload;
  readonly subjects: readonly Subject[];
  readonly rounds: number;
  readonly model: BenchModel;
  /** Temporary folder. */
  readonly folder: string;
  /** Called with what is going on. */
  readonly progress: (line: string) => void;
}

/**
 * Measures a workload: starts every subject, warms it, and lets all take turns, each round in another order, so that
 * whatever else the machine does hits all of them alike.
 */
export async function measure(init: MeasureInit): Promise<WorkloadResult> {
  const { workload, rounds, progress } = init;
  const environment: BenchEnvironment = { modelUrl: init.model.url, folder: init.folder };
  const contestants = init.subjects.map((subject) => new Contestant(subject, workload, init.model));
  try {
    for (const contestant of contestants) {
      if (contestant.takesPart) progress(`${workload.shape.name}: starting ${contestant.subject.name}`);
      await contestant.start(environment);
    }
    for (let round = 0; round < rounds; round++) {
      progress(`${workload.shape.name}: round ${round + 1} of ${rounds}`);
      for (const contestant of rotated(contestants, round)) await contestant.round();
    }
    for (const contestant of contestants) await contestant.finish();
  } finally {
    for (const contestant of contestants) await contestant.stop();
  }
  return {
    title: workload.title,
    shape: workload.shape,
    kind: workload.figure,
    concurrency: workload.concurrency,
    runs: workload.runs,
    rounds,
    machine: machine(),
    subjects: contestants.flatMap(({ result }) => result ?? []),
    skipped: contestants.flatMap(({ skipped }) => skipped ?? []),
  };
}

function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const at = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

function machine(): Machine {
  return {
    cpus: cpus().length,
    cpuModel: cpus()[0]?.model.trim() ?? "unknown",
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${systemType()} ${release().split("-")[0]}`,
    node: process.versions.node,
  };
}
