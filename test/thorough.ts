/**
 * How much of the random and repeated tests one run does. `npm test` does a share of them, another one each time, so
 * that many runs cover everything; `npm run test:thorough` does all. The one place that reads the environment for it:
 *
 * - `THOROUGH=1`: everything
 * - `PROPERTY_RUNS`: how many values each of the long properties looks at
 * - `TEST_SEED`: the share and the random values of an earlier run, which printed it
 */
import { createHash } from "node:crypto";

const MAX_SEED = 2 ** 31 - 1;

/** True in a run of everything. */
export const THOROUGH: boolean = process.env["THOROUGH"] === "1";

/** Chooses the seed of this run, unless there is one, and prints it. The processes that this one starts inherit it. */
export function chooseSeed(): void {
  if (process.env["TEST_SEED"] !== undefined) return;
  process.env["TEST_SEED"] = String(1 + Math.floor(Math.random() * MAX_SEED));
  console.log(`TEST_SEED=${process.env["TEST_SEED"]} repeats the random tests of this run`);
}

/** The seed of one test: another one for each `name`, and in each run. An integer from 0 to 2^31 - 1. */
export function seedOf(name: string): number {
  const seed = process.env["TEST_SEED"];
  if (seed === undefined) throw new Error("TEST_SEED is missing: vitest.config.ts chooses it with chooseSeed()");
  return createHash("sha256").update(`${seed} ${name}`).digest().readUInt32BE() & MAX_SEED;
}

/** How often a random test looks: `all` times in a thorough run, `few` times in others. */
export function times(all: number, few: number): number {
  return THOROUGH ? all : few;
}

/** How many values a property looks at: as `times()`, unless `PROPERTY_RUNS` says so. */
export function propertyRuns(all: number, few: number): number {
  return Number(process.env["PROPERTY_RUNS"] ?? times(all, few));
}

/** All of `cases` in a thorough run, otherwise each `nth`, from another one on in each run. */
export function shareOf<T>(cases: readonly T[], nth: number, name: string): T[] {
  const first = seedOf(name) % nth;
  return cases.filter((_, index) => THOROUGH || index % nth === first);
}
