/**
 * What a handler awaits: entries of the journal and combinations of them.
 *
 * Combinations are evaluated here, synchronously, when an entry completes, and not by native promises: so the
 * scheduler knows at every moment which entries somebody still waits for. The loser of a race is no longer awaited
 * the moment the race is decided; a lost timer cannot suspend the invocation.
 */
import { decryptedError } from "../encryption/sealing.ts";
import type { Duration } from "../restate.ts";
import { TerminalError, TimeoutError } from "../restate.ts";
import type { Completion, Entry } from "./driver.ts";
import type { Fiber } from "./fiber.ts";
import type { Window } from "./run-ahead.ts";

/** A settled result. */
export type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

/** One `await` of one fiber. */
export interface Waiter {
  readonly fiber: Fiber;
  readonly awaitable: Awaitable<unknown>;
  settle(outcome: Outcome): void;
}

/** What awaitables need from the scheduler. */
export interface Parking {
  /** Registers `fiber`, by default the current one, as waiting for `awaitable`; the promise settles in journal order. */
  park(awaitable: Awaitable<unknown>, fiber?: Fiber): Promise<unknown>;
  /** Called when an awaitable that somebody waits for has settled. */
  settled(awaitable: Awaitable<unknown>, outcome: Outcome): void;
  /** Adds a timer to the journal. */
  sleep(duration: number | Duration): Awaitable<void>;
}

/** A `RestatePromise` whose awaits go through the scheduler, so that any number may be pending at a time. */
export abstract class Awaitable<T> implements Promise<T> {
  outcome: Outcome | undefined;
  readonly parking: Parking;
  readonly #parents: ((outcome: Outcome) => void)[] = [];
  #active = false;

  constructor(parking: Parking) {
    this.parking = parking;
  }

  abstract readonly [Symbol.toStringTag]: string;

  /** Starts to follow its parts. Lazy, like the SDK's promises: what nobody awaits does nothing. */
  protected abstract start(): void;

