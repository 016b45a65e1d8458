/** The property of the scheduler: from every prefix of its journal, a program takes the same path. */
import { expect } from "vitest";
import { runInvocation } from "../../../src/journal/context.ts";
import { DRIVER, type Driver } from "../../../src/journal/driver.ts";
import type { Context } from "../../../src/restate.ts";
import type { FakeMode, Pick } from "../../../src/testing/fake-attempt.ts";
import { CANCELLATION, type FakeJournal } from "../../../src/testing/fake-journal.ts";
import { type FakeOptions, type FakeResult, runFake } from "../../../src/testing/run-fake.ts";
import { propertyRuns } from "../../thorough.ts";
import { execute, type Program } from "./program.ts";
import { sideBySide } from "./side-by-side.ts";

/** Programs of a whole test run; raise it for a longer search. */
export const PROGRAMS = propertyRuns(5_000, 1_000);

/** Replays of one program that run at a time. */
const REPLAYS_AT_ONCE = 16;

/** In milliseconds. What the programs do beside the journal ends by itself; a busy machine must not hide that. */
const PATIENCE_MS = 10_000;

/** Breaks a driver on purpose. */
export type Breakage = (driver: Driver) => Driver;

/** One run of a program. */
export function runProgram(program: Program, options: FakeOptions, breakage?: Breakage): Promise<FakeResult<unknown>> {
  const handler = (context: Context): Promise<unknown> => {
    const broken = breakage === undefined ? context : withDriver(context, breakage);
    return runInvocation(broken, "object", () => execute(program, "p", () => {}));
  };
  return runFake(handler, { timers: "any", maxFailures: 0, ...options });
}

function withDriver(context: Context, breakage: Breakage): Context {
  const { [DRIVER]: driver } = context as unknown as { readonly [DRIVER]: Driver };
  return Object.assign(Object.create(context) as Context, { [DRIVER]: breakage(driver) });
}

/** Completes in the order of another run's journal, as far as that goes. */
function inOrderOf(whole: FakeJournal): (journal: FakeJournal) => Pick {
  const order = whole.completions.map(({ command }) => command);
  return (journal) => (candidates, executing) => {
    // A step that nobody awaits any more is not run again: skip its completion.
    const next = order.find(
      (command) => !journal.isCompleted(command) && (candidates.includes(command) || executing.includes(command)),
    );
    if (next === undefined) return candidates.length > 0 ? 0 : undefined;
    const index = candidates.indexOf(next);
    return index < 0 ? undefined : index;
  };
}

/** What a run results in; an error by its text. */
export function comparable({ outcome }: FakeResult<unknown>): unknown {
  return outcome.ok ? outcome.value : String(outcome.error);
}

/** What a search varies. */
export interface Search {
  readonly seed: number;
  readonly mode: FakeMode;
  /** The invocation is cancelled when its journal has so many events. */
  readonly cancelAt?: number | undefined;
  /** How long foreign work may hold the journal up, in milliseconds of real time. Default 10,000. */
  readonly patienceMs?: number;
  /** Replays that run at a time. Default 16; breakages that keep something for one run need 1. */
  readonly atOnce?: number;
  readonly breakage?: Breakage;
}

/** The property itself; throws where it does not hold. */
export async function replaysAlike(
  program: Program,
  { seed, mode, cancelAt, patienceMs = PATIENCE_MS, atOnce = REPLAYS_AT_ONCE, breakage }: Search,
): Promise<void> {
  const options = { patienceMs, ...(cancelAt === undefined ? {} : { cancelAt }) };
  const whole = await runProgram(program, { seed, mode, ...options }, breakage);
  const { journal } = whole;
  expect([...whole.executions].filter(([, count]) => count !== 1)).toEqual([]);
  // A program catches what it throws: anything else is a bug of the test, and would hide bugs of the scheduler.
  expect(whole.outcome).toMatchObject({ ok: true });
  await sideBySide(journal.events.length + 1, atOnce, async (length) => {
    const prefix = journal.prefix(length);
    // The same completions in the same order: the same commands, the same result. (A cancellation that is not in the
    // journal yet may come at another place: losers that nobody awaits after the crash do not complete before it.)
    const pinned = cancelAt === undefined || prefix.completions.some(({ command }) => command === CANCELLATION);
    const same = { ...options, seed: seed + length, journal: prefix, pick: inOrderOf(journal) };
    const again = await runProgram(program, { ...same, mode: "bidirectional" }, breakage);
    if (pinned) expect(comparable(again)).toEqual(comparable(whole));
    if (pinned) expect(again.journal.commands).toEqual(journal.commands);
    // Other completions from here on: the prefix is still taken as it was, and nothing durable runs again.
    const other = await runProgram(program, { ...options, seed: seed + length + 1, mode, journal: prefix }, breakage);
    expect(other.journal.commands.slice(0, prefix.commands.length)).toEqual(prefix.commands);
    const durable = durableSteps(prefix);
    for (const { outcome, executions } of [again, other]) {
      expect(outcome).toMatchObject({ ok: true });
      expect([...executions].filter(([name, count]) => count !== 1 || durable.has(name))).toEqual([]);
    }
  });
}

function durableSteps(journal: FakeJournal): Set<string> {
  const commands = journal.events.filter((event) => event.type === "command");
  return new Set(
    journal.completions.flatMap(({ command }) => (commands[command]?.kind === "run" ? [commands[command].name] : [])),
  );
}
