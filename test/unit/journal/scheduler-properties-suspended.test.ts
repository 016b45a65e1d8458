import fc from "fast-check";
import { test } from "vitest";
import { seedOf } from "../../thorough.ts";
import { programs } from "./program.ts";
import { PROGRAMS, replaysAlike } from "./replays-alike.ts";

const LONG = 1_200_000;
const quarter = Math.round(PROGRAMS / 4); // Each attempt replays all before it: the slowest of the properties.
const tenth = Math.round(PROGRAMS / 10);

test(
  `any program takes the same path from every prefix of its journal, request-response (${quarter} programs)`,
  () =>
    fc.assert(
      fc.asyncProperty(programs, fc.nat(1_000_000), (program, seed) =>
        replaysAlike(program, { seed, mode: "request-response" }),
      ),
      { numRuns: quarter, seed: seedOf("any program, request-response") },
    ),
  LONG,
);

test.each(["bidirectional", "request-response"] as const)(
  `a program that is cancelled takes the same path from every prefix of its journal, %s (${tenth} programs)`,
  (mode) =>
    fc.assert(
      fc.asyncProperty(programs, fc.nat(1_000_000), fc.integer({ min: 1, max: 20 }), (program, seed, cancelAt) =>
        replaysAlike(program, { seed, mode, cancelAt }),
      ),
      { numRuns: tenth, seed: seedOf(`cancelled, ${mode}`) },
    ),
  LONG,
);
