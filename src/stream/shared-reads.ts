/**
 * Waiting for the entries of streams whose store cannot wait: it is asked again and again.
 *
 * - P1 One at a time. However many readers of this isolate wait at the end of a stream, one of them asks; what it learns
 *   wakes the others.
 * - P2 Nobody's request is needed. On Workers a request that is given up takes its I/O with it, and no other request may
 *   use it. So whoever waits for another one's question has a timer of its own, and then asks itself.
 * - P3 What is handed on are entries and the end, which never change. A reader that wants to know what is there *now* (`waitMs: 0`), or
 *   that is behind, asks for itself.
 * - P4 While entries come, the store is asked every `pollMs`; while none come, less and less often.
 * - P5 Who writes from this isolate says so, and whoever waits asks at once. While that goes on, the rest of the questions
 *   may come less often.
 * - P6 What is kept for others is bounded, in entries, streams and characters, all streams together. It is only kept so that
 *   fewer ask: who does not find it here asks for itself (P3).
 */
import { nowMs, pause } from "../http/pause.ts";
import type { StreamEntry, StreamPage, StreamRead } from "./stream-store.ts";

/** How a store is read. */
export interface SharedReadsOptions {
  /** Reads once. */
  readonly read: (stream: string, read: StreamRead) => Promise<StreamPage>;
  /** How long the store itself waits with its answer, in milliseconds. Default 0: it cannot. */
  readonly waitMs?: number;
  /** Time between two questions while entries come, in milliseconds. */
  readonly pollMs: number;
  /** Longest time between two questions, in milliseconds. */
  readonly maxPollMs: number;
  /** Most characters of JSON that are kept of one stream (P6). Default 512 Ki. */
  readonly maxLength?: number;
  /** Most characters of JSON that are kept of all (P6). Default 4 Mi. */
  readonly maxTotalLength?: number;
}

/** An entry, and how long it is as JSON. */
interface KeptEntry {
  readonly entry: StreamEntry;
  readonly length: number;
}

/** Factor by which the time between two questions grows (P4). */
const BACK_OFF = 1.25;
/** How much longer than the store waits another one's question may take before a reader asks itself (P2). */
const PATIENCE_MS = 1_000;
/** How long a writer that told something counts as one who will tell the rest (P5). */
const TOLD_MS = 500;
/** Entries that are kept for other readers. */
const MAX_RECENT = 512;
/** Streams that are known; the oldest ones are forgotten. */
const MAX_STREAMS = 64;
/** Characters of JSON that are kept of one stream, by default. */
const MAX_LENGTH = 512 * 1024;
/** Characters of JSON that are kept of all streams, by default. */
const MAX_TOTAL_LENGTH = 4 * 1024 * 1024;

/** What this isolate knows of a stream. */
interface Known {
  /** The last entries, without gaps, as far as they are kept (P6). */
  recent: readonly KeptEntry[];
  /** Their characters. */
  length: number;
  /** Place of the last entry that came, also when it is not kept. */
  last: number;
  exists: boolean;
  /** Place of the last entry of a stream that has ended. */
  end: number | undefined;
  /** Time until the next question. */
  delayMs: number;
  /** When it was asked last. */
  askedMs: number;
  /** True while somebody asks. */
  isAsking: boolean;
  /** True when something was written since the last question (P5). */
  hasNews: boolean;
  /** When this isolate wrote to it last. */
  toldMs: number;
  /** Resolved when a question has been answered; then there is a new one. */
  answered: PromiseWithResolvers<void>;
}

/** Reads of the streams of one store. */
export class SharedReads {
  readonly #options: SharedReadsOptions;
  readonly #streams = new Map<string, Known>();
  readonly #maxLength: number;
  readonly #maxTotalLength: number;
  /** Characters that are kept of all streams. */
  #length = 0;

  constructor(options: SharedReadsOptions) {
    this.#options = options;
    this.#maxLength = options.maxLength ?? MAX_LENGTH;
    this.#maxTotalLength = options.maxTotalLength ?? MAX_TOTAL_LENGTH;
  }

  /** Characters of JSON that are kept now (P6). */
  get keptLength(): number {
    return this.#length;
  }

  /** As `StreamStore.read()`. */
  async read(stream: string, { after, waitMs, signal }: StreamRead): Promise<StreamPage> {
    if (waitMs <= 0) return this.#options.read(stream, { after, waitMs, signal });
    const known = this.#known(stream);
    const untilMs = nowMs() + waitMs;
    for (;;) {
      const entries = following(known.recent, after);
      const isEnd = known.end !== undefined && known.end <= (entries.at(-1)?.offset ?? after);
      if (entries.length > 0 || isEnd) return { entries, ended: isEnd, exists: true };
      const left = untilMs - nowMs();
      const isBehind = known.last > after;
      if (isBehind || this.#isDue(known)) {
        const page = await this.#ask(stream, known, { after, waitMs: left, signal });
        if (page.entries.length > 0 || page.ended || left <= 0 || isBehind) return page;
      } else if (left <= 0 || signal?.aborted === true) {
        return { entries: [], ended: false, exists: known.exists };
      }
      await this.#rest(known, Math.max(untilMs - nowMs(), 0), signal);
    }
  }

