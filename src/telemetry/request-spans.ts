/**
 * The spans of one request, on their way to the exporter.
 *
 * - T1 The run never waits for them, and never hears of a failure.
 * - T2 Bounded: so many spans and bytes wait at most (span-queue.ts), an export takes `EXPORT_MS` at most, one is under way
 *   at a time, and at the end none follows one that failed. On Workers
 *   exports are subrequests, of which a request has few: the first span goes out at once, so that a process that dies
 *   loses little, and further ones at growing distances.
 * - T3 Nothing runs after the end of the request but what `waitUntil` knows of.
 */
import type { Span, SpanExporter } from "./span.ts";
import { MAX_SPANS, MAX_WAITING_BYTES, SpanQueue } from "./span-queue.ts";

/** Longest time for one export, in milliseconds. */
export const EXPORT_MS = 5_000;

/** Time from one export to the next while the request runs, in milliseconds; the last one repeats. */
const DISTANCES_MS: readonly number[] = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000];

/** What a request gives to its spans. */
export interface RequestSpansInit {
  readonly exporter: SpanExporter;
  /** Aborted when the response has ended. */
  readonly ended: AbortSignal;
  /** Keeps the platform from ending with the response. */
  readonly waitUntil: ((work: Promise<unknown>) => void) | undefined;
}

/** Exporters that have failed, and have been warned about since they last worked. */
const warned = new WeakSet<SpanExporter>();

/** The queue of one request. */
export class RequestSpans {
  readonly #init: RequestSpansInit;
  readonly #done = Promise.withResolvers<void>();
  readonly #waiting: SpanQueue = new SpanQueue();
  /** Whether it was sent. */
  #sending: Promise<boolean> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #exports = 0;
  #hasFailed = false;
  #isStarted = false;

  constructor(init: RequestSpansInit) {
    this.#init = init;
  }

  add(span: Span): void {
    if (!this.#waiting.add(span)) {
      const bound = `${MAX_SPANS} spans or ${MAX_WAITING_BYTES / 1024 / 1024} MiB of them`;
      return warn(this.#init.exporter, `more than ${bound} wait, and further ones are dropped`);
    }
    // A step that the end of its attempt has cut off ends after it.
    if (this.#init.ended.aborted) return this.#keep(this.#finish());
    this.#start();
    if (this.#exports === 0) this.#send();
    else this.#schedule();
  }

  #start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#keep(this.#done.promise);
    const finish = (): void => this.#done.resolve(this.#finish());
    this.#init.ended.addEventListener("abort", finish, { once: true });
  }

  #keep(work: Promise<void>): void {
    try {
      this.#init.waitUntil?.(work);
    } catch {
      // The platform says that the request is over: what it still lets through is sent.
    }
  }

  /** A receiver that has failed is not asked again before the end: it may be slow, and connections are few. */
  #schedule(): void {
    if (this.#timer !== undefined || this.#sending !== undefined || this.#hasFailed) return;
    const distance = DISTANCES_MS[Math.min(this.#exports, DISTANCES_MS.length) - 1];
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#send();
    }, distance);
  }

  #send(): void {
    if (this.#sending !== undefined || this.#waiting.size === 0) return;
    this.#sending = this.#export().finally(() => {
      this.#sending = undefined;
      if (this.#waiting.size > 0 && !this.#init.ended.aborted) this.#schedule();
    });
  }

  async #finish(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#sending;
    let wasSent: boolean | undefined;
    do {
      this.#send();
      wasSent = await this.#sending;
    } while (wasSent === true);
  }

  async #export(): Promise<boolean> {
    const { exporter, ended } = this.#init;
    const batch = this.#waiting.take();
    this.#exports += 1;
    const limit = new AbortController();
    // Not AbortSignal.timeout(): its timer outlives the export, and thousands of them slow workerd down.
    const timer = setTimeout(() => limit.abort(), EXPORT_MS);
    try {
      await Promise.race([exporter.export(batch, { signal: limit.signal }), rejectOnAbort(limit.signal)]);
      warned.delete(exporter);
      return true;
    } catch (error) {
      const isLast = ended.aborted && this.#hasFailed;
      this.#hasFailed = true;
      if (!isLast) this.#waiting.putBack(batch);
      warn(exporter, limit.signal.aborted ? `no answer within ${EXPORT_MS} ms` : nameOf(error));
      return false;
    } finally {
      clearTimeout(timer);
    }
  }
}

function warn(exporter: SpanExporter, problem: string): void {
  if (warned.has(exporter)) return;
  warned.add(exporter);
  console.warn(`Cannot export spans: ${problem}. Runs go on without; this is said once until it works again`);
}

/** An exporter of the user's may say anything in a message, also a token. */
function nameOf(error: unknown): string {
  if (error instanceof SpanExportError) return error.message;
  return error instanceof Error ? error.name : "it failed";
}

/** Why spans were not exported, in words that hold no secrets. */
export class SpanExportError extends Error {
  override name = "SpanExportError";
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}
