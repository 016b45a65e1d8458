/**
 * Streams in a Restate virtual object: the default store, which needs nothing but Restate. See `restateStreamStore()`.
 *
 * The key is the stream; its older entries are in objects of the same service whose key is `<stream>#<block>`, and what
 * agents that run elsewhere report for it is put together in `<stream>#progress`.
 *
 * - R1 One call, one request. No handler awaits anything but its state, which comes with the invocation, so none is
 *   suspended. What is to happen besides (blocks, retention) is sent one-way.
 * - R2 No clock. Handlers are told the time by who calls them, so that a repeated attempt writes the same.
 * - R3 Quiet. Their journals are not kept when they have ended. An append that fails for a while is given up, so that what
 *   comes after it is not held up; a block never is.
 * - R4 Not private: the app calls it over the ingress, from inside steps of other invocations. It is none of the services
 *   that callers with an API key reach.
 */
import type { UIMessage, UIMessageChunk } from "ai";
import { z } from "zod";
import { DefinitionError } from "../errors/definition-error.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { StreamTooLargeError } from "../errors/stream-too-large-error.ts";
import {
  type GenericSend,
  type ObjectContext,
  type ObjectSharedContext,
  type RetryPolicy,
  type Serde,
  serde,
  sdkHandlers,
  sdkObject,
  type VirtualObjectDefinition,
} from "../restate.ts";
import { type ProgressNodes, shownOf, withReport } from "./progress-nodes.ts";
import { callPathSchema, type CallPath } from "./reader-address.ts";
import { appendToLog, emptyStreamLog, endLog, type LogChange, type StreamLog, stopLog, tellLog } from "./stream-log.ts";
import {
  growStream,
  newStreamState,
  type StreamBlock,
  type StreamObjectPage,
  type StreamObjectState,
  streamPage,
} from "./stream-object-state.ts";
import type { AppendAnswer, StreamBatch, StreamEnd, StreamWord } from "./stream-store.ts";

/** Options of a stream object. */
export interface StreamObjectOptions {
  /** How long a stream is kept after its end, in milliseconds. Default one hour. */
  readonly retentionMs?: number;
  /**
   * How long a stream that has not ended is kept after it was last written to, in milliseconds. Default 30 days: while a turn
   * waits for a person nothing is written, and who comes back must still see what is asked.
   */
  readonly idleMs?: number;
  /** Largest stream, in bytes of its entries as JSON. Default 16 MiB; what would be more is refused. */
  readonly maxBytes?: number;
  /** Bytes of entries that stay in the object, and so go with each append. Default 8 KiB. */
  readonly blockBytes?: number;
}

/** Input of `append`. */
export interface StreamAppendInput {
  readonly batch: StreamBatch;
  /** When it was sent, in milliseconds since 1970 (R2). */
  readonly nowMs: number;
}

/** Input of `end`. */
export interface StreamEndInput {
  readonly end: StreamEnd;
  /** When it was sent, in milliseconds since 1970 (R2). */
  readonly nowMs: number;
}

/** Input of `report`: what an agent that was called elsewhere has said so far. */
export interface StreamReportInput {
  readonly grant: string;
  readonly path: CallPath;
  readonly message: UIMessage;
  /** When it was sent, in milliseconds since 1970 (R2). */
  readonly nowMs: number;
}

/** Input of `tell`. */
export interface StreamTellInput {
  readonly word: StreamWord;
  readonly nowMs: number;
}

/** Input of `stop`. */
export interface TimedInput {
  /** The time, in milliseconds since 1970 (R2). */
  readonly nowMs: number;
}

