/**
 * Measures the subjects against each other and prints the tables: `npm run bench`, or
 * `npm run bench -- <workloads and subjects> --rounds N`. See BENCHMARKS.md.
 */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FEWEST_ROUNDS, readArguments } from "./harness/arguments.ts";
import { measure } from "./harness/measure.ts";
import { saveResult, updateReport } from "./harness/report.ts";
import { renderWorkload } from "./harness/table.ts";
import { startBenchModel } from "./model-server.ts";
import { inBench } from "./paths.ts";
import { allSubjects, REFERENCES } from "./subjects/index.ts";
import { WORKLOADS } from "./workloads.ts";

const everybody = await allSubjects();
const chosen = readArguments(process.argv.slice(2), {
  workloads: WORKLOADS.map(({ shape }) => shape.name),
  subjects: everybody.map(({ name }) => name),
});
const { rounds, latencyMs, keeps } = chosen;
const workloads = WORKLOADS.filter(({ shape }) => includes(chosen.workloads, shape.name));
const subjects = everybody.filter(({ name }) => includes(chosen.subjects, name));
const bench = inBench(".");

const folder = await mkdtemp(join(tmpdir(), "bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
// Ctrl-C ends the children, too: the test kit kills them when this process exits.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));

const model = await startBenchModel({ latencyMs });
try {
  for (const workload of workloads) {
    const result = await measure({ workload, subjects, rounds, model, folder, progress: console.error });
    console.log(`\n${renderWorkload(result, REFERENCES)}\n`);
    if (!keeps) continue;
    await saveResult(bench, result);
    await updateReport(bench, WORKLOADS, REFERENCES);
  }
} finally {
  await model.close();
}
if (!keeps) console.log(`Not kept: results of all subjects in at least ${FEWEST_ROUNDS} rounds are.`);

/** No names mean all. */
function includes(names: readonly string[], name: string): boolean {
  return names.length === 0 || names.includes(name);
}
