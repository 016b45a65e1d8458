import type { Waiter } from "./awaitable.ts";

/**
 * One strand of concurrent work inside an invocation: the handler itself, a run of an agent, a tool call.
 * The scheduler uses fibers to know who still has work to do before the journal may move on (scheduler.ts, S4).
 */
export class Fiber {
  /** What this fiber awaits. */
  readonly waits: Set<Waiter> = new Set();
  /** Number of child fibers that have not ended. */
  children = 0;
  /** True once its foreign work exhausted the scheduler's patience (S5); it no longer holds the journal up. */
  detached = false;
  /**
   * True while it awaits something that it already awaited when another of its awaits settled. It may have gone on
   * without it (a plain `Promise.race`) or may still need it (a plain `Promise.all`): nobody can tell.
   */
  undecided = false;
  /** True for one of several of which the first to end wins (race-agents.ts): who waits for them gates before it goes on. */
  isRacing = false;
  /** Set when the fiber may do nothing more: every further action throws this. */
  dead: { readonly reason: unknown } | undefined;

  /** True for clean-up that must come to its end: interruptions from outside do not reach it and its descendants. */
  shielded = false;

  readonly parent: Fiber | undefined;
  readonly #onInterrupt = new Set<(reason: unknown) => void>();
  #controller = new AbortController();

  constructor(parent: Fiber | undefined) {
    this.parent = parent;
  }

  /** Aborted when this fiber is interrupted. Each interruption has a signal of its own. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Calls `listener` when this fiber is interrupted, before those hear of it who wait in it. Returns its removal. */
  onInterrupt(listener: (reason: unknown) => void): () => void {
    this.#onInterrupt.add(listener);
    return () => this.#onInterrupt.delete(listener);
  }

  /** Tells who listens. */
  interrupted(reason: unknown): void {
    for (const listener of this.#onInterrupt) listener(reason);
  }

  /** Aborts the steps in flight; steps declared later, such as clean-up, get a fresh signal. */
  abortSteps(reason: unknown): void {
    const controller = this.#controller;
    this.#controller = new AbortController();
    controller.abort(reason);
  }

  isWithin(ancestor: Fiber): boolean {
    return this === ancestor || (this.parent?.isWithin(ancestor) ?? false);
  }

  /** True when an interruption of `scope` reaches this fiber: there is no shield between the two. */
  hears(scope: Fiber): boolean {
    return this === scope || (!this.shielded && (this.parent?.hears(scope) ?? false));
  }

  /** True while the fiber may be about to add to the journal: it awaits neither the journal nor a child. */
  get isRunning(): boolean {
    return this.waits.size === 0 && this.children === 0 && !this.detached && this.dead === undefined;
  }
}
