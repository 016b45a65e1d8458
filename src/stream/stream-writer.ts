/**
 * Writes a turn's stream while the turn runs: the sink of its run.
 *
 * - W1 Live from inside the steps, in batches, one append at a time. A step waits for the store only at its end, for a
 *   bounded time, and nearly not at all once the store has proved to be away: who watches must not slow the turn.
 * - W2 What was not written then, or was written by an attempt that died, is put right with the next step, and at last by
 *   `finish()`: the stream that has ended says what the journal says. Digests tell whether it does (stream-store.ts, L3).
 * - W3 What a step has said is compared with what is stored of it, before it is called complete; where they differ, as
 *   when an answer was cut, the segment is written anew.
 * - W4 No clock, timer or I/O but inside steps. An attempt's id and time tell attempts apart and are in no journal.
 */
import type { ToolSet, UIMessage, UIMessageChunk } from "ai";
import { StreamTooLargeError } from "../errors/stream-too-large-error.ts";
import { chunkDigest } from "./chunk-digest.ts";
import { messageOf } from "./message-of.ts";
import { nowMs, pause } from "../http/pause.ts";
import type {
  ClientCallEvent,
  LiveEvent,
  ModelEndEvent,
  ModelResetEvent,
  RunSink,
  SettledEvent,
  ToolErrorEvent,
} from "./run-sink.ts";
import type { ReaderAddress } from "./reader-address.ts";
import { type SegmentText, SettledSegments } from "./settled-segments.ts";
import { type ChunkOptions, StepChunks } from "./step-chunks.ts";
import { inTime, StreamPump } from "./stream-pump.ts";
import { StreamSender, type Take } from "./stream-sender.ts";
import type { StreamStore, StreamWriterId } from "./stream-store.ts";
import type { PlainToolEvent } from "./tool-chunks.ts";
import { closingOf, endChunks, type TurnEnd } from "./turn-end.ts";

/** Which stream is written, and how. */
export interface StreamWriterInit extends ChunkOptions {
  /** Undefined: nothing is written, and the writer only knows what the turn's message is. */
  readonly store: StreamStore | undefined;
  readonly stream: string;
  /** The id of the turn's message. */
  readonly messageId: string;
  /** Lets what the turn calls elsewhere tell of its open tool calls (stream-store.ts, L6). Undefined: nobody may. */
  readonly grant?: string | undefined;
  /** Shortest time from one batch of parts to the next, in milliseconds. Default 50. */
  readonly batchMs?: number | undefined;
  /** Longest time that a step waits for the store at its end, in milliseconds. Default 2,000. */
  readonly waitMs?: number | undefined;
  /** Longest time that `finish()` tries, in milliseconds. Default 5,000. */
  readonly finishMs?: number | undefined;
}

/** The sink of a turn's run. */
export interface StreamWriter extends RunSink {
  /** The turn's message, as those who read the stream to its end see it. From the journal alone, without I/O. */
  message(end: TurnEnd): Promise<UIMessage>;
  /**
   * Makes the stream equal to the journal, and ends it. Called inside the turn's last journaled step.
   *
   * @throws when the store could not be reached in time. It may be called again.
   */
  finish(end: TurnEnd, signal?: AbortSignal): Promise<void>;
}

/** Chunks of a step that are kept until it ends, in characters of their deltas; what is more is written at its end. */
const MAX_KEPT = 8 * 1024 * 1024;

/** Makes the sink of one turn. Between steps, on each replay anew. */
export function streamWriter(init: StreamWriterInit): StreamWriter {
  return new TurnStream(init);
}

/** What writes live. */
interface Own {
  readonly sender: StreamSender;
  readonly pump: StreamPump;
}

class TurnStream implements StreamWriter {
  readonly #init: StreamWriterInit;
  readonly #segments: SettledSegments;
  readonly #writer: StreamWriterId;
  readonly #own: Own | undefined;
  #take: Take | undefined;
  /** What was said of tools in the take, so that it is not said twice. */
  #told = new Map<string, string>();
  #step: StepChunks | undefined;
  #kept = 0;
  #hasWarned = false;

