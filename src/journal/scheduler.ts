/**
 * Lets any number of concurrent fibers of one invocation await the journal (G3), always in the same order (G2).
 *
 * The Restate SDK lets one of its promises be awaited at a time, and the AI SDK runs tools with `Promise.all`. So
 * nobody but this scheduler awaits the SDK: fibers park, and one loop awaits the race of everything parked.
 *
 * Invariants:
 * - S1 One await. `driver.next()` is never called while a call is pending.
 * - S2 One at a time. A completion is handed over, and everything it sets in motion comes to rest, before the next
 *   one is taken. So between two completions the order of commands follows from the code alone.
 * - S3 Journal order. Which entry completes next is the journal's decision: timing decides nothing on replay.
 * - S4 Rest. The journal moves on only when no fiber is running: each awaits an entry, or a child, or has ended.
 * - S5 Patience. A fiber that does foreign work (its own network call, a plain promise that a sibling resolves) holds
 *   the others up for at most `patienceMs`, and then runs detached. That keeps the order stable around short foreign
 *   work in one fiber at a time, and can never hang. Foreign work in several fibers at once is a race that nobody can
 *   repeat: it belongs into steps.
 * - S6 Cancellation reaches every waiting fiber, in the order in which they parked, and is not sticky: clean-up may
 *   use the journal. What must not go on after it (an agent's run) says so itself.
 * - S7 Nothing but what somebody awaits is awaited: losers of `RestatePromise.race` and `any`, and timers that came too
 *   late, are let go. What an ended fiber left behind goes on while others wait: a sibling may share its promise.
 *
 * Steps of an agent may run ahead of their acknowledgements: run-ahead.ts says when, and why S1 to S7 still hold.
 */
import { CancelledError, type Duration } from "../restate.ts";
import {
  type Awaitable,
  type EntryTraits,
  Gate,
  JournalAwaitable,
  type Outcome,
  type Parking,
  type Waiter,
} from "./awaitable.ts";
import type { Completion, Driver, Entry } from "./driver.ts";
import { Fiber } from "./fiber.ts";
import { isRefusal, RunAhead, type Window } from "./run-ahead.ts";

/** Longest time foreign work in one fiber holds the others up, in milliseconds. */
export const DEFAULT_PATIENCE_MS = 1_000;

/** Turns of the event loop in which a fiber shows whether it goes on; see `#turnsToRest`. */
const UNDECIDED_TURNS = 32;

/** What the scheduler is built from. */
export interface SchedulerInit {
  readonly driver: Driver;
  /** Adds a timer to the journal. */
  readonly sleep: (duration: number | Duration) => Entry;
  /** The fiber whose code is running now; undefined when the runtime lost track. */
  readonly currentFiber: () => Fiber | undefined;
  readonly patienceMs?: number;
}

/** Something that is watched. */
interface Watch {
  /** Whom it interrupts. */
  readonly scope: Fiber;
  /** Of a timer: its milliseconds. */
  readonly ms: number;
}

/** The scheduler of one invocation attempt. */
export class Scheduler implements Parking {
  /** The fiber of the handler itself. */
  readonly main: Fiber = new Fiber(undefined);
  /** How often the waiting fibers were told of a cancellation. Restate has cancelled the calls made before each. */
  cancellations = 0;

  readonly #init: SchedulerInit;
  readonly #patienceMs: number;
  readonly #live = new Set<Fiber>([this.main]);
  readonly #waiting = new Map<Awaitable<unknown>, Set<Waiter>>();
  /** All waiters, in the order in which they parked (S6). */
  readonly #parked = new Set<Waiter>();
  readonly #awaitables = new WeakMap<Entry, JournalAwaitable<unknown>>();
  readonly #watched = new Map<Awaitable<unknown>, Watch>();
  readonly #onCancel = new Set<(reason: unknown) => void>();
  readonly #ahead: RunAhead;
  #mayRunAhead: boolean;
  #activity = 0;
  #looping = false;
  #closed = false;
  #rouse: (() => void) | undefined;

  constructor(init: SchedulerInit) {
    this.#init = init;
    this.#patienceMs = init.patienceMs ?? DEFAULT_PATIENCE_MS;
    this.#ahead = new RunAhead(() => init.driver.now());
    this.#mayRunAhead = init.driver.nextUnless !== undefined;
  }

