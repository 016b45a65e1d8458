import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { runInvocation } from "../../../src/journal/context.ts";
import { DRIVER, type Driver } from "../../../src/journal/driver.ts";
import type { Context } from "../../../src/restate.ts";
import type { FakeMode, Pick } from "../../../src/testing/fake-attempt.ts";
import type { FakeJournal } from "../../../src/testing/fake-journal.ts";
import { type FakeResult, runFake } from "../../../src/testing/run-fake.ts";
import { execute, type Program, programs, programsBesideForeignWork } from "./program.ts";

/** Programs a test; raise it for a longer search. */
const RUNS = Number(process.env["PROPERTY_RUNS"] ?? 2_500);

interface Executed {
  readonly result: FakeResult<unknown>;
  /** How often each step ran. */
  readonly steps: Map<string, number>;
}

type Breakage = (driver: Driver) => Driver;

async function run(program: Program, options: Parameters<typeof runFake>[1], breakage?: Breakage): Promise<Executed> {
  const steps = new Map<string, number>();
  const handler = (context: Context): Promise<unknown> => {
    const broken = breakage === undefined ? context : withDriver(context, breakage);
    return runInvocation(broken, "object", () =>
      execute(program, "p", (name) => steps.set(name, (steps.get(name) ?? 0) + 1)),
    );
  };
  return { result: await runFake(handler, { ...options, maxFailures: 0 }), steps };
}

function withDriver(context: Context, breakage: Breakage): Context {
  const { [DRIVER]: driver } = context as unknown as { readonly [DRIVER]: Driver };
  return Object.assign(Object.create(context) as Context, { [DRIVER]: breakage(driver) });
}

/** Completes in the order of another run's journal, as far as that goes. */
function inOrderOf(whole: FakeJournal): (journal: FakeJournal) => Pick {
  const order = whole.completions.map(({ command }) => command);
  return (journal) => (candidates, executing) => {
    const done = new Set(journal.completions.map(({ command }) => command));
    // A step that nobody awaits any more is not run again: skip its completion.
    const next = order.find(
      (command) => !done.has(command) && (candidates.includes(command) || executing.includes(command)),
    );
    if (next === undefined) return candidates.length > 0 ? 0 : undefined;
    const index = candidates.indexOf(next);
    return index < 0 ? undefined : index;
  };
}

function comparable({ outcome }: FakeResult<unknown>): unknown {
  return outcome.ok ? outcome.value : String(outcome.error);
}

/** The property: from every prefix of its journal, a program takes the same path to the same result. */
async function replaysAlike(program: Program, seed: number, mode: FakeMode, breakage?: Breakage): Promise<void> {
  const whole = await run(program, { seed, mode }, breakage);
  const { journal } = whole.result;
  expect([...whole.steps.values()].every((count) => count === 1)).toBe(true);
  for (let length = 0; length <= journal.events.length; length++) {
    const prefix = journal.prefix(length);
    const durable = durableSteps(prefix);
    // The same completions in the same order: the same commands, the same result.
    const again = await run(
      program,
      { seed: seed + length, mode: "bidirectional", journal: prefix, pick: inOrderOf(journal) },
      breakage,
    );
    expect(comparable(again.result)).toEqual(comparable(whole.result));
    expect(again.result.journal.commands).toEqual(journal.commands);
    // Other completions from here on: the prefix is still taken as it was, and nothing durable runs again.
    const other = await run(program, { seed: seed + length + 1, mode, journal: prefix }, breakage);
    expect(other.result.journal.commands.slice(0, prefix.commands.length)).toEqual(prefix.commands);
    for (const { steps } of [again, other]) {
      for (const [name, count] of steps) expect([name, count, durable.has(name)]).toEqual([name, 1, false]);
    }
  }
}

function durableSteps(journal: FakeJournal): Set<string> {
  const commands = journal.events.filter((event) => event.type === "command");
  return new Set(
    journal.completions.flatMap(({ command }) => (commands[command]?.kind === "run" ? [commands[command].name] : [])),
  );
}

describe.each(["bidirectional", "request-response"] as const)("any program, %s", (mode) => {
  test(`takes the same path from every prefix of its journal (${RUNS} programs)`, async () => {
    await fc.assert(
      fc.asyncProperty(programs, fc.nat(1_000_000), (program, seed) => replaysAlike(program, seed, mode)),
      { numRuns: RUNS },
    );
  }, 600_000);
});

test(`foreign work in one fiber does not change the path (${Math.round(RUNS / 25)} programs)`, async () => {
  await fc.assert(
    fc.asyncProperty(programsBesideForeignWork, fc.nat(1_000_000), (program, seed) =>
      replaysAlike(program, seed, "bidirectional"),
    ),
    { numRuns: Math.round(RUNS / 25) },
  );
}, 600_000);

describe("a bug put in on purpose is found:", () => {
  const bugs: readonly (readonly [string, Breakage])[] = [
    [
      "the next completion is taken before the last one's consequences have come to rest",
      (driver) => withoutRest(driver),
    ],
    ["the order of completions is not the journal's", (driver) => shuffled(driver)],
  ];

  test.each(bugs)(
    "%s",
    async (_, breakage) => {
      const search = fc.asyncProperty(programs, fc.nat(1_000_000), (program, seed) =>
        replaysAlike(program, seed, "bidirectional", breakage),
      );
      const found = await fc.check(search, { numRuns: RUNS, endOnFailure: true });
      expect(found.failed).toBe(true);
    },
    600_000,
  );
});

function withoutRest(driver: Driver): Driver {
  return {
    next: (entries) => driver.next(entries),
    turn: () => Promise.resolve(),
    pause: () => Promise.resolve(),
  };
}

function shuffled(driver: Driver): Driver {
  const order = () => Math.random() - 0.5;
  return {
    next: async (entries) => {
      const other = [...entries].sort(order);
      const completion = await driver.next(other);
      const chosen = other[completion.index];
      const index = chosen === undefined ? 0 : entries.indexOf(chosen);
      // Hands the completion to whoever comes first, half of the time.
      return { ...completion, index: Math.random() < 0.5 ? index : 0 };
    },
    turn: () => driver.turn(),
    pause: (ms, signal) => driver.pause(ms, signal),
  };
}
