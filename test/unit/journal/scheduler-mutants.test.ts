import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CombinedAwaitable, JournalAwaitable } from "../../../src/journal/awaitable.ts";
import type { Driver, Entry } from "../../../src/journal/driver.ts";
import { Fiber } from "../../../src/journal/fiber.ts";
import { Scheduler } from "../../../src/journal/scheduler.ts";
import { programs } from "./program.ts";
import { type Breakage, replaysAlike } from "./replays-alike.ts";

/** Programs within which each bug must be found. */
const SEARCH = 2_000;
/** Always the same programs: a search that has to find something is no place for luck. */
const SEED = 3;
/** How programs are run: one at a time, because some bugs keep something between two turns of one run. */
const RUN = { mode: "bidirectional", atOnce: 1 } as const;
/** In milliseconds. Some bugs let the scheduler wait for nothing, each time until its patience is over. */
const PATIENCE_MS = 25;

vi.setConfig({ testTimeout: 240_000 });

/** The first program that fails, or none. */
function search(breakage?: Breakage, numRuns = SEARCH, patienceMs = PATIENCE_MS): Promise<fc.RunDetails<unknown>> {
  const property = fc.asyncProperty(programs, fc.nat(1_000_000), (program, seed) =>
    replaysAlike(program, { seed, ...RUN, patienceMs, ...(breakage === undefined ? {} : { breakage }) }),
  );
  return fc.check(property, { numRuns, seed: SEED, endOnFailure: true }) as Promise<fc.RunDetails<unknown>>;
}

const over = (driver: Driver, own: Partial<Driver>): Driver => ({
  next: (entries) => driver.next(entries),
  turn: () => driver.turn(),
  pause: (ms, signal) => driver.pause(ms, signal),
  now: () => driver.now(),
  ...own,
});

describe("the properties find a bug that was put in on purpose:", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const drivers: readonly (readonly [string, Breakage])[] = [
    ["S2: nothing comes to rest between completions", (driver) => over(driver, { turn: () => Promise.resolve() })],
    [
      "S3: a completion is handed to a random entry",
      (driver) => over(driver, { next: (all) => misdelivered(driver, all) }),
    ],
    [
      "S3: the first to be ready in real time is taken, not the first of the journal",
      (driver) => over(driver, { next: (all) => inRandomOrder(driver, all) }),
    ],
    ["S5: no patience", (driver) => over(driver, { pause: () => Promise.resolve() })],
  ];
  test.each(drivers)("%s", async (_, breakage) => {
    expect((await search(breakage)).failed).toBe(true);
  });

  test("S2: two completions are handed over at a time", async () => {
    let held: (() => void) | undefined;
    // oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
    const complete = JournalAwaitable.prototype.complete;
    vi.spyOn(JournalAwaitable.prototype, "complete").mockImplementation(function (
      this: JournalAwaitable<unknown>,
      completion,
    ) {
      held?.();
      held = undefined;
      if (Math.random() < 0.5) complete.call(this, completion);
      else {
        held = () => complete.call(this, completion);
        setImmediate(() => held?.());
      }
    });
    expect((await search()).failed).toBe(true);
  });

  test("S4: a running fiber does not hold the journal up", async () => {
    vi.spyOn(Fiber.prototype, "isRunning", "get").mockReturnValue(false);
    expect((await search()).failed).toBe(true);
  });

  test("S3: the parts of a combination are raced in random order", async () => {
    // oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
    const collect = CombinedAwaitable.prototype.collect;
    vi.spyOn(CombinedAwaitable.prototype, "collect").mockImplementation(function (this: CombinedAwaitable, entries) {
      const own = new Set<JournalAwaitable<unknown>>();
      collect.call(this, own);
      for (const entry of [...own].sort(() => Math.random() - 0.5)) entries.add(entry);
    });
    expect((await search()).failed).toBe(true);
  });

  test("G3: a child fiber is not told apart from its parent", async () => {
    vi.spyOn(Scheduler.prototype, "fork").mockImplementation((parent) => parent);
    vi.spyOn(Scheduler.prototype, "end").mockImplementation(() => {});
    expect((await search()).failed).toBe(true);
  });
});

test("without a bug the same search finds nothing", async () => {
  expect((await search(undefined, 100, 10_000)).failed).toBe(false);
});

async function misdelivered(driver: Driver, entries: readonly Entry[]): ReturnType<Driver["next"]> {
  const completion = await driver.next(entries);
  return Math.random() < 0.5 ? completion : { ...completion, index: 0 };
}

async function inRandomOrder(driver: Driver, entries: readonly Entry[]): ReturnType<Driver["next"]> {
  const shuffled = entries.toSorted(() => Math.random() - 0.5);
  const completion = await driver.next(shuffled.slice(0, 1 + Math.floor(Math.random() * shuffled.length)));
  const winner = shuffled[completion.index];
  return { ...completion, index: entries.findIndex((entry) => entry === winner) };
}
