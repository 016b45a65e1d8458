/**
 * Runs a handler on an in-memory fake of Restate, to its end, through crashes, replays and cancellation. No server, no
 * network, thousands of attempts a second.
 */
import type { Context } from "../restate.ts";
import { TerminalError } from "../restate.ts";
import { type AttemptEnd, FakeAttempt, type FakeMode, type Pick } from "./fake-attempt.ts";
import { fakeContext, type FakeInvocation } from "./fake-context.ts";
import { FakeJournal } from "./fake-journal.ts";
import { fakeNumbers } from "./fake-plain.ts";

/** How `runFake` drives an invocation. */
export interface FakeOptions {
  /** Default `bidirectional`. `request-response` is what Workers do. */
  readonly mode?: FakeMode;
  /** Decides what completes first, and the context's randomness. Default 1. */
  readonly seed?: number;
  /** The journal to start from: what was written before a crash. Default empty. */
  readonly journal?: FakeJournal;
  /** The process dies each time the journal reaches one of these lengths; `every`: at each one. */
  readonly crashAt?: readonly number[] | "every";
  /** The invocation is cancelled when the journal has so many events; several: again. */
  readonly cancelAt?: number | readonly number[];
  /** `last`, the default: timers fire when nothing else can happen, in order of time. `any`: in any order. */
  readonly timers?: "any" | "last";
  /** Decides what completes next, instead of the seed. */
  readonly pick?: (journal: FakeJournal) => Pick;
  /** Called as each attempt begins, with the journal that it begins with. */
  readonly onAttempt?: (journal: FakeJournal) => void;
  /** Key of the virtual object. */
  readonly key?: string;
  /** Headers that the invocation was sent with. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** State of the virtual object before the invocation: the `state` of another run's result. */
  readonly state?: ReadonlyMap<string, Uint8Array>;
  /** Answers of called services, by `<service>/<handler>` or `<object>/<key>/<handler>`. Default null. */
  readonly calls?: FakeInvocation["calls"];
  /** What awakeables, signals and durable promises are resolved with. Default their own name. */
  readonly signals?: FakeInvocation["signals"];
  /** Longest real time that foreign work holds the journal up, in milliseconds. Default 25. */
  readonly patienceMs?: number;
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
  /** How often each step was executed, by name. */
  readonly executions: ReadonlyMap<string, number>;
  /** State of the virtual object after the invocation. */
  readonly state: ReadonlyMap<string, Uint8Array>;
  /** What the handler wrote to its console, once per attempt. */
  readonly logs: readonly string[];
}

/**
 * Runs `handler` until it ends: attempt after attempt, each replaying the journal.
 *
 * @example
 * ```ts
 * const { outcome, journal, executions } = await runFake((ctx) =>
 *   withRestateContext(ctx, async () => (await weatherAgent.generate({ prompt: "Berlin?" })).text),
 * );
 * assert.deepEqual(journal.commands, ["run weather model 1", "run weather tool getWeather call-1", "run weather model 2"]);
 * ```
 */
export async function runFake<T>(
  handler: (context: Context) => PromiseLike<T>,
  options: FakeOptions = {},
): Promise<FakeResult<T>> {
  const { maxAttempts = 10_000, maxFailures = 3 } = options;
  const journal = new FakeJournal(options.journal?.events);
  const random = fakeNumbers(options.seed ?? 1);
  const invocation = invocationOf(options);
  let failures = 0;
  for (let attempts = 1; attempts <= maxAttempts; attempts++) {
    options.onAttempt?.(journal);
    const attempt = new FakeAttempt({ ...attemptInit(options, journal, random), journal });
    const state = new Map(invocation.state);
    const end = await oneAttempt(handler, attempt, fakeContext(attempt, invocation, state));
    const { executions, logs } = invocation;
    const ended = { journal, attempts, executions, state, logs };
    if (end.kind === "ended") return { outcome: end.outcome, ...ended };
    if (end.kind === "failed" && ++failures > maxFailures)
      return { outcome: { ok: false, error: end.error }, ...ended };
    if (end.kind === "suspended") completeWhileSuspended(attempt, random);
  }
  throw new Error(`The invocation has not ended after ${maxAttempts} attempts: ${journal.commands.join(", ")}`);
}

