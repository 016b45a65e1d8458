/**
 * When a writer's batches go: a part at once when none has gone for a while, otherwise with those that come meanwhile; one
 * append at a time, again when one fails. It
 * also hears, with each answer, whether somebody wants the turn to stop; while a model is silent it asks.
 *
 * All of it happens inside steps, and what is left undone at the end of a step is stopped (stream-writer.ts, W1).
 */
import { nowMs, pause } from "../http/pause.ts";
import { StreamTooLargeError } from "../errors/stream-too-large-error.ts";
import type { StreamSender, Take } from "./stream-sender.ts";
import type { AppendAnswer } from "./stream-store.ts";

/** Times, in milliseconds. */
export interface PumpTimes {
  /** Shortest time from one batch to the next. */
  readonly batchMs: number;
  /** Longest time that `flush()` waits. */
  readonly waitMs: number;
}

/** Longest time for one append, in milliseconds. */
const APPEND_MS = 5_000;
/** How long `flush()` waits when the store was away just now, in milliseconds. */
const AWAY_MS = 100;
/** Failures, or gaps, in a row after which a burst is given up. */
const MAX_FAILURES = 8;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;
/** How often a silent model's stream is asked whether to stop, in milliseconds: the first time, and at last. */
const FIRST_ASK_MS = 1_000;
const MAX_ASK_MS = 5_000;
const MIN_PAUSE_MS = 50;

/** See the head of this file. */
export class StreamPump {
  readonly #sender: StreamSender;
  readonly #times: PumpTimes;
  /** What is being written now. */
  readonly #take: () => Take | undefined;
  readonly #stop = new AbortController();
  #end = new AbortController();
  #running: Promise<void> | undefined;
  #hurry = new AbortController();
  /** When the last batch went. */
  #sentMs = 0;
  #heardMs = 0;
  #isAway = false;
  #isSilent = false;

  constructor(sender: StreamSender, times: PumpTimes, take: () => Take | undefined) {
    this.#sender = sender;
    this.#times = times;
    this.#take = take;
  }

  /** Aborted when somebody wants the turn to stop. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /** True when there is no use in writing: another attempt does, or the stream has ended or is full. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** Parts have been added. */
  wake(): void {
    void this.#run();
  }

  /** Sends what there is at once, and waits for it, for a bounded time. */
  async flush(): Promise<void> {
    const limit = new AbortController();
    this.#hurry.abort();
    const late = pause(this.#isAway ? AWAY_MS : this.#times.waitMs, limit.signal).then(() => false);
    const isThere = await Promise.race([this.#run().then(() => true), late]);
    limit.abort();
    if (isThere) return;
    this.#isAway = true;
    this.cease();
  }

  /** Stops what is on its way. */
  cease(): void {
    this.#end.abort();
    this.#end = new AbortController();
    this.#running = undefined;
    this.#hurry = new AbortController();
  }

  /** Asks whether to stop while nothing is written, until `over`; then it stops whatever is left undone. */
  listen(over: AbortSignal): void {
    over.addEventListener("abort", () => this.cease(), { once: true });
    void this.#listen(over);
  }

  async #listen(over: AbortSignal): Promise<void> {
    let delay = FIRST_ASK_MS;
    let askedMs = nowMs();
    this.#heardMs = askedMs;
    while (!over.aborted && !this.#isSilent && !this.#stop.signal.aborted) {
      await pause(Math.max(Math.max(this.#heardMs, askedMs) + delay - nowMs(), MIN_PAUSE_MS), over);
      const take = this.#take();
      if (over.aborted || take === undefined) return;
      if (this.#heardMs > askedMs) delay = FIRST_ASK_MS; // Parts have come.
      if (this.#running !== undefined || nowMs() - this.#heardMs < delay) continue;
      delay = Math.min(delay * 2, MAX_ASK_MS);
      await inTime(over, (signal) => this.#sender.ask(take, signal)).then((answer) => this.#hear(answer), nothing);
      askedMs = nowMs();
    }
  }

  #run(): Promise<void> {
    if (this.#running !== undefined) return this.#running;
    this.#running = this.#sendAll(this.#end.signal);
    return this.#running;
  }

  /** Nothing is left to send. At once, so that what comes next is not taken for sent. */
  #rest(end: AbortSignal): void {
    if (end.aborted) return;
    this.#running = undefined;
    this.#hurry = new AbortController();
  }

  async #sendAll(end: AbortSignal): Promise<void> {
    let failures = 0;
    for (;;) {
      const waitMs = this.#sentMs + this.#times.batchMs - nowMs();
      if (waitMs > 0) await pause(waitMs, AbortSignal.any([end, this.#hurry.signal]));
      const take = this.#take();
      if (end.aborted || this.#isSilent || take === undefined || !this.#sender.lacks(take)) return this.#rest(end);
      this.#sentMs = nowMs();
      const result = await this.#send(take, end);
      failures = result === "written" ? 0 : failures + 1;
      if (failures >= MAX_FAILURES) return this.#rest(end);
      // What lacked after a gap has been mended.
      const waits = result === "failed" || failures > 2;
      if (waits) await pause(Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), MAX_RETRY_MS), end);
    }
  }

  async #send(take: Take, end: AbortSignal): Promise<AppendAnswer["result"] | "failed"> {
    try {
      const answer = await inTime(end, (signal) => this.#sender.advance(take, signal));
      this.#hear(answer);
      this.#isAway = false;
      return answer.result;
    } catch (error) {
      if (StreamTooLargeError.isInstance(error)) this.#isSilent = true;
      return "failed";
    }
  }

  #hear({ result, stop }: AppendAnswer): void {
    this.#heardMs = nowMs();
    if (result === "refused") this.#isSilent = true;
    if (stop) this.#stop.abort();
  }
}

/** What `call` gives, unless `end` comes first, or it takes too long: a store may ignore its signal. */
export async function inTime<T>(end: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController();
  const late = pause(APPEND_MS, AbortSignal.any([end, own.signal])).then(() => {
    throw new Error("The stream's store did not answer in time");
  });
  try {
    return await Promise.race([call(AbortSignal.any([end, own.signal])), late]);
  } finally {
    own.abort();
    late.catch(nothing);
  }
}

function nothing(): void {}