/** The handlers of a stream object. */
export interface StreamObjectHandlers {
  append: (context: ObjectContext, input: StreamAppendInput) => Promise<AppendAnswer>;
  end: (context: ObjectContext, input: StreamEndInput) => Promise<AppendAnswer>;
  stop: (context: ObjectContext, input: TimedInput) => Promise<void>;
  remove: (context: ObjectContext) => Promise<void>;
  /** Of `<stream>#progress`: keeps the message, and tells the stream what the outermost call shows with it. */
  report: (context: ObjectContext, input: StreamReportInput) => Promise<void>;
  /** Adds a preliminary output of an open tool call (L6). */
  tell: (context: ObjectContext, input: StreamTellInput) => Promise<void>;
  /** Takes the place after which to read. */
  read: (context: ObjectSharedContext, after: number) => Promise<StreamObjectPage>;
  /** Of a block: its chunks; null when it is not there (yet). */
  block: (context: ObjectSharedContext) => Promise<StreamBlock["chunks"] | null>;
  /** Of a block: keeps its chunks; forgets them. */
  keep: (context: ObjectContext, chunks: StreamBlock["chunks"]) => Promise<void>;
  drop: (context: ObjectContext) => Promise<void>;
  /** Forgets the stream when its time has come. */
  expire: (context: ObjectContext, input: TimedInput) => Promise<void>;
}

/** The definition of a stream object. */
export type StreamObject<NAME extends string = string> = VirtualObjectDefinition<NAME, StreamObjectHandlers>;

const STATE = "stream";
const CHUNKS = "chunks";
const PROGRESS = "#progress";
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Longest timer of a stream that has not ended: Restate keeps it until it fires, also when the stream is long gone. */
const MAX_IDLE_TIMER_MS = DAY_MS;
const MIB = 1_048_576;
const DEFAULTS = { retentionMs: HOUR_MS, idleMs: 30 * DAY_MS, maxBytes: 16 * MIB, blockBytes: 8 * 1024 } as const;

/** R3 */
const GIVES_UP: RetryPolicy = {
  initialInterval: 100,
  exponentiationFactor: 2,
  maxInterval: 2_000,
  maxAttempts: 8,
  onMaxAttempts: "kill",
};
const GOES_ON: RetryPolicy = { initialInterval: 100, exponentiationFactor: 2, maxInterval: 60_000 };
const QUIET = { journalRetention: 0, idempotencyRetention: 0 } as const;

const chunkSchema = z.custom<UIMessageChunk>((chunk) => z.looseObject({ type: z.string() }).safeParse(chunk).success);
const placeSchema = z.int().min(0);
const writerSchema = z.object({
  attempt: z.string(),
  startedMs: z.number(),
  last: z.literal(true).optional(),
  grant: z.string().optional(),
});
const appendSchema = z.object({
  nowMs: z.number(),
  batch: z.object({
    writer: writerSchema,
    segment: z.int().min(1),
    take: z.int(),
    from: placeSchema,
    chunks: chunkSchema.array(),
    complete: z.boolean().optional(),
    digest: z.string().optional(),
    after: z.string().optional(),
  }),
});
const endSchema = z.object({
  nowMs: z.number(),
  end: z.object({
    writer: writerSchema,
    segments: placeSchema,
    after: z.string().optional(),
    chunks: chunkSchema.array(),
  }),
});
const messageSchema = z.custom<UIMessage>(
  (message) => z.looseObject({ parts: z.array(z.unknown()) }).safeParse(message).success,
);
const reportSchema = z.object({
  grant: z.string().min(1).max(100),
  path: callPathSchema,
  message: messageSchema,
  nowMs: z.number(),
});
const timedSchema = z.object({ nowMs: z.number() });

/**
 * A virtual object that keeps streams. Agent sessions bring one along; define it yourself for streams of your own.
 *
 * @throws DefinitionError for an option that is no positive integer.
 *
 * @example
 * ```ts
 * const streams = streamObject("Support.streams", { retentionMs: 10 * 60_000 });
 * const store = restateStreamStore("Support.streams");
 * export default createEdgeApp({ services: [support, streams] });
 * ```
 */
export function streamObject<const NAME extends string>(
  name: NAME,
  options: StreamObjectOptions = {},
): StreamObject<NAME> {
  const limits = { ...DEFAULTS, ...options };
  checkLimits(name, limits);
  return sdkObject({
    name,
    handlers: { ...writing(name, limits), ...telling(name, limits), ...keeping(name, limits), ...reading() },
  });
}

