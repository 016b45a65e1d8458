/**
 * Runs a handler on an in-memory fake of Restate, to its end, through crashes, replays and cancellation. No server, no
 * network, thousands of attempts a second.
 */
import type { Context } from "../restate.ts";
import { TerminalError } from "../restate.ts";
import { type AttemptEnd, FakeAttempt, type FakeMode, type Pick } from "./fake-attempt.ts";
import { fakeContext, type FakeInvocation } from "./fake-context.ts";
import { FakeJournal } from "./fake-journal.ts";

/** How `runFake` drives an invocation. */
export interface FakeOptions {
  /** Default `bidirectional`. `request-response` is what Workers do. */
  readonly mode?: FakeMode;
  /** Decides what completes first, and the context's randomness. Default 1. */
  readonly seed?: number;
  /** The journal to start from: what was written before a crash. Default empty. */
  readonly journal?: FakeJournal;
  /** The process dies each time the journal reaches one of these lengths. */
  readonly crashAt?: readonly number[];
  /** The invocation is cancelled when the journal has so many events. */
  readonly cancelAt?: number;
  /** Decides what completes next, instead of the seed. */
  readonly pick?: (journal: FakeJournal) => Pick;
  /** Key of the virtual object. */
  readonly key?: string;
  readonly calls?: FakeInvocation["calls"];
  readonly signals?: FakeInvocation["signals"];
  /** Most attempts before the run counts as stuck. Default 10,000. */
  readonly maxAttempts?: number;
  /** Most retries of attempts that failed. Default 3. */
  readonly maxFailures?: number;
}

/** How an invocation ended. */
export interface FakeResult<T> {
  readonly outcome: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };
  readonly journal: FakeJournal;
  readonly attempts: number;
}

/**
 * Runs `handler` until it ends: attempt after attempt, each replaying the journal.
 *
 * @example
 * ```ts
 * const run = (ctx: Context) => withRestateContext(ctx, () => agent.generate({ prompt: "Berlin" }).then(({ text }) => text));
 * const whole = await runFake(run);
 * for (let n = 1; n < whole.journal.events.length; n++) {
 *   const crashed = await runFake(run, { crashAt: [n] });
 *   assert.deepEqual(crashed.outcome, whole.outcome);
 * }
 * ```
 */
export async function runFake<T>(
  handler: (context: Context) => PromiseLike<T>,
  options: FakeOptions = {},
): Promise<FakeResult<T>> {
  const { seed = 1, maxAttempts = 10_000, maxFailures = 3 } = options;
  const journal = new FakeJournal(options.journal?.events);
  const crashes = [...(options.crashAt ?? [])];
  const random = numbers(seed);
  const invocation: FakeInvocation = {
    key: options.key ?? "key",
    seed,
    state: new Map(),
    calls: options.calls ?? (() => null),
    signals: options.signals ?? ((name) => name),
  };
  let failures = 0;
  for (let attempts = 1; attempts <= maxAttempts; attempts++) {
    const attempt = new FakeAttempt({
      journal,
      mode: options.mode ?? "bidirectional",
      pick:
        options.pick?.(journal) ??
        ((candidates) => (candidates.length === 0 ? undefined : Math.floor(random() * candidates.length))),
      crashAt: crashes.find((at) => at > journal.events.length),
      cancelAt: options.cancelAt,
      patienceMs: 25,
      latency: () => Math.floor(random() * 3),
    });
    const end = await oneAttempt(handler, attempt, invocation);
    if (end.kind === "ended") return { outcome: end.outcome, journal, attempts };
    if (end.kind === "failed" && ++failures > maxFailures)
      return { outcome: { ok: false, error: end.error }, journal, attempts };
    if (end.kind === "suspended") completeWhileSuspended(attempt, random);
  }
  throw new Error(`The invocation has not ended after ${maxAttempts} attempts: ${journal.commands.join(", ")}`);
}

type HandlerEnd<T> = { readonly kind: "ended"; readonly outcome: FakeResult<T>["outcome"] };

async function oneAttempt<T>(
  handler: (context: Context) => PromiseLike<T>,
  attempt: FakeAttempt,
  invocation: FakeInvocation,
): Promise<HandlerEnd<T> | AttemptEnd> {
  const context = fakeContext(attempt, invocation);
  const handled = (async (): Promise<HandlerEnd<T> | AttemptEnd> => {
    try {
      return { kind: "ended", outcome: { ok: true, value: await handler(context) } };
    } catch (error) {
      if (error instanceof TerminalError) return { kind: "ended", outcome: { ok: false, error } };
      return { kind: "failed", error };
    }
  })();
  const end = await Promise.race([attempt.ended, handled]);
  attempt.end({ kind: "suspended" });
  return end;
}

/** What ran is acknowledged, and time passes: one or more of the rest complete. */
function completeWhileSuspended(attempt: FakeAttempt, random: () => number): void {
  const complete = (candidates: readonly number[]): boolean => {
    const handle = candidates[Math.floor(random() * candidates.length)];
    if (handle !== undefined) attempt.complete(handle);
    return handle !== undefined;
  };
  let progress = false;
  while (complete(attempt.proposals())) progress = true;
  for (let more = Math.floor(random() * 3); more > 0; more--) progress = complete(attempt.candidates()) || progress;
  if (!progress && !complete(attempt.candidates())) {
    throw new Error("The invocation is stuck: it waits, and nothing that it has issued can complete");
  }
}

/** Numbers between 0 and 1 that follow from the seed. */
function numbers(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
