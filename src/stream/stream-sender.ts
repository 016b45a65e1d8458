/**
 * Brings the takes of a writer to the store, batch by batch, and mends what the store lacks (stream-store.ts, L3).
 *
 * It has no timers: each call brings one batch, and rejects when the store does. What was brought may be brought again.
 */
import type { UIMessageChunk } from "ai";
import type { SegmentText } from "./settled-segments.ts";
import type { AppendAnswer, StreamBatch, StreamEnd, StreamStore, StreamTail, StreamWriterId } from "./stream-store.ts";

/** A segment as it is being written. */
export interface Take {
  readonly segment: number;
  /** See `StreamBatch.take`. */
  number: number;
  readonly chunks: UIMessageChunk[];
  /** How many chunks the store has. */
  sent: number;
  /** Set when no chunk follows: what the segment says. */
  digest: string | undefined;
  /** True when the store knows that it is complete. */
  isDone: boolean;
}

/** Where a sender sends. */
export interface SenderInit {
  readonly store: StreamStore;
  readonly stream: string;
  readonly writer: StreamWriterId;
  /** What the journal has of a segment. */
  readonly truth: (segment: number) => Promise<SegmentText>;
}

/** Longest batch, in characters of its chunks as JSON, unless one chunk alone is longer. */
const MAX_BATCH = 128 * 1024;

/** See the head of this file. */
export class StreamSender {
  readonly #init: SenderInit;
  #takes = 0;

  constructor(init: SenderInit) {
    this.#init = init;
  }

  /** A take of `segment`, of which nothing is written. */
  take(segment: number, chunks: readonly UIMessageChunk[] = [], digest?: string): Take {
    this.#takes += 1;
    return { segment, number: this.#takes, chunks: [...chunks], sent: 0, digest, isDone: false };
  }

  /** True when the store lacks something of the take. */
  lacks(take: Take): boolean {
    return take.sent < take.chunks.length || (take.digest !== undefined && !take.isDone);
  }

  /** Brings the next batch of a take; one that the store cannot follow is begun anew, and what it lacks is mended. */
  async advance(take: Take, signal: AbortSignal): Promise<AppendAnswer> {
    const answer = await this.#bring(take, signal);
    if (answer.result !== "gap") return answer;
    // A store that lost the beginning of this very take has all before it.
    const hasOthers = answer.tail.segment !== take.segment || take.sent === 0;
    this.#takes += 1;
    take.number = this.#takes;
    take.sent = 0;
    return hasOthers ? ((await this.#mend(take.segment, answer.tail, signal)) ?? answer) : answer;
  }

  /** Ends the stream, after mending what it lacks. */
  async end(end: Omit<StreamEnd, "writer" | "after">, signal: AbortSignal): Promise<AppendAnswer> {
    const { store, stream, writer, truth } = this.#init;
    const { digest: after } = await truth(end.segments);
    const bring = (): Promise<AppendAnswer> => store.end(stream, { ...end, writer, after }, signal);
    const answer = await bring();
    if (answer.result !== "gap") return answer;
    return (await this.#mend(end.segments + 1, answer.tail, signal)) ?? bring();
  }

  /** Ends a stream that has no room for what it lacks: with what it has. */
  async endShort(chunks: StreamEnd["chunks"], signal: AbortSignal): Promise<AppendAnswer> {
    const { store, stream, writer } = this.#init;
    const { tail } = await this.ask(this.take(1), signal);
    const segments = tail.complete ? tail.segment : Math.max(tail.segment - 1, 0);
    return store.end(stream, { writer, segments, chunks }, signal);
  }

  /** Hears what there is to hear, and writes nothing. */
  async ask({ segment, number, sent }: Take, signal: AbortSignal): Promise<AppendAnswer> {
    const { store, stream, writer } = this.#init;
    return store.append(stream, { writer, segment, take: number, from: sent, chunks: [] }, signal);
  }

  /** Writes the segments before `until` that the store lacks, or has otherwise. An answer: it is of no use to go on. */
  async #mend(until: number, tail: StreamTail, signal: AbortSignal): Promise<AppendAnswer | undefined> {
    for (let segment = await this.#firstLacking(until, tail); segment < until; segment += 1) {
      const { chunks, digest } = await this.#init.truth(segment);
      const take = this.take(segment, chunks, digest);
      while (this.lacks(take)) {
        const answer = await this.#bring(take, signal);
        if (answer.result === "refused") return answer;
        if (answer.result === "gap")
          throw new Error(`The stream's store has changed while segment ${segment} was mended`);
      }
    }
    return undefined;
  }

  async #firstLacking(until: number, { segment, complete, digest }: StreamTail): Promise<number> {
    if (segment === 0) return 1;
    if (segment >= until) return Math.max(until - 1, 1);
    const isRight = complete && digest === (await this.#init.truth(segment)).digest;
    return isRight ? segment + 1 : segment;
  }

  async #bring(take: Take, signal: AbortSignal): Promise<AppendAnswer> {
    const { store, stream, writer, truth } = this.#init;
    const { segment, number, sent } = take;
    const chunks = nextChunks(take);
    const isLast = take.digest !== undefined && sent + chunks.length === take.chunks.length;
    const after = sent === 0 && segment > 1 ? (await truth(segment - 1)).digest : undefined;
    const batch: StreamBatch = {
      writer,
      segment,
      take: number,
      from: sent,
      chunks,
      ...(isLast ? { complete: true, digest: take.digest } : {}),
      ...(after === undefined ? {} : { after }),
    };
    const answer = await store.append(stream, batch, signal);
    if (answer.result === "written" && take.number === number) {
      take.sent = Math.max(take.sent, sent + chunks.length);
      take.isDone ||= isLast;
    }
    return answer;
  }
}

function nextChunks({ chunks, sent }: Take): readonly UIMessageChunk[] {
  let length = 0;
  let to = sent;
  while (to < chunks.length) {
    length += JSON.stringify(chunks[to]).length;
    if (to > sent && length > MAX_BATCH) break;
    to += 1;
  }
  return chunks.slice(sent, to);
}