type Limits = Required<StreamObjectOptions>;
type Writing = Pick<StreamObjectHandlers, "append" | "end" | "stop" | "remove">;
type Telling = Pick<StreamObjectHandlers, "report" | "tell">;
type Keeping = Pick<StreamObjectHandlers, "keep" | "drop" | "expire">;
type Reading = Pick<StreamObjectHandlers, "read" | "block">;

const { exclusive, shared } = sdkHandlers.object;

function writing(name: string, limits: Limits): Writing {
  return {
    append: exclusive({ ...QUIET, retryPolicy: GIVES_UP }, async (context: ObjectContext, input: StreamAppendInput) => {
      const { batch, nowMs } = parsed("append to a stream", appendSchema, input);
      return change(context, { name, limits, nowMs }, (log) => appendToLog(log, batch));
    }),
    end: exclusive({ ...QUIET, retryPolicy: GIVES_UP }, async (context: ObjectContext, input: StreamEndInput) => {
      const { end, nowMs } = parsed("end a stream", endSchema, input);
      return change(context, { name, limits, nowMs }, (log) => endLog(log, end));
    }),
    stop: exclusive({ ...QUIET, retryPolicy: GIVES_UP }, async (context: ObjectContext, input: TimedInput) => {
      const { nowMs } = parsed("stop a stream", timedSchema, input);
      await change(context, { name, limits, nowMs }, stopLog);
    }),
    remove: exclusive({ ...QUIET, retryPolicy: GIVES_UP }, async (context: ObjectContext) => {
      forget(context, name, await context.get<StreamObjectState>(STATE));
    }),
  };
}

/** What others say of a stream's open tool calls. Nobody waits for it, and it is worth no long trying. */
function telling(name: string, limits: Limits): Telling {
  return {
    report: exclusive({ ...QUIET, retryPolicy: GIVES_UP }, async (context: ObjectContext, input: StreamReportInput) => {
      const { grant, path, message, nowMs } = parsed("report to a stream", reportSchema, input);
      const { key } = context;
      if (!key.endsWith(PROGRESS)) throw new InvalidInputError(`Cannot report to ${name}/${key}: it keeps no reports`);
      // What comes with another grant stays apart: nobody knows yet whether that is the stream's.
      const state = `nodes/${grant}`;
      const before = await context.get<ProgressNodes>(state);
      const nodes = withReport(before ?? {}, path, message);
      context.set(state, nodes);
      const delay = limits.retentionMs;
      if (before === null) send(context, { service: name, method: "drop", key, parameter: undefined, delay });
      const [outermost] = path;
      const output = shownOf(nodes, path);
      if (outermost === undefined || output === undefined) return;
      const parameter: StreamTellInput = { word: { grant, toolCallId: outermost.call, output }, nowMs };
      send(context, { service: name, method: "tell", key: key.slice(0, -PROGRESS.length), parameter });
    }),
    tell: exclusive(
      { ...QUIET, retryPolicy: GIVES_UP, ingressPrivate: true },
      async (context: ObjectContext, { word, nowMs }: StreamTellInput) => {
        await change(context, { name, limits, nowMs, isWord: true }, (log) => tellLog(log, word));
      },
    ),
  };
}

/** What the object sends to itself, and to the objects of its blocks. */
function keeping(name: string, limits: Limits): Keeping {
  const own = { ...QUIET, retryPolicy: GOES_ON, ingressPrivate: true };
  return {
    keep: exclusive(own, async (context: ObjectContext, chunks: StreamBlock["chunks"]) => context.set(CHUNKS, chunks)),
    drop: exclusive(own, async (context: ObjectContext) => context.clearAll()),
    expire: exclusive(own, async (context: ObjectContext, { nowMs }: TimedInput) => {
      expire(context, { name, limits, nowMs }, await context.get<StreamObjectState>(STATE));
    }),
  };
}

function reading(): Reading {
  return {
    read: shared({ ...QUIET, retryPolicy: GIVES_UP }, async (context: ObjectSharedContext, after: number) => {
      const place = parsed("read a stream", placeSchema, after);
      const state = await context.get<StreamObjectState>(STATE);
      return state === null || state.log.offset === 0 ? NOTHING : streamPage(state, place, state.log.ended);
    }),
    block: shared({ ...QUIET, retryPolicy: GIVES_UP }, (context: ObjectSharedContext) => context.get(CHUNKS)),
  };
}

