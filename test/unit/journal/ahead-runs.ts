/** Runs programs of `ahead-program.ts` on the fake, and looks at what must hold in each attempt. */
import { expect } from "vitest";
import { runInvocation } from "../../../src/journal/context.ts";
import { CancelledError, type Context } from "../../../src/restate.ts";
import { CANCELLATION, type FakeJournal } from "../../../src/testing/fake-journal.ts";
import { type FakeResult, runFake } from "../../../src/testing/run-fake.ts";
import type { Window } from "../../../src/journal/run-ahead.ts";
import { type AheadProgram, executeAhead } from "./ahead-program.ts";
import { sideBySide } from "./side-by-side.ts";

/** Replays of one program that run at a time. */
const REPLAYS_AT_ONCE = 16;

/** What a run varies. */
export interface AheadRun {
  readonly seed: number;
  readonly window: Window;
  readonly journal?: FakeJournal;
  readonly crashAt?: readonly number[];
  readonly cancelAt?: number | undefined;
}

/** A run, and what went wrong in it. */
export interface AheadResult extends FakeResult<string> {
  /** Side effects that began before a result that they followed from was durable (G4). */
  readonly early: readonly string[];
  /** Steps that began although the attempt could know of the cancellation (G5). */
  readonly late: readonly string[];
}

/** Runs `program` to its end. A failed attempt, such as a journal mismatch, is the outcome. */
export async function runAhead(program: AheadProgram, run: AheadRun): Promise<AheadResult> {
  const early: string[] = [];
  const late: string[] = [];
  let durable: ReadonlySet<string> = new Set();
  let isCancelled = false;
  let used: string[] = [];
  let cleaning = false;
  const beginAttempt = (journal: FakeJournal): undefined => {
    durable = completedSteps(journal);
    isCancelled = journal.completions.some(({ command }) => command === CANCELLATION);
    used = [];
    cleaning = false;
    return undefined;
  };
  const watcher = {
    window: run.window,
    begins: (name: string, kind: string) => {
      if (kind !== "ask" && kind !== "look" && used.some((step) => !durable.has(step))) early.push(name);
      if (isCancelled && !cleaning) late.push(name);
    },
    uses: (name: string) => void used.push(name),
  };
  const handler = (context: Context): Promise<string> => {
    return runInvocation(context, "object", async (own) => {
      try {
        return await executeAhead(program, watcher);
      } catch (error) {
        if (!(error instanceof CancelledError)) throw error;
        cleaning = true;
        await own.run("clean up", () => {});
        return "cancelled";
      }
    });
  };
  const { cancelAt, seed, journal, crashAt } = run;
  const result = await runFake(handler, {
    mode: "request-response",
    timers: "any",
    maxFailures: 0,
    // The programs' foreign work takes a few turns: on a busy machine it must not look as if it took for ever.
    patienceMs: 5_000,
    seed,
    onAttempt: beginAttempt,
    ...(journal === undefined ? {} : { journal }),
    ...(crashAt === undefined ? {} : { crashAt }),
    ...(cancelAt === undefined ? {} : { cancelAt }),
  });
  return { ...result, early, late };
}

/** Names of the steps whose result is in the journal. */
export function completedSteps(journal: FakeJournal): Set<string> {
  const commands = journal.events.filter((event) => event.type === "command");
  return new Set(
    journal.completions.flatMap(({ command }) => (commands[command]?.kind === "run" ? [commands[command].name] : [])),
  );
}

/** What must hold of every run; throws where it does not. */
export async function runsAheadSafely(program: AheadProgram, run: AheadRun): Promise<void> {
  const whole = await runAhead(program, run);
  expectSafe(whole);
  expect([...whole.executions.values()].every((count) => count === 1)).toBe(true);
  await sideBySide(whole.journal.events.length + 1, REPLAYS_AT_ONCE, async (length) => {
    const journal = whole.journal.prefix(length);
    const durable = completedSteps(journal);
    const again = await runAhead(program, { ...run, seed: run.seed + length + 1, journal });
    expectSafe(again);
    expect(again.journal.commands.slice(0, journal.commands.length)).toEqual(journal.commands);
    expect([...again.executions.keys()].filter((name) => durable.has(name))).toEqual([]);
  });
}

function expectSafe({ outcome, early, late }: AheadResult): void {
  expect(outcome).toMatchObject({ ok: true });
  expect(early).toEqual([]);
  expect(late).toEqual([]);
}
