/**
 * What can be undone of a piece of work: a run of an agent, or what is inside a `withRollback()`.
 *
 * - Z1 What is noted in a scope is noted in those around it too, so each has all that happened in it, in the order in which
 *   the journal has it (G2). Undoing goes through that backwards.
 * - Z2 A scope that fails undoes at once. One that ends well leaves it to those around it.
 * - Z3 Only a terminal failure or a cancellation is a failure: after any other, Restate runs the attempt again.
 * - Z4 Undoing is shielded: a further cancellation does not stop it. What was cancelled meanwhile ends as cancelled (G5).
 * - Z5 Nothing is dropped: what was not undone is in the error, in the log, and is told to `onRollbackFailed`.
 */
import type { Redact } from "../../encryption/redact.ts";
import { readString } from "../../errors/read-error.ts";
import { type RollbackItem, withRollbackReport } from "../../errors/rollback-report.ts";
import { inFiber, type Place } from "../../journal/ambient.ts";
import type { Fiber } from "../../journal/fiber.ts";
import { atBoundary } from "../../journal/handlers.ts";
import { CancelledError, TerminalError } from "../../restate.ts";
import type { WorkTrace } from "../../telemetry/work-trace.ts";
import { outermostCall } from "../current-call.ts";
import { Compensation, type CompensationInit, type Undoing } from "./compensation.ts";
import { undoSpan } from "./undo-span.ts";

/** Something that was not undone. */
export interface RollbackFailure extends RollbackItem {
  readonly problem: string;
  /** What the compensation failed with; undefined when it was not called. */
  readonly error?: unknown;
}

/**
 * Called for each compensation that failed for good, or that does not handle what became of its call: somebody must look
 * after it. It runs in the handler, between steps: what has an effect belongs into `restateContext().run()`.
 */
export type OnRollbackFailed = (failure: RollbackFailure) => unknown;

/** What a scope is made of. */
export interface RollbackScopeInit {
  /** Prefix of the steps of compensations that have no run. */
  readonly name: string;
  readonly onRollbackFailed?: OnRollbackFailed | undefined;
  /** Says what is kept of the text of a failure. Default: that of what is around it. */
  readonly redact?: Redact | undefined;
  /** The span of a compensation; undefined: none is made. Default: that of what is around it. */
  readonly trace?: ((undoing: Undoing) => WorkTrace | undefined) | undefined;
}

const scopes = new WeakMap<Fiber, RollbackScope>();
/** Who is told when it fails: the innermost that listens where it was noted. */
const listeners = new WeakMap<Compensation, OnRollbackFailed>();

/** See the head of this file. */
export class RollbackScope {
  /** Prefix of the steps of compensations that have no run. */
  readonly name: string;
  readonly place: Place;
  readonly #init: RollbackScopeInit;
  readonly #parent: RollbackScope | undefined;
  readonly #noted: Compensation[] = [];
  readonly #open = new Set<Promise<void>>();
  /** Streams of runs in it. Nobody waits for their end: who reads them may stop half-way. */
  #streams = 0;
  #isOver = false;
  #undoing: Promise<unknown> | undefined;

  private constructor(place: Place, init: RollbackScopeInit) {
    this.place = place;
    this.name = init.name;
    this.#init = init;
    this.#parent = RollbackScope.of(place.fiber);
  }

  /** Begins the scope of `place`; it holds for what descends from that. */
  static enter(place: Place, init: RollbackScopeInit): RollbackScope {
    const scope = new RollbackScope(place, init);
    scopes.set(place.fiber, scope);
    return scope;
  }

  /** The innermost scope that `fiber` is in. */
  static of(fiber: Fiber): RollbackScope | undefined {
    for (let at: Fiber | undefined = fiber; at !== undefined; at = at.parent) {
      const scope = scopes.get(at);
      if (scope !== undefined) return scope;
    }
    return undefined;
  }

