import fc from "fast-check";
import { expect, test } from "vitest";
import { seedOf } from "../../thorough.ts";
import { programs, programsBesideForeignWork } from "./program.ts";
import { comparable, PROGRAMS, replaysAlike, runProgram } from "./replays-alike.ts";

const LONG = 1_200_000;
const half = Math.round(PROGRAMS / 2);
const few = Math.round(PROGRAMS / 50);

test(
  `any program takes the same path from every prefix of its journal, bidirectional (${half} programs)`,
  () =>
    fc.assert(
      fc.asyncProperty(programs, fc.nat(1_000_000), (program, seed) =>
        replaysAlike(program, { seed, mode: "bidirectional" }),
      ),
      { numRuns: half, seed: seedOf("any program, bidirectional") },
    ),
  LONG,
);

test(
  `foreign work in one fiber does not change the path (${few} programs)`,
  () =>
    fc.assert(
      fc.asyncProperty(programsBesideForeignWork, fc.nat(1_000_000), (program, seed) =>
        replaysAlike(program, { seed, mode: "bidirectional" }),
      ),
      { numRuns: few, seed: seedOf("foreign work") },
    ),
  LONG,
);

test(
  `a program whose process dies at random places repeats only what was in flight (${half} programs)`,
  () =>
    fc.assert(
      fc.asyncProperty(
        programs,
        fc.nat(1_000_000),
        fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 4 }),
        async (program, seed, places) => {
          const crashAt = places.toSorted((a, b) => a - b);
          const { outcome, executions, attempts, journal } = await runProgram(program, { seed, crashAt });
          expect(outcome).toMatchObject({ ok: true });
          expect(attempts).toBeLessThanOrEqual(1 + crashAt.length);
          for (const count of executions.values()) expect(count).toBeLessThanOrEqual(attempts);
          const replayed = await runProgram(program, { seed: seed + 1, journal });
          expect([comparable(replayed), replayed.journal.events.length]).toEqual([
            outcome.ok ? outcome.value : undefined,
            journal.events.length,
          ]);
          expect(replayed.executions.size).toBe(0);
        },
      ),
      { numRuns: half, seed: seedOf("the process dies") },
    ),
  LONG,
);