/** A run that went through, and one run for each place at which the process can die. */
export interface FakeCrashes<T> {
  readonly whole: FakeResult<T>;
  /** The `n`-th died when its journal had `n + 1` events. */
  readonly crashed: readonly FakeResult<T>[];
}

/**
 * Runs `handler` once to its end, and then once more for each event of that journal, with the process dying there.
 *
 * @example
 * ```ts
 * const { whole, crashed } = await crashEverywhere((ctx) => withRestateContext(ctx, () => bookTrip("Berlin")));
 * for (const run of crashed) {
 *   assert.deepEqual(run.outcome, whole.outcome);
 *   for (const [step, count] of run.executions) assert(count <= 2, `${step} was in flight at most once`);
 * }
 * ```
 */
export async function crashEverywhere<T>(
  handler: (context: Context) => PromiseLike<T>,
  options: Omit<FakeOptions, "crashAt"> = {},
): Promise<FakeCrashes<T>> {
  const whole = await runFake(handler, options);
  const crashed: FakeResult<T>[] = [];
  for (let length = 1; length <= whole.journal.events.length; length++) {
    crashed.push(await runFake(handler, { ...options, crashAt: [length] }));
  }
  return { whole, crashed };
}

function invocationOf({ key, seed, headers, state, calls, signals }: FakeOptions): FakeInvocation {
  return {
    key: key ?? "key",
    seed: seed ?? 1,
    headers: new Map(Object.entries(headers ?? {})),
    state: state ?? new Map(),
    calls: calls ?? (() => null),
    signals: signals ?? ((name) => name),
    executions: new Map(),
    failures: new Map(),
    resolved: new Map(),
    logs: [],
  };
}

type Init = Omit<ConstructorParameters<typeof FakeAttempt>[0], "journal">;

function attemptInit(options: FakeOptions, journal: FakeJournal, random: () => number): Init {
  const { crashAt = [], cancelAt = [], timers = "last", mode = "bidirectional", patienceMs = 25 } = options;
  const length = journal.events.length;
  const any: Pick = ({ length: count }) => (count === 0 ? undefined : Math.floor(random() * count));
  return {
    mode,
    pick: options.pick?.(journal) ?? any,
    crashAt: crashAt === "every" ? length + 1 : crashAt.find((at) => at > length),
    cancelAt: typeof cancelAt === "number" ? [cancelAt] : cancelAt,
    timersLast: timers === "last",
    patienceMs,
    latency: () => Math.floor(random() * 3),
  };
}

type HandlerEnd<T> = { readonly kind: "ended"; readonly outcome: FakeResult<T>["outcome"] };

async function oneAttempt<T>(
  handler: (context: Context) => PromiseLike<T>,
  attempt: FakeAttempt,
  context: Context,
): Promise<HandlerEnd<T> | AttemptEnd> {
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
  const completeAny = (candidates: readonly number[]): boolean => {
    const handle = candidates[Math.floor(random() * candidates.length)];
    return handle !== undefined && attempt.complete(handle);
  };
  let progress = attempt.cancelIfDue() || attempt.hasUnseen;
  while (attempt.proposals().length > 0) progress = completeAny(attempt.proposals()) || progress;
  for (let more = Math.floor(random() * 3); more > 0; more--) progress = completeAny(attempt.candidates()) || progress;
  while (!progress && attempt.candidates().length > 0) progress = completeAny(attempt.candidates());
  if (!progress) throw new Error("The invocation is stuck: it waits, and nothing that it has issued can complete");
}