  /** What is to be undone should this scope fail, in the order in which it was noted. */
  get #pending(): readonly Compensation[] {
    return this.#noted.filter(({ isPending }) => isPending);
  }

  /**
   * Notes what can be undone.
   *
   * @param registered Where it was registered; undefined: it is a call of the run's own.
   */
  note(init: CompensationInit, registered?: Place): Compensation {
    const compensation = new Compensation(init, {
      invocationId: this.place.invocation.sdkContext.request().id,
      within: outermostCall((registered ?? this.place).fiber),
      spanId: registered?.spanId,
      redact: this.#inherited("redact"),
      trace: this.#inherited("trace") ?? ((undoing) => undoSpan(this.place.invocation.trace, undoing)),
    });
    const onRollbackFailed = this.#inherited("onRollbackFailed");
    if (onRollbackFailed !== undefined) listeners.set(compensation, onRollbackFailed);
    this.#note(compensation);
    return compensation;
  }

  /** Z1 */
  #note(compensation: Compensation): void {
    this.#noted.push(compensation);
    if (this.#isOver) this.#warn(`${compensation.item.step} came too late to be undone`);
    const parent = this.#parent;
    if (parent !== undefined) parent.#note(compensation);
  }

  /** What this scope says, or the innermost one around it that says something. */
  #inherited<K extends "onRollbackFailed" | "redact" | "trace">(name: K): RollbackScopeInit[K] {
    const parent = this.#parent;
    return this.#init[name] ?? (parent === undefined ? undefined : parent.#inherited(name));
  }

  /** Nobody has to undo it any more. */
  forget(compensation: Compensation): void {
    const at = this.#noted.indexOf(compensation);
    if (at >= 0 && compensation.isPending) void this.#noted.splice(at, 1);
    this.#parent?.forget(compensation);
  }

  /**
   * Runs `work`, which is in this scope, to its end; when it fails, undoes what it has done.
   *
   * @throws what `work` failed with; with a report when there was something to be undone.
   */
  async run<T>(work: () => PromiseLike<T>): Promise<T> {
    const release = this.hold();
    try {
      return await work();
    } catch (error) {
      throw await this.undo(error);
    } finally {
      release();
    }
  }

  /** Something in it is under way: who undoes what is around it waits for that. To be called when it has ended. */
  hold(): () => void {
    const closed = Promise.withResolvers<void>();
    const siblings = this.#parent === undefined ? undefined : this.#parent.#open;
    siblings?.add(closed.promise);
    return () => {
      siblings?.delete(closed.promise);
      closed.resolve();
    };
  }

  /** It is that of a stream, until what is returned is called. */
  streams(): () => void {
    const parent = this.#parent;
    if (parent === undefined) return () => {};
    parent.#streams += 1;
    return () => (parent.#streams -= 1);
  }

  /** Undoes what is pending because of `error`, once; what to fail with instead of it. */
  undo(error: unknown): Promise<unknown> {
    if (!(atBoundary(error) instanceof TerminalError)) return Promise.resolve(error);
    this.#undoing ??= this.#undoOnce(error);
    return this.#undoing;
  }

  async #undoOnce(error: unknown): Promise<unknown> {
    const release = this.hold();
    try {
      return await this.#undo(error);
    } finally {
      release();
    }
  }

  async #undo(error: unknown): Promise<unknown> {
    await this.#endOthers();
    this.#isOver = true;
    if (this.#noted.length === 0) return error;
    const { scheduler } = this.place.invocation;
    let isCancelled = error instanceof CancelledError;
    const release = scheduler.onCancel(() => {
      isCancelled = true;
    });
    try {
      await inFiber(this.place, (place) => this.#undoAll(place), { shielded: true });
    } finally {
      release();
    }
    const failure = isCancelled && !(error instanceof CancelledError) ? cancelled(error) : (error as Error);
    const items = this.#noted.toReversed().map(({ item, isUndone }) => ({ item, isUndone }));
    return withRollbackReport(failure, {
      from: error,
      undone: items.filter(({ isUndone }) => isUndone).map(({ item }) => item),
      notUndone: items.filter(({ isUndone }) => !isUndone).map(({ item }) => item),
    });
  }

  /** Work of this scope that still runs, beside what has failed, ends first: else it would do what nobody undoes. */
  async #endOthers(): Promise<void> {
    if (this.#open.size === 0 && this.#streams === 0) return;
    this.place.invocation.scheduler.interrupt(this.place.fiber, new CancelledError());
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  async #undoAll(place: Place): Promise<void> {
    for (const compensation of this.#pending) await compensation.learn(place);
    for (const compensation of [...this.#pending].reverse()) {
      await compensation.undo(place);
      const { failure, item } = compensation;
      if (failure === undefined) continue;
      this.#warn(`${item.step} is not undone: ${nameOf(failure.error)}`);
      await this.#tell({ ...item, ...failure }, place, listeners.get(compensation));
    }
  }

  async #tell(failure: RollbackFailure, place: Place, onRollbackFailed: OnRollbackFailed | undefined): Promise<void> {
    if (onRollbackFailed === undefined) return;
    try {
      await inFiber(place, async () => onRollbackFailed(failure));
    } catch (error) {
      this.#warn(`onRollbackFailed failed for ${failure.step}: ${nameOf(error)}`);
    }
  }

  /** Names and codes alone: what tools are given and answer is nobody's business here. */
  #warn(message: string): void {
    this.place.invocation.sdkContext.console.warn(`Rollback: ${message}`);
  }
}

function nameOf(error: unknown): string {
  return readString(error, "errorCode") ?? readString(error, "name") ?? "it was not called";
}

function cancelled(cause: unknown): CancelledError {
  return Object.assign(new CancelledError(), { cause });
}