  /** Adds the journal entries that can still settle this awaitable. */
  abstract collect(entries: Set<JournalAwaitable<unknown>>): void;

  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.waitIn().then(onFulfilled, onRejected);
  }

  /** Awaits it in `fiber`, by default in the current one. */
  waitIn(fiber?: Fiber): Promise<T> {
    this.activate();
    const promise = this.outcome === undefined ? this.parking.park(this, fiber) : settledPromise(this.outcome);
    return promise as Promise<T>;
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.then().finally(onFinally);
  }

  /** As the SDK's: maps the result, or the failure, synchronously. */
  map<U>(mapper: (value?: T, failure?: TerminalError) => U): Awaitable<U> {
    return new MappedAwaitable(this, mapper);
  }

  /** As the SDK's: rejects with `TimeoutError` (408) when `duration` passes first. The timer starts now. */
  orTimeout(duration: number | Duration): Awaitable<T> {
    return new TimeoutAwaitable(this, this.parking.sleep(duration));
  }

  /** Follows this awaitable; `listener` runs at once when it has settled. */
  subscribe(listener: (outcome: Outcome) => void): void {
    this.activate();
    if (this.outcome === undefined) this.#parents.push(listener);
    else listener(this.outcome);
  }

  /** Settles once; later calls are ignored. */
  protected settle(outcome: Outcome): void {
    if (this.outcome !== undefined) return;
    this.outcome = outcome;
    for (const notify of this.#parents.splice(0)) notify(outcome);
    this.parking.settled(this, outcome);
  }

  private activate(): void {
    if (this.#active) return;
    this.#active = true;
    this.start();
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function settledPromise(outcome: Outcome): Promise<unknown> {
  return outcome.ok ? Promise.resolve(outcome.value) : Promise.reject(outcome.error);
}

/** What the scheduler knows about an entry. */
export interface EntryTraits {
  /** Its result may be used before it is acknowledged, within these bounds; see run-ahead.ts. */
  readonly window?: Window | undefined;
  /** The fiber that declared it. */
  readonly fiber: Fiber;
  /** Reads what the journal holds, before it is handed over. It may fetch content that never changes. */
  readonly read?: (stored: unknown) => unknown;
}

/** One entry of the journal. */
export class JournalAwaitable<T> extends Awaitable<T> {
  readonly [Symbol.toStringTag] = "RestatePromise";
  readonly entry: Entry;
  readonly fiber: Fiber;
  readonly window: Window | undefined;
  /** True once its code has begun in this attempt. Who waits for it must not be suspended before it is proposed. */
  executing = false;
  readonly #read: EntryTraits["read"];
  /** Of a call: the id of the called invocation. */
  declare readonly invocationId?: Awaitable<string>;

  constructor(parking: Parking, entry: Entry, { fiber, window, read }: EntryTraits) {
    super(parking);
    this.entry = entry;
    this.fiber = fiber;
    this.window = window;
    this.#read = read;
  }

  protected override start(): void {}

  override collect(entries: Set<JournalAwaitable<unknown>>): void {
    if (this.outcome === undefined) entries.add(this);
  }

  /** Reads a completion, once. */
  async read(completion: Outcome): Promise<Outcome> {
    if (!completion.ok) return { ok: false, error: await decryptedError(completion.error) };
    if (this.#read === undefined) return completion;
    try {
      return { ok: true, value: await this.#read(completion.value) };
    } catch (error) {
      return { ok: false, error };
    }
  }

  complete(completion: Completion | Outcome): void {
    this.settle(completion.ok ? { ok: true, value: completion.value } : { ok: false, error: completion.error });
  }
}

/** Waits for no entry: for the moment at which all results that were used early are acknowledged (run-ahead.ts, W4). */
export class Gate extends Awaitable<void> {
  readonly [Symbol.toStringTag] = "RestateGate";

  protected override start(): void {}
  override collect(): void {}

  open(): void {
    this.settle({ ok: true, value: undefined });
  }
}

/** A value that needs no journal. */
export class ConstAwaitable<T> extends Awaitable<T> {
  readonly [Symbol.toStringTag] = "RestateConstPromise";

  constructor(parking: Parking, outcome: Outcome) {
    super(parking);
    this.outcome = outcome;
  }

  protected override start(): void {}
  override collect(): void {}
}

class MappedAwaitable<T, U> extends Awaitable<U> {
  readonly [Symbol.toStringTag] = "RestateMappedPromise";
  readonly #source: Awaitable<T>;
  readonly #mapper: (value?: T, failure?: TerminalError) => U;

  constructor(source: Awaitable<T>, mapper: (value?: T, failure?: TerminalError) => U) {
    super(source.parking);
    this.#source = source;
    this.#mapper = mapper;
  }

  protected override start(): void {
    this.#source.subscribe((outcome) => {
      const mapped = this.#apply(outcome);
      if (mapped.ok && isPromiseLike(mapped.value)) this.#adopt(mapped.value);
      else this.settle(mapped);
    });
  }

  override collect(entries: Set<JournalAwaitable<unknown>>): void {
    if (this.outcome === undefined) this.#source.collect(entries);
  }

  /** As the SDK's: a mapper's promise gives its value, also inside a combination. It must not take foreign work. */
  #adopt(value: PromiseLike<unknown>): void {
    value.then(
      (result) => this.settle({ ok: true, value: result }),
      (error: unknown) => this.settle({ ok: false, error }),
    );
  }

  #apply(outcome: Outcome): Outcome {
    try {
      if (outcome.ok) return { ok: true, value: this.#mapper(outcome.value as T, undefined) };
      if (!(outcome.error instanceof TerminalError)) return outcome;
      return { ok: true, value: this.#mapper(undefined, outcome.error) };
    } catch (error) {
      return { ok: false, error };
    }
  }
}

class TimeoutAwaitable<T> extends Awaitable<T> {
  readonly [Symbol.toStringTag] = "RestateTimeoutPromise";
  readonly #source: Awaitable<T>;
  readonly #timer: Awaitable<void>;

  constructor(source: Awaitable<T>, timer: Awaitable<void>) {
    super(source.parking);
    this.#source = source;
    this.#timer = timer;
  }

  protected override start(): void {
    this.#source.subscribe((outcome) => this.settle(outcome));
    this.#timer.subscribe((outcome) => this.settle(outcome.ok ? { ok: false, error: new TimeoutError() } : outcome));
  }

  override collect(entries: Set<JournalAwaitable<unknown>>): void {
    if (this.outcome !== undefined) return;
    this.#source.collect(entries);
    this.#timer.collect(entries);
  }
}

/** The four ways to combine, named after `RestatePromise`'s statics. */
export type Combinator = "all" | "allSettled" | "any" | "race";

/** `RestatePromise.all`, `allSettled`, `any` and `race`. */
export class CombinedAwaitable extends Awaitable<unknown> {
  readonly [Symbol.toStringTag] = "RestateCombinedPromise";
  readonly #kind: Combinator;
  readonly #parts: readonly Awaitable<unknown>[];

  constructor(parking: Parking, kind: Combinator, parts: readonly Awaitable<unknown>[]) {
    super(parking);
    this.#kind = kind;
    this.#parts = parts;
  }

  protected override start(): void {
    for (const part of this.#parts) part.subscribe((outcome) => this.#partSettled(outcome));
    if (this.#parts.length === 0) this.#settleIfComplete();
  }

  override collect(entries: Set<JournalAwaitable<unknown>>): void {
    if (this.outcome !== undefined) return;
    for (const part of this.#parts) part.collect(entries);
  }

  #partSettled(outcome: Outcome): void {
    const decided =
      this.#kind === "race" || (this.#kind === "all" && !outcome.ok) || (this.#kind === "any" && outcome.ok);
    if (decided) this.settle(outcome);
    else this.#settleIfComplete();
  }

  #settleIfComplete(): void {
    const outcomes: Outcome[] = [];
    for (const { outcome } of this.#parts) {
      if (outcome === undefined) return;
      outcomes.push(outcome);
    }
    if (this.#kind === "race") return; // An empty race never settles, as Promise.race([]).
    this.settle(combine(this.#kind, outcomes));
  }
}

function combine(kind: "all" | "allSettled" | "any", outcomes: readonly Outcome[]): Outcome {
  switch (kind) {
    case "all":
      return { ok: true, value: outcomes.map((outcome) => (outcome.ok ? outcome.value : undefined)) };
    case "any":
      return {
        ok: false,
        error: new AggregateError(
          outcomes.map((outcome) => (outcome.ok ? undefined : outcome.error)),
          "All promises were rejected",
        ),
      };
    case "allSettled":
      return { ok: true, value: outcomes.map(toSettledResult) };
  }
}

function toSettledResult(outcome: Outcome): PromiseSettledResult<unknown> {
  return outcome.ok ? { status: "fulfilled", value: outcome.value } : { status: "rejected", reason: outcome.error };
}