const NOTHING: StreamObjectPage = { exists: false, ended: false, blocks: [], first: 1, chunks: [], more: false };

/** How a stream is changed. */
interface Changing {
  readonly name: string;
  readonly limits: Limits;
  readonly nowMs: number;
  /** What others tell is left out when half of the room is taken: the other half is the turn's own. */
  readonly isWord?: true;
}

/** Applies a change to the log, and keeps what it adds. A change of nothing is not written. */
async function change(
  context: ObjectContext,
  { name, limits, nowMs, isWord }: Changing,
  apply: (log: StreamLog) => LogChange,
): Promise<AppendAnswer> {
  const before = await context.get<StreamObjectState>(STATE);
  const was = before?.log ?? emptyStreamLog();
  const { answer, log, chunks } = apply(was);
  if (log === was) return answer;
  const { state, block } = growStream(before ?? newStreamState(log), { log, chunks, nowMs, ...limits });
  if (isWord === true && state.bytes > limits.maxBytes / 2) return { ...answer, result: "refused" };
  const ends = log.ended && !was.ended;
  // The end fits always: a stream that is full must be able to say so.
  if (state.bytes > limits.maxBytes && !ends) throw new StreamTooLargeError(context.key, state.bytes, limits.maxBytes);
  context.set(STATE, state);
  if (block !== undefined) {
    send(context, { service: name, method: "keep", key: blockKey(context.key, block.index), parameter: block.chunks });
  }
  if (before === null) expireLater(context, name, nowMs, Math.min(limits.idleMs, MAX_IDLE_TIMER_MS));
  if (ends) expireLater(context, name, nowMs, limits.retentionMs);
  return answer;
}

/** Looks whether the time has come: a stream may have ended, or have been written to, since the timer was set. */
function expire(
  context: ObjectContext,
  { name, limits, nowMs }: { readonly name: string; readonly limits: Limits; readonly nowMs: number },
  state: StreamObjectState | null,
): void {
  if (state === null) return;
  const dueMs = state.activeMs + (state.log.ended ? limits.retentionMs : limits.idleMs);
  if (nowMs >= dueMs) {
    forget(context, name, state);
  } else if (!state.log.ended) {
    // One that has ended has a timer of its own.
    expireLater(context, name, nowMs, Math.min(dueMs - nowMs, MAX_IDLE_TIMER_MS));
  }
}

function forget(context: ObjectContext, name: string, state: StreamObjectState | null): void {
  if (state === null) return;
  for (const index of state.blocks.keys()) {
    send(context, { service: name, method: "drop", key: blockKey(context.key, index), parameter: undefined });
  }
  if (state.log.told === true) {
    send(context, { service: name, method: "drop", key: progressKey(context.key), parameter: undefined });
  }
  context.clearAll();
}

function expireLater(context: ObjectContext, service: string, nowMs: number, delay: number): void {
  send(context, { service, method: "expire", key: context.key, parameter: { nowMs: nowMs + delay }, delay });
}

function send(context: ObjectContext, message: GenericSend<unknown>): void {
  context.genericSend({ ...message, inputSerde: serde.json as Serde<unknown> });
}

/** The key of the object that puts together what is reported for a stream. */
export function progressKey(stream: string): string {
  return `${stream}${PROGRESS}`;
}

/** The key of the object that keeps a block of a stream. */
export function blockKey(stream: string, index: number): string {
  return `${stream}#${index}`;
}

function parsed<T>(what: string, schema: z.ZodType<T>, input: unknown): T {
  const { success, data, error } = schema.safeParse(input);
  if (success) return data;
  throw new InvalidInputError(`Cannot ${what}: ${z.prettifyError(error)}`);
}

function checkLimits(name: string, limits: Limits): void {
  for (const [option, value] of Object.entries(limits)) {
    if (Number.isInteger(value) && value > 0) continue;
    throw new DefinitionError(
      `Cannot define the stream object "${name}": ${option} must be a positive integer: current value is ${value}`,
    );
  }
}
