import { parseArgs } from "node:util";

/** Fewer rounds say little: such results are printed, and not kept. */
export const FEWEST_ROUNDS = 7;

/** What to measure. */
export interface BenchArguments {
  /** Names of workloads; empty: all. */
  readonly workloads: readonly string[];
  /** Names of subjects; empty: all. */
  readonly subjects: readonly string[];
  readonly rounds: number;
  /** Time before each answer of the model begins, in milliseconds. Default 0. */
  readonly latencyMs: number;
  /** Whether the results are kept. They are when every subject took part in enough rounds, with a model that answers at once. */
  readonly keeps: boolean;
}

/**
 * Reads the command line: names of workloads and subjects, `--rounds N`, `--latency MS`.
 *
 * @throws Error that lists the names when one is unknown, or says which number is wrong.
 */
export function readArguments(
  parameters: readonly string[],
  known: { readonly workloads: readonly string[]; readonly subjects: readonly string[] },
): BenchArguments {
  const { values, positionals } = parseArgs({
    args: [...parameters],
    allowPositionals: true,
    options: { rounds: { type: "string", default: String(FEWEST_ROUNDS) }, latency: { type: "string", default: "0" } },
  });
  const unknown = positionals.filter((name) => !known.workloads.includes(name) && !known.subjects.includes(name));
  if (unknown.length > 0) {
    throw new Error(
      `Cannot measure ${unknown.join(", ")}. Workloads: ${known.workloads.join(", ")}. Subjects: ${known.subjects.join(", ")}`,
    );
  }
  const rounds = wholeNumber("rounds", values.rounds, 1);
  const latencyMs = wholeNumber("latency", values.latency, 0);
  const subjects = positionals.filter((name) => known.subjects.includes(name));
  return {
    workloads: positionals.filter((name) => known.workloads.includes(name)),
    subjects,
    rounds,
    latencyMs,
    keeps: subjects.length === 0 && rounds >= FEWEST_ROUNDS && latencyMs === 0,
  };
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`Cannot measure: --${name} must be a whole number from ${least}: current value is "${text}"`);
}