  /** The awaitable of an entry; the same one each time. */
  entry(entry: Entry, traits?: Partial<EntryTraits>): JournalAwaitable<unknown> {
    this.#moved();
    const known = this.#awaitables.get(entry);
    if (known !== undefined) return known;
    const awaitable = new JournalAwaitable(this, entry, { fiber: this.main, ...traits });
    this.#awaitables.set(entry, awaitable);
    return awaitable;
  }

  sleep(duration: number | Duration): Awaitable<void> {
    return this.entry(this.#init.sleep(duration)) as Awaitable<void>;
  }

  /** Called when an ahead step has its result, just before the runtime proposes it (run-ahead.ts, W2). */
  proposed(awaitable: JournalAwaitable<unknown>, value: unknown, bytes: number): void {
    if (this.#mayRunAhead && awaitable.window !== undefined) this.#ahead.propose({ awaitable, value, bytes });
  }

  /** Called when an ahead step fails. */
  failed(awaitable: JournalAwaitable<unknown>): void {
    if (awaitable.window !== undefined) this.#ahead.fail();
  }

  /** Waits until all that was used early is acknowledged: what follows may have side effects (G4). */
  gate(fiber: Fiber): Promise<void> {
    if (this.#init.driver.nextUnless === undefined) return Promise.resolve();
    return new Gate(this).waitIn(fiber);
  }

  /**
   * Steps wait for their acknowledgements from now on. Restate cancels the calls of an invocation where it hears of its
   * own cancellation, so that place must be the same on replay (W6).
   */
  stayBehind(): void {
    this.#mayRunAhead = false;
  }

  /** True when something has happened that nobody was told of yet, or may have within `window` (W6). */
  mayHaveNews(window: Window): boolean {
    return this.#ahead.hasNews || this.#ahead.isOverdue(Math.min(window.ms, this.#newsMs));
  }

  /** True when a step of `fiber` that is about to begin must be refused (W6). */
  refuses(fiber: Fiber): boolean {
    return this.#ahead.refuses(fiber);
  }

  /** Starts a child fiber. It must end with `end()`. */
  fork(parent: Fiber): Fiber {
    const fiber = new Fiber(parent);
    fiber.dead = parent.dead;
    parent.children += 1;
    this.#live.add(fiber);
    this.#moved();
    return fiber;
  }

  /** Ends a fiber. The end of the main fiber ends the scheduler. */
  end(fiber: Fiber): void {
    if (!this.#live.delete(fiber)) return;
    if (fiber.parent !== undefined) fiber.parent.children -= 1;
    if (fiber === this.main) this.#closed = true;
    this.#moved();
  }

  /**
   * Calls `listener`, which interrupts `scope`, when `awaitable` settles, at its place in the journal's order. It is
   * watched only while some fiber waits: a watched timer never suspends the invocation by itself (S7). While one of `ms`
   * milliseconds is watched, windows end at half of them: within one nobody hears of it (W6). Returns its removal.
   */
  watch(awaitable: Awaitable<unknown>, scope: Fiber, listener: () => void, ms: number = Infinity): () => void {
    this.#watched.set(awaitable, { scope, ms });
    const stop = (): void => {
      this.#watched.delete(awaitable);
      this.#ahead.forget(awaitable);
    };
    awaitable.subscribe(() => {
      if (!this.#watched.has(awaitable)) return;
      stop();
      listener();
    });
    return stop;
  }

  /** Calls `listener` when the invocation is cancelled, before the waiting fibers hear of it. Returns its removal. */
  onCancel(listener: (reason: unknown) => void): () => void {
    this.#onCancel.add(listener);
    return () => this.#onCancel.delete(listener);
  }

  /** Rejects every wait of `fiber` and its descendants once, aborts their steps; they may clean up (S6). */
  interrupt(fiber: Fiber, reason: unknown): void {
    for (const live of this.#live) if (live.hears(fiber)) live.interrupted(reason);
    this.#interrupt((live) => live.hears(fiber), reason);
  }

  #interrupt(concerns: (fiber: Fiber) => boolean, reason: unknown): void {
    for (const live of this.#live) if (concerns(live)) live.abortSteps(reason);
    this.#reject((waiter) => concerns(waiter.fiber), reason);
  }

  /** Ends `fiber` and its descendants: every wait and every later action of theirs throws `reason`. */
  kill(fiber: Fiber, reason: unknown): void {
    for (const live of this.#live) if (live.isWithin(fiber)) live.dead ??= { reason };
    this.#interrupt((live) => live.isWithin(fiber), reason);
    this.#moved();
  }

  park(awaitable: Awaitable<unknown>, own?: Fiber): Promise<unknown> {
    const fiber = own ?? this.#init.currentFiber() ?? this.main;
    if (fiber.dead !== undefined) return Promise.reject(fiber.dead.reason);
    return new Promise((resolve, reject) => {
      const settle = (outcome: Outcome): void => (outcome.ok ? resolve(outcome.value) : reject(outcome.error));
      const waiter: Waiter = { fiber, awaitable, settle };
      const waiters = this.#waiting.get(awaitable);
      if (waiters === undefined) this.#waiting.set(awaitable, new Set([waiter]));
      else waiters.add(waiter);
      fiber.waits.add(waiter);
      this.#parked.add(waiter);
      fiber.detached = false;
      this.#moved();
      if (!this.#looping) void this.#loop();
    });
  }

  settled(awaitable: Awaitable<unknown>, outcome: Outcome): void {
    for (const waiter of this.#waiting.get(awaitable) ?? []) this.#release(waiter, outcome);
  }

  #release(waiter: Waiter, outcome: Outcome): void {
    const waiters = this.#waiting.get(waiter.awaitable);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#waiting.delete(waiter.awaitable);
    waiter.fiber.waits.delete(waiter);
    this.#parked.delete(waiter);
    waiter.fiber.undecided = waiter.fiber.waits.size > 0;
    waiter.settle(outcome);
  }

  #reject(concerns: (waiter: Waiter) => boolean, error: unknown): void {
    for (const waiter of [...this.#parked].filter(concerns)) this.#release(waiter, { ok: false, error });
  }

  async #loop(): Promise<void> {
    this.#looping = true;
    try {
      await this.#rest();
      while (await this.#step()) await this.#rest();
    } catch (error) {
      this.#reject(() => true, error);
    } finally {
      this.#looping = false;
    }
  }

  /** Lets one thing happen to the waiting fibers; false when nothing can. */
  async #step(): Promise<boolean> {
    if (this.#closed || this.#waiting.size === 0) return false;
    const awaited = this.#entriesOf(this.#waiting.keys());
    const gates: Gate[] = [];
    for (const awaitable of this.#waiting.keys()) if (awaitable instanceof Gate) gates.push(awaitable);
    if (awaited.length === 0 && gates.length === 0) return false;
    if (gates.length === 0 && this.#isAhead(awaited)) await this.#stepAhead(awaited);
    else await this.#stepDurably(awaited, gates);
    return true;
  }

  /** True while nothing but ahead steps can come next. It follows from the journal alone (W3). */
  #isAhead(awaited: readonly JournalAwaitable<unknown>[]): boolean {
    return this.#mayRunAhead && awaited.every(({ window }) => window !== undefined);
  }

  async #stepAhead(awaited: readonly JournalAwaitable<unknown>[]): Promise<void> {
    if (this.#ahead.isExhausted(awaited, this.#newsMs)) return this.#acknowledge(awaited);
    const proposal = this.#ahead.take(awaited);
    if (proposal !== undefined) return this.#handOver(proposal.awaitable, { ok: true, value: proposal.value });
    const watched = [...this.#watched.keys()].filter((awaitable) => !this.#ahead.isNoted(awaitable));
    const entries = this.#entriesOf([...awaited, ...watched]);
    const next = this.#init.driver.nextUnless?.(
      entries.map(({ entry }) => entry),
      this.#ahead.arrival,
    );
    const completion = await this.#heedless(next);
    const awaitable = entries[completion?.index ?? -1];
    if (completion === undefined || awaitable === undefined) return;
    const watch = this.#watched.get(awaitable);
    if (watch === undefined) await this.#handOver(awaitable, completion);
    else this.#ahead.note({ what: awaitable, scope: watch.scope, tell: () => awaitable.complete(completion) });
  }

  /** Longest time without news that what is watched allows, in milliseconds. */
  get #newsMs(): number {
    return Math.min(...[...this.#watched.values()].map(({ ms }) => ms / 2));
  }

  /** Notes a cancellation, and tells nobody yet (W6). */
  async #heedless(next: Promise<Completion | undefined> | undefined): Promise<Completion | undefined> {
    try {
      return await next;
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
      this.#ahead.note({ what: "cancellation", scope: this.main, tell: () => this.#cancel(error) });
      return undefined;
    }
  }

  /** Takes one completion from the journal and hands it over (S1, S2, S3), or opens the gates. */
  async #stepDurably(awaited: readonly JournalAwaitable<unknown>[], gates: readonly Gate[]): Promise<void> {
    await this.#acknowledge(awaited);
    if (this.#ahead.tell() !== undefined) return;
    if (gates.length > 0) return gates.forEach((gate) => gate.open());
    const entries = this.#entriesOf([...this.#waiting.keys(), ...this.#watched.keys()]);
    try {
      const completion = await this.#init.driver.next(entries.map(({ entry }) => entry));
      const awaitable = entries[completion.index];
      if (awaitable !== undefined) await this.#handOver(awaitable, completion);
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
      this.#cancel(error);
    }
  }

  /**
   * Waits until all that was used early is acknowledged. In request-response mode that is in the next attempt: this one
   * is suspended, as soon as the steps that run now have ended.
   */
  async #acknowledge(awaited: readonly JournalAwaitable<unknown>[]): Promise<void> {
    const { unacknowledged } = this.#ahead;
    while (unacknowledged.size > 0) {
      const entries = [...unacknowledged, ...awaited.filter(({ executing }) => executing)];
      const completion = await this.#heedless(this.#init.driver.next(entries.map(({ entry }) => entry)));
      const acknowledged = entries[completion?.index ?? -1];
      if (acknowledged !== undefined) unacknowledged.delete(acknowledged);
    }
  }

  /** Everything that waits hears of the cancellation, once (S6). */
  #cancel(reason: unknown): void {
    this.cancellations += 1;
    for (const listener of this.#onCancel) listener(reason);
    this.interrupt(this.main, reason);
  }

  async #handOver(awaitable: JournalAwaitable<unknown>, completion: Outcome): Promise<void> {
    const outcome = await awaitable.read(completion);
    if (outcome.ok || !isRefusal(outcome.error)) return awaitable.complete(outcome);
    await this.#tellWhyRefused(awaitable.fiber);
    awaitable.complete({ ok: false, error: new CancelledError() });
  }

  /** Tells everything up to what a step of `fiber` was refused for (W6). */
  async #tellWhyRefused(fiber: Fiber): Promise<void> {
    for (let news = this.#ahead.tell(); news !== undefined; news = this.#ahead.tell()) {
      if (fiber.hears(news.scope)) return;
      await this.#rest();
    }
  }

  /** The entries that somebody waits for (S7), in the order in which they were first awaited. */
  #entriesOf(awaitables: Iterable<Awaitable<unknown>>): JournalAwaitable<unknown>[] {
    const entries = new Set<JournalAwaitable<unknown>>();
    for (const awaitable of awaitables) awaitable.collect(entries);
    return [...entries];
  }

  /** Waits until no fiber is running (S4), with bounded patience (S5). */
  async #rest(): Promise<void> {
    for (let isResting = false; !isResting && !this.#closed;) {
      const before = this.#activity;
      const undecided = this.#hasUndecided();
      for (let turns = undecided ? UNDECIDED_TURNS : 1; turns > 0 && this.#activity === before; turns--)
        await this.#init.driver.turn();
      const isRunning = this.#isAnyRunning();
      if (this.#activity === before && isRunning) await this.#awaitForeignWork();
      isResting = this.#activity === before || (!isRunning && !undecided && !this.#hasUndecided());
    }
  }

  /**
   * A fiber whose await has settled while others of its are pending may be about to go on (a plain `Promise.race`), or
   * may wait for the rest (a plain `Promise.all`): nobody can tell. It gets a few turns to show.
   */
  #hasUndecided(): boolean {
    for (const fiber of this.#live) if (fiber.undecided) return true;
    return false;
  }

  async #awaitForeignWork(): Promise<void> {
    const over = new AbortController();
    const { promise: moved, resolve } = Promise.withResolvers<void>();
    this.#rouse = resolve;
    const patience = this.#init.driver.pause(this.#patienceMs, over.signal).then(() => "over" as const);
    const outcome = await Promise.race([moved, patience]);
    this.#rouse = undefined;
    if (outcome === "over") for (const fiber of this.#live) if (fiber.isRunning) fiber.detached = true;
    over.abort();
  }

  #isAnyRunning(): boolean {
    for (const fiber of this.#live) if (fiber.isRunning) return true;
    return false;
  }

  #moved(): void {
    this.#activity += 1;
    this.#rouse?.();
  }
}
