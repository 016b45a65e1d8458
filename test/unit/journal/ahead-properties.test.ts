import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Scheduler } from "../../../src/journal/scheduler.ts";
import { RunAhead, type Window } from "../../../src/journal/run-ahead.ts";
import { seedOf } from "../../thorough.ts";
import { aheadPrograms } from "./ahead-program.ts";
import { runsAheadSafely } from "./ahead-runs.ts";
import { PROGRAMS } from "./replays-alike.ts";

const LONG = 1_200_000;
/** Of the search for bugs: always the same programs. It has to find something, which is no place for luck. */
const SEED = 3;
const many = Math.round(PROGRAMS / 10);
const window: fc.Arbitrary<Window> = fc.record({
  steps: fc.constantFrom(1, 2, 5, 32),
  ms: fc.constant(30_000),
  bytes: fc.constantFrom(10, 1_000_000),
});
const cancelAt = fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined, freq: 2 });

const property = fc.asyncProperty(aheadPrograms, fc.nat(1_000_000), window, cancelAt, (program, seed, own, at) =>
  runsAheadSafely(program, { seed, window: own, cancelAt: at }),
);

test(
  `steps that run ahead take the same path from every prefix of the journal; no side effect begins early (${many} programs)`,
  () => fc.assert(property, { numRuns: many, seed: seedOf("ahead") }),
  LONG,
);

describe("the property finds a bug that was put in on purpose:", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const search = async (): Promise<boolean> =>
    (await fc.check(property, { numRuns: 2_000, seed: SEED, endOnFailure: true })).failed;

  test("W4: a side effect does not wait at its gate", { timeout: LONG }, async () => {
    vi.spyOn(Scheduler.prototype, "gate").mockResolvedValue();
    expect(await search()).toBe(true);
  });

  test("W3: timers and calls count as ahead steps", { timeout: LONG }, async () => {
    // oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
    const entry = Scheduler.prototype.entry;
    vi.spyOn(Scheduler.prototype, "entry").mockImplementation(function (this: Scheduler, own, traits) {
      return entry.call(this, own, { ...traits, window: { steps: 32, ms: 30_000, bytes: 1_000_000 } });
    });
    expect(await search()).toBe(true);
  });

  test("W2: results are handed over in another order than they were proposed", { timeout: LONG }, async () => {
    // oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
    const take = RunAhead.prototype.take;
    vi.spyOn(RunAhead.prototype, "take").mockImplementation(function (this: RunAhead, awaited) {
      return take.call(this, awaited.length > 1 ? awaited.slice(1) : awaited);
    });
    expect(await search()).toBe(true);
  });

  test("W2: a result is used early that was proposed after a failure", { timeout: LONG }, async () => {
    vi.spyOn(RunAhead.prototype, "fail").mockReturnValue();
    expect(await search()).toBe(true);
  });

  test("W6: a cancelled invocation begins further steps", { timeout: LONG }, async () => {
    vi.spyOn(Scheduler.prototype, "refuses").mockReturnValue(false);
    expect(await search()).toBe(true);
  });

  test("W6: a watched timer is told of between gates", { timeout: LONG }, async () => {
    vi.spyOn(RunAhead.prototype, "note").mockImplementation((news) => news.tell());
    expect(await search()).toBe(true);
  });

  test("W6: an invocation that made calls runs ahead", { timeout: LONG }, async () => {
    vi.spyOn(Scheduler.prototype, "stayBehind").mockReturnValue();
    expect(await search()).toBe(true);
  });
});
