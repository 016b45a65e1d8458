import { AsyncLocalStorage } from "node:async_hooks";
import { nowMs } from "../http/pause.ts";

const storage = new AsyncLocalStorage<Deadline>();

/**
 * The time that one request has. Each word of progress gives it as much again, up to a bound. Not `AbortSignal.timeout()`: its
 * timer outlives the request, and many of them slow workerd down.
 */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #timeoutMs: number;
  readonly #endMs: number;
  // oxlint-disable-next-line no-restricted-globals -- a type
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param longestMs With all progress. */
  constructor(timeoutMs: number, longestMs: number = timeoutMs) {
    this.#timeoutMs = timeoutMs;
    this.#endMs = nowMs() + Math.max(longestMs, timeoutMs);
    this.extend();
  }

  /** Of the request that the running code belongs to. */
  static current(): Deadline | undefined {
    return storage.getStore();
  }

  /** Aborted when the time is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Runs `action` within it. */
  run<T>(action: () => T): T {
    return storage.run(this, action);
  }

  extend(): void {
    this.stop();
    if (this.signal.aborted) return;
    const ms = Math.max(0, Math.min(this.#timeoutMs, this.#endMs - nowMs()));
    // oxlint-disable-next-line no-restricted-globals -- inside a journaled step
    this.#timer = setTimeout(() => this.#controller.abort(new Error("The time is over")), ms);
  }

  /** No limit from here on. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
