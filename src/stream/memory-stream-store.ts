/** Streams in the memory of one process: for tests, and for a single Deno or Node process. */
import { DefinitionError } from "../errors/definition-error.ts";
import { StreamTooLargeError } from "../errors/stream-too-large-error.ts";
import { appendToLog, emptyStreamLog, endLog, type LogChange, stopLog, type StreamLog } from "./stream-log.ts";
import type { AppendAnswer, StreamEntry, StreamPage, StreamRead, StreamStore } from "./stream-store.ts";

/** Bounds of a memory store. */
export interface MemoryStreamOptions {
  /** How long a stream is kept after its end, in milliseconds. Default one hour. */
  readonly retentionMs?: number;
  /** How long a stream that has not ended is kept after it was last written to, in milliseconds. Default one day. */
  readonly idleMs?: number;
  /** Largest stream, in characters of its entries as JSON. Default 16 Mi. */
  readonly maxBytes?: number;
}

/** A memory store, with what it holds. */
export interface MemoryStreamStore extends StreamStore {
  /** Streams that are kept. */
  readonly size: number;
}

interface Stream {
  readonly entries: StreamEntry[];
  /** Called when something has changed. */
  readonly waiting: Set<() => void>;
  log: StreamLog;
  bytes: number;
  activeMs: number;
}

const DEFAULTS = { retentionMs: 3_600_000, idleMs: 86_400_000, maxBytes: 16 * 1_048_576 } as const;

/**
 * A store in this process's memory. Readers hear at once; what it holds is lost with the process, and another process
 * does not see it. It forgets by the clock when it is used, and has no timer of its own.
 *
 * @throws DefinitionError for a bound that is no positive number.
 *
 * @example
 * ```ts
 * export const support = agentSession("Support", supportAgent, { streams: memoryStreamStore() });
 * ```
 */
export function memoryStreamStore(options: MemoryStreamOptions = {}): MemoryStreamStore {
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === "number" && value > 0) continue;
    throw new DefinitionError(
      `Cannot make a memory stream store: ${name} takes a positive number: current value is ${String(value)}`,
    );
  }
  return new MemoryStreams({ ...DEFAULTS, ...options });
}

class MemoryStreams implements MemoryStreamStore {
  readonly #bounds: Required<MemoryStreamOptions>;
  readonly #streams = new Map<string, Stream>();

  constructor(bounds: Required<MemoryStreamOptions>) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#streams.size;
  }

  append: StreamStore["append"] = async (stream, batch) => this.#change(stream, (log) => appendToLog(log, batch));

  end: StreamStore["end"] = async (stream, end) => this.#change(stream, (log) => endLog(log, end));

  async read(name: string, { after, waitMs, signal }: StreamRead): Promise<StreamPage> {
    this.#forgetOld();
    const known = this.#streams.get(name);
    if (waitMs > 0 && !hasNews(known, after)) await this.#waitForNews(name, waitMs, signal);
    const stream = this.#streams.get(name);
    if (stream === undefined || stream.entries.length === 0) {
      return { entries: [], ended: stream?.log.ended ?? false, exists: false };
    }
    return { entries: stream.entries.slice(after), ended: stream.log.ended, exists: true };
  }

  async stop(name: string): Promise<void> {
    this.#change(name, stopLog);
  }

  async remove(name: string): Promise<void> {
    const stream = this.#streams.get(name);
    this.#streams.delete(name);
    for (const wake of stream?.waiting ?? []) wake();
  }

  #change(name: string, change: (log: StreamLog) => LogChange): AppendAnswer {
    this.#forgetOld();
    const stream = this.#stream(name);
    const was = stream.log;
    const { log, answer, chunks } = change(was);
    const bytes = chunks.reduce((sum, chunk) => sum + JSON.stringify(chunk).length, stream.bytes);
    const isEnd = log.ended && !was.ended; // The end fits always: a stream that is full must be able to say so.
    if (bytes > this.#bounds.maxBytes && !isEnd) throw new StreamTooLargeError(name, bytes, this.#bounds.maxBytes);
    stream.log = log;
    stream.bytes = bytes;
    stream.activeMs = now();
    for (const [at, chunk] of chunks.entries()) stream.entries.push({ offset: was.offset + 1 + at, chunk });
    if (log !== was) for (const wake of stream.waiting) wake();
    return answer;
  }

  #stream(name: string): Stream {
    const known = this.#streams.get(name);
    if (known !== undefined) return known;
    const made: Stream = { log: emptyStreamLog(), entries: [], bytes: 0, activeMs: now(), waiting: new Set() };
    this.#streams.set(name, made);
    return made;
  }

  async #waitForNews(name: string, waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    const stream = this.#stream(name);
    const news = Promise.withResolvers<void>();
    // oxlint-disable-next-line no-restricted-globals -- in a reader, not between steps
    const timer = setTimeout(news.resolve, waitMs);
    stream.waiting.add(news.resolve);
    signal?.addEventListener("abort", () => news.resolve(), { once: true });
    if (signal?.aborted === true) news.resolve();
    await news.promise;
    clearTimeout(timer);
    stream.waiting.delete(news.resolve);
    if (stream.log.tail.segment === 0 && !stream.log.stop && stream.waiting.size === 0) {
      // Nobody but its readers has named it.
      if (this.#streams.get(name) === stream) this.#streams.delete(name);
    }
  }

  #forgetOld(): void {
    const { retentionMs, idleMs } = this.#bounds;
    const nowMs = now();
    for (const [name, { log, activeMs, waiting }] of this.#streams) {
      const isOld = nowMs - activeMs > (log.ended ? retentionMs : idleMs);
      if (isOld && waiting.size === 0) this.#streams.delete(name);
    }
  }
}

function hasNews(stream: Stream | undefined, after: number): boolean {
  return stream !== undefined && (stream.log.ended || stream.entries.length > after);
}

function now(): number {
  // oxlint-disable-next-line no-restricted-properties -- in a store: called inside steps and by readers
  return Date.now();
}