  constructor(init: StreamWriterInit) {
    const { store, stream, messageId, grant, batchMs = 50, waitMs = 2_000 } = init;
    this.#init = init;
    this.#segments = new SettledSegments({ ...init, start: { type: "start", messageId } });
    // oxlint-disable-next-line no-restricted-properties -- tells attempts apart, and is in no journal (W4)
    this.#writer = { attempt: crypto.randomUUID(), startedMs: Date.now(), ...(grant === undefined ? {} : { grant }) };
    if (store === undefined) return;
    const truth = (segment: number) => this.#segments.text(segment);
    const sender = new StreamSender({ store, stream, writer: this.#writer, truth });
    this.#own = { sender, pump: new StreamPump(sender, { batchMs, waitMs }, () => this.#take) };
  }

  get stopped(): AbortSignal | undefined {
    return this.#own?.pump.stopped;
  }

  get readers(): readonly ReaderAddress[] {
    const { store, stream, grant } = this.#init;
    const { service } = store ?? {};
    return service === undefined || grant === undefined ? [] : [{ service, stream, grant, path: [] }];
  }

  tools(tools: ToolSet): void {
    this.#segments.tools = tools;
  }

  settled(event: SettledEvent): void {
    this.#segments.add(event);
  }

  async live(event: LiveEvent): Promise<{ readonly stop: boolean }> {
    const own = this.#own;
    if (own === undefined) return { stop: false };
    try {
      if (!own.pump.isSilent) await this.#tell(event, own);
    } catch (error) {
      this.#warn(error);
    }
    return { stop: own.pump.stopped.aborted };
  }

  async message(end: TurnEnd): Promise<UIMessage> {
    const { count, text } = this.#whole(end);
    const chunks: UIMessageChunk[] = [];
    for (let segment = 1; segment <= count; segment += 1) chunks.push(...(await text(segment)).chunks);
    return messageOf([...chunks, ...endChunks(end, this.#init)]);
  }

  async finish(end: TurnEnd, signal: AbortSignal = new AbortController().signal): Promise<void> {
    const { store, stream, finishMs = 5_000 } = this.#init;
    this.#own?.pump.cease();
    if (store === undefined) return;
    const { count: segments, text: truth } = this.#whole(end);
    // A writer of its own: the takes of the one before are none of its takes.
    // oxlint-disable-next-line no-restricted-properties -- inside a step
    const writer: StreamWriterId = { ...this.#writer, attempt: crypto.randomUUID(), last: true };
    const sender = new StreamSender({ store, stream, writer, truth });
    const chunks = endChunks(end, this.#init);
    const untilMs = nowMs() + finishMs;
    for (let retryMs = 50; ; retryMs = Math.min(retryMs * 2, 1_000)) {
      try {
        const { result } = await inTime(signal, (own) => sender.end({ segments, chunks }, own));
        if (result !== "gap") return;
      } catch (error) {
        if (StreamTooLargeError.isInstance(error)) return void (await sender.endShort(chunks, signal));
        if (signal.aborted || nowMs() + retryMs > untilMs) throw error;
      }
      await pause(retryMs, signal);
      signal.throwIfAborted();
      if (nowMs() > untilMs)
        throw new Error(`The stream "${stream}" could not be ended: its store does not take what it lacks`);
    }
  }

  /** The turn's segments, when it ends like this. */
  #whole({ outcome }: TurnEnd): { readonly count: number; readonly text: (segment: number) => Promise<SegmentText> } {
    const closings: ToolErrorEvent[] = outcome === "completed" ? [] : this.#segments.dangling.map(closingOf);
    return { count: this.#segments.count(closings), text: (segment) => this.#segments.text(segment, closings) };
  }

  async #tell(event: LiveEvent, { pump, sender }: Own): Promise<void> {
    switch (event.type) {
      case "reset":
        await this.#beginStep(event, sender);
        if (event.over !== undefined) pump.listen(event.over);
        return pump.wake();
      case "part": {
        const chunks = (await this.#step?.part(event.part)) ?? [];
        if (chunks.length === 0) return;
        this.#add(chunks);
        return pump.wake();
      }
      case "end":
        await this.#endStep(event, sender);
        return pump.flush();
      case "tool-input":
      case "steering":
        return; // They come with the next step.
      default:
        await this.#tellTool(event, sender);
        return event.type === "tool-output" ? pump.wake() : pump.flush();
    }
  }

  async #beginStep(_event: ModelResetEvent, sender: StreamSender): Promise<void> {
    if (this.#step !== undefined) this.#take = undefined; // The step is tried again.
    const { before, steering } = await this.#segments.openHead();
    this.#addNew(before, sender);
    this.#step = new StepChunks({ ...this.#init, segment: this.#segments.open, tools: this.#segments.tools });
    this.#add([{ type: "start-step" }, ...steering]);
  }

  /** W3 */
  async #endStep({ content }: ModelEndEvent, sender: StreamSender): Promise<void> {
    const { chunks, digest } = await this.#segments.openText(content);
    this.#add(this.#step?.end() ?? []);
    const take = this.#takeOf(sender);
    if (take.digest === undefined && chunkDigest(take.chunks) === digest) take.digest = digest;
    else if (take.digest !== digest) this.#take = sender.take(take.segment, chunks, digest);
  }

  async #tellTool(event: ClientCallEvent | PlainToolEvent, sender: StreamSender): Promise<void> {
    const { before } = await this.#segments.openHead();
    this.#addNew([...before, ...this.#segments.chunksOf(event)], sender);
    // What its client was shown with the question, it is told once more when the call waits for it.
    if (event.type === "approval-response") this.#told.delete(`tool-input-available ${event.toolCallId}`);
  }

  /** Adds what was not said in this take yet. */
  #addNew(chunks: readonly UIMessageChunk[], sender: StreamSender): void {
    this.#takeOf(sender);
    const fresh = chunks.filter((chunk) => {
      const said = JSON.stringify(chunk);
      const { type, toolCallId, approvalId } = chunk as { type: string; toolCallId?: string; approvalId?: string };
      const key = `${type} ${toolCallId ?? approvalId ?? (type.startsWith("data-") ? said : "")}`;
      if (this.#told.get(key) === said) return false;
      this.#told.set(key, said);
      return true;
    });
    this.#add(fresh);
  }

  #add(chunks: readonly UIMessageChunk[]): void {
    if (this.#take === undefined || this.#take.digest !== undefined || this.#kept > MAX_KEPT) return;
    for (const chunk of chunks) if ("delta" in chunk) this.#kept += chunk.delta.length;
    this.#take.chunks.push(...chunks);
  }

  /** The take of the open segment. */
  #takeOf(sender: StreamSender): Take {
    const { open } = this.#segments;
    if (this.#take?.segment === open) return this.#take;
    this.#told = new Map();
    this.#kept = 0;
    this.#step = undefined;
    this.#take = sender.take(open);
    return this.#take;
  }

  #warn(error: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    console.warn(`The stream "${this.#init.stream}" is behind its turn`, error);
  }
}
