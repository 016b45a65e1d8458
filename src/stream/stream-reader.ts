/**
 * Reads a stream to its end, from any place, across failures of its store.
 *
 * A reader takes: nothing is read before what came is wanted, and at most a page is held. So a slow reader costs nobody
 * but itself, and a reader may leave at any entry and come back with its offset.
 */
import { StreamLostError } from "../errors/stream-lost-error.ts";
import { nowMs, pause } from "../http/pause.ts";
import type { StreamEntry, StreamPage, StreamStore } from "./stream-store.ts";

/** How a stream is read. */
export interface ReadStreamOptions {
  /** Entries after this offset. Default 0: all. */
  readonly after?: number;
  /** Ends the reading, without an error. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Asked every `checkMs` when nothing comes: is its writer gone, so that nothing will come any more? What it throws counts
   * as "no". Default: never.
   */
  readonly isOver?: (() => PromiseLike<boolean>) | undefined;
  /** Time between two such questions, and longest wait for the store's answer, in milliseconds. Default 3,000. */
  readonly checkMs?: number;
  /** Longest time without an entry, in milliseconds; then the stream is lost. Default: none. */
  readonly idleMs?: number;
  /** How long its store may fail, in milliseconds; then the stream is lost. Default 30,000. */
  readonly toleranceMs?: number;
}

const DEFAULT_CHECK_MS = 3_000;
const DEFAULT_TOLERANCE_MS = 30_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/**
 * The entries of a stream, in order, one by one until it has ended. See `readStreamPages()`.
 *
 * @example
 * ```ts
 * for await (const { offset, chunk } of readStream(store, "Support/c1/t1", { after: 40 })) console.log(offset, chunk.type);
 * ```
 */
export async function* readStream(
  store: StreamStore,
  stream: string,
  options: ReadStreamOptions = {},
): AsyncGenerator<StreamEntry, void, void> {
  for await (const page of readStreamPages(store, stream, options)) yield* page;
}

/**
 * The entries of a stream as they come, some at a time. It waits for a stream that does not exist yet.
 *
 * @throws StreamLostError when the stream has no end: see its `reason`.
 */
export async function* readStreamPages(
  store: StreamStore,
  stream: string,
  options: ReadStreamOptions = {},
): AsyncGenerator<readonly StreamEntry[], void, void> {
  const { signal } = options;
  const reading = new Reading(store, stream, options);
  while (signal?.aborted !== true) {
    const page = await reading.next();
    if (page === undefined) continue;
    if (page.entries.length > 0) yield page.entries;
    if (page.ended) return;
  }
}

/** One reader's place, and its patience. */
class Reading {
  readonly #store: StreamStore;
  readonly #stream: string;
  readonly #options: ReadStreamOptions;
  readonly #checkMs: number;
  #after: number;
  #hasExisted = false;
  #isOver = false;
  #activeMs = nowMs();
  #checkedMs = nowMs();
  #failingSinceMs: number | undefined;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(store: StreamStore, stream: string, options: ReadStreamOptions) {
    this.#store = store;
    this.#stream = stream;
    this.#options = options;
    this.#checkMs = options.checkMs ?? DEFAULT_CHECK_MS;
    this.#after = options.after ?? 0;
  }

  /** What follows; undefined when nothing came. */
  async next(): Promise<StreamPage | undefined> {
    const beganMs = nowMs();
    const page = await this.#read();
    if (page === undefined) return undefined;
    const last = page.entries.at(-1);
    if (last !== undefined || page.ended) {
      this.#after = last?.offset ?? this.#after;
      this.#activeMs = nowMs();
      this.#checkedMs = this.#activeMs;
      this.#hasExisted = true;
      this.#pauseMs = FIRST_PAUSE_MS;
      return page;
    }
    if (this.#hasExisted && !page.exists) throw this.#lost("forgotten");
    this.#hasExisted ||= page.exists;
    await this.#judge();
    // A store that does not wait.
    if (nowMs() - beganMs < this.#waitMs() / 2) await this.#rest();
    return undefined;
  }

  async #read(): Promise<StreamPage | undefined> {
    const { signal, toleranceMs = DEFAULT_TOLERANCE_MS } = this.#options;
    try {
      const page = await this.#store.read(this.#stream, { after: this.#after, waitMs: this.#waitMs(), signal });
      this.#failingSinceMs = undefined;
      return page;
    } catch (error) {
      if (signal?.aborted === true) return undefined;
      this.#failingSinceMs ??= nowMs();
      if (nowMs() - this.#failingSinceMs >= toleranceMs) throw this.#lost("unreachable", error);
      await this.#rest();
      return undefined;
    }
  }

  /** Nothing more is waited for when its writer is gone: what it had written before is there at once. */
  #waitMs(): number {
    return this.#isOver ? 0 : this.#checkMs;
  }

  async #judge(): Promise<void> {
    const { isOver, idleMs, signal } = this.#options;
    if (signal?.aborted === true) return;
    if (this.#isOver) throw this.#lost("over");
    if (idleMs !== undefined && nowMs() - this.#activeMs >= idleMs) throw this.#lost("idle");
    if (isOver === undefined || nowMs() - this.#checkedMs < this.#checkMs) return;
    this.#checkedMs = nowMs();
    this.#isOver = await Promise.resolve(isOver()).catch(() => false);
  }

  async #rest(): Promise<void> {
    if (this.#isOver) return;
    const { idleMs, signal } = this.#options;
    const left = idleMs === undefined ? this.#pauseMs : this.#activeMs + idleMs - nowMs();
    await pause(Math.max(Math.min(this.#pauseMs, left), 1), signal);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  #lost(reason: StreamLostError["reason"], cause?: unknown): StreamLostError {
    return new StreamLostError(this.#stream, reason, cause);
  }
}
