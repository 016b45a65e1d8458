/** Keeps results: one JSON file a workload, and the tables in BENCHMARKS.md, which are made from all of them. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Workload } from "../workloads.ts";
import type { WorkloadResult } from "./result.ts";
import { type References, renderWorkload } from "./table.ts";

const BEGIN = "<!-- results: written by `npm run bench` -->";
const END = "<!-- end of results -->";

/** Writes `results/<workload>.json`. */
export async function saveResult(bench: string, result: WorkloadResult): Promise<void> {
  await mkdir(join(bench, "results"), { recursive: true });
  await writeFile(resultPath(bench, result.shape.name), `${JSON.stringify(result, undefined, 2)}\n`);
}

/** Renders every stored result into BENCHMARKS.md, in the order of `workloads`. */
export async function updateReport(
  bench: string,
  workloads: readonly Workload[],
  references: References,
): Promise<void> {
  const path = join(bench, "BENCHMARKS.md");
  const results = await Promise.all(workloads.map(({ shape }) => readResult(resultPath(bench, shape.name))));
  const known = results.filter((result) => result !== undefined);
  await writeFile(path, replaceResults(await readFile(path, "utf8"), renderResults(known, references)));
}

/** All tables, with the machines that they were measured on. */
export function renderResults(results: readonly WorkloadResult[], references: References): string {
  const machines = new Set(results.map(({ machine }) => JSON.stringify(machine)));
  const described = results.filter(({ machine }) => machines.delete(JSON.stringify(machine)));
  const lines = described.map(
    ({ machine: { cpus, cpuModel, memoryGiB, system, node } }) =>
      `Measured on ${cpus} cores (${cpuModel}), ${memoryGiB} GiB, ${system}, Node ${node}.`,
  );
  const rounds = [...new Set(results.map((result) => result.rounds))].toSorted((a, b) => a - b).join(" or ");
  return [
    `${lines.join("\n")} Medians of ${rounds} rounds.`,
    ...results.map((result) => renderWorkload(result, references)),
  ].join("\n\n");
}

/**
 * Puts the tables between the markers of a page.
 *
 * @throws Error when the page lacks the markers.
 */
export function replaceResults(page: string, tables: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`Cannot update the results: the page lacks "${BEGIN}" … "${END}"`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${tables}\n\n${page.slice(end)}`;
}

function resultPath(bench: string, name: string): string {
  return join(bench, "results", `${name}.json`);
}

async function readResult(path: string): Promise<WorkloadResult | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as WorkloadResult);
}