  /** This isolate has written to the stream (P5). */
  tell(stream: string): void {
    const known = this.#streams.get(stream);
    if (known === undefined) return;
    known.hasNews = true;
    known.toldMs = nowMs();
    if (!known.isAsking) wake(known);
  }

  #isDue({ isAsking, hasNews, askedMs, delayMs }: Known): boolean {
    if (hasNews && !isAsking) return true;
    return nowMs() - askedMs >= (isAsking ? this.#patienceMs() : delayMs);
  }

  /** P2 */
  #patienceMs(): number {
    return PATIENCE_MS + (this.#options.waitMs ?? 0);
  }

  async #ask(stream: string, known: Known, { after, waitMs, signal }: StreamRead): Promise<StreamPage> {
    known.isAsking = true;
    known.hasNews = false;
    known.askedMs = nowMs();
    try {
      const { waitMs: longestMs = 0 } = this.#options;
      const page = await this.#options.read(stream, { after, waitMs: Math.min(longestMs, waitMs), signal });
      const isNew = this.#keep(stream, known, page.entries);
      known.exists = page.exists;
      if (page.ended) known.end = page.entries.at(-1)?.offset ?? after;
      const { pollMs, maxPollMs } = this.#options;
      const isTold = nowMs() - known.toldMs < TOLD_MS;
      known.delayMs = isNew ? pollMs * (isTold ? 4 : 1) : Math.min(known.delayMs * BACK_OFF, maxPollMs);
      return page;
    } finally {
      known.isAsking = false;
      wake(known);
    }
  }

  /** True when there is an entry that was not known. */
  #keep(stream: string, known: Known, entries: readonly StreamEntry[]): boolean {
    const { last } = known;
    const newest = entries.at(-1)?.offset ?? 0;
    if (newest <= last) return false;
    const follows = (entries[0]?.offset ?? 0) <= last + 1;
    const added = entries.filter(({ offset }) => !follows || offset > last).slice(-MAX_RECENT);
    const kept = added.map((entry) => ({ entry, length: JSON.stringify(entry.chunk).length }));
    known.last = newest;
    // Of one that was forgotten while it was asked for nothing is counted, so nothing is kept.
    if (this.#streams.get(stream) !== known) return true;
    this.#hold(known, [...(follows ? known.recent : []), ...kept].slice(-MAX_RECENT));
    for (const other of this.#streams.values()) {
      if (this.#length <= this.#maxTotalLength) break;
      this.#hold(other, []);
    }
    return true;
  }

  /** Keeps the last of these entries, as many as there may be (P6). */
  #hold(known: Known, recent: readonly KeptEntry[]): void {
    let length = 0;
    let from = recent.length;
    for (; from > 0; from--) {
      const next = recent[from - 1]?.length ?? 0;
      if (length + next > this.#maxLength) break;
      length += next;
    }
    this.#length += length - known.length;
    known.recent = recent.slice(from);
    known.length = length;
  }

  /** Until it is time to ask, or another one has been answered. */
  async #rest(known: Known, leftMs: number, signal?: AbortSignal): Promise<void> {
    const dueMs = known.askedMs + (known.isAsking ? this.#patienceMs() : known.delayMs) - nowMs();
    const woken = new AbortController();
    const wake = (): void => woken.abort();
    signal?.addEventListener("abort", wake, { once: true });
    try {
      await Promise.race([known.answered.promise, pause(Math.max(Math.min(dueMs, leftMs), 1), woken.signal)]);
    } finally {
      signal?.removeEventListener("abort", wake);
      wake();
    }
  }

  #known(stream: string): Known {
    const known = this.#streams.get(stream) ?? {
      recent: [],
      length: 0,
      last: 0,
      exists: false,
      end: undefined,
      delayMs: this.#options.pollMs,
      askedMs: 0,
      isAsking: false,
      hasNews: false,
      toldMs: 0,
      answered: Promise.withResolvers<void>(),
    };
    this.#streams.delete(stream);
    this.#streams.set(stream, known);
    const [oldest] = this.#streams;
    if (this.#streams.size > MAX_STREAMS && oldest !== undefined) {
      this.#hold(oldest[1], []);
      this.#streams.delete(oldest[0]);
    }
    return known;
  }
}

/** Those who wait look again. */
function wake(known: Known): void {
  const { answered } = known;
  known.answered = Promise.withResolvers();
  answered.resolve();
}

/** What of `recent` follows `after` without a gap. */
function following(recent: readonly KeptEntry[], after: number): readonly StreamEntry[] {
  const first = recent[0]?.entry.offset;
  if (first === undefined || first > after + 1) return [];
  return recent.slice(after + 1 - first).map(({ entry }) => entry);
}
