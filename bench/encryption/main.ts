/**
 * What encryption costs: `npm run bench:encryption`, or `-- <rounds>`. The same runs with and without it, on Workers and on
 * Deno. The figures are printed, and saved in `results/encryption.json`.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measure } from "../harness/measure.ts";
import type { WorkloadResult } from "../harness/result.ts";
import { renderWorkload } from "../harness/table.ts";
import { startBenchModel } from "../model-server.ts";
import { inBench } from "../paths.ts";
import { encryptedSubjects, ourSubjects } from "../subjects/ours.ts";
import { WORKLOADS } from "../workloads.ts";

const rounds = Number(process.argv[2] ?? 9);
const SHAPES: ReadonlySet<string> = new Set(["sequential", "sequential-read-only", "large-results", "steps-100"]);
const plain = ourSubjects.filter(({ name }) => name === "ours-workers" || name === "ours-deno");
const subjects = [...plain, ...encryptedSubjects];

const folder = await mkdtemp(join(tmpdir(), "bench-"));
const model = await startBenchModel({ latencyMs: 0 });
const results: WorkloadResult[] = [];
try {
  for (const workload of WORKLOADS.filter(({ shape }) => SHAPES.has(shape.name))) {
    const result = await measure({ workload, subjects, rounds, model, folder, progress: console.error });
    console.log(`\n${renderWorkload(result, { plain: "ours-workers", official: "ours-deno" })}\n`);
    results.push(result);
  }
  await writeFile(inBench("results/encryption.json"), `${JSON.stringify(results, undefined, 2)}\n`);
} finally {
  await model.close();
  await rm(folder, { recursive: true, force: true });
}
