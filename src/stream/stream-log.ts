/**
 * What a stream's store does with what it is told: the contract of `StreamStore` (L1 to L6) as a pure function of what
 * the stream has. A store keeps a `StreamLog` beside its entries, and adds the chunks that come out here.
 *
 * - S1 A segment's step begins with its `start-step`. Chunks before it say how tools of the step before have ended: said
 *   again, they change nothing. So a segment that is begun anew needs a `reset-step` when its step has begun. A second
 *   `start-step` is left out, for a reader cannot take one back, and so are other chunks that a reader would add to the
 *   step that has begun.
 * - S2 A segment can be begun anew as long as no later step has begun. Writers see to it that the journal has a step
 *   before the next one begins, so none needs to.
 */
import type { UIMessageChunk } from "ai";
import type { AppendAnswer, StreamBatch, StreamEnd, StreamTail, StreamWord, StreamWriterId } from "./stream-store.ts";

/** What a stream has, without its entries. As JSON it is a few hundred bytes. */
export interface StreamLog {
  /** Place of the last entry; 0 when there is none. */
  readonly offset: number;
  readonly tail: StreamTail;
  /** Which take of the tail's segment is written: whose, and the number of it. */
  readonly take?: readonly [attempt: string, number: number] | undefined;
  /** The digest of the segment before the tail's. */
  readonly before?: string | undefined;
  /** The segment whose step has begun last; 0: none has. */
  readonly step: number;
  /** True when the next `start-step` is left out (S1). */
  readonly skipsStart: boolean;
  readonly writer?: StreamWriterId | undefined;
  /** Attempts that were taken over from, the latest last. */
  readonly left: readonly string[];
  readonly stop: boolean;
  readonly ended: boolean;
  /** Tool calls that have no end, the latest last, while others may tell of them (L6). */
  readonly calls?: readonly string[] | undefined;
  /** Questions to people that are open, and the calls that they belong to: a reader shows one or an output (L6). */
  readonly asked?: readonly (readonly [approvalId: string, toolCallId: string])[] | undefined;
  /** Others have told of them. */
  readonly told?: true | undefined;
}

/** What comes of a batch, an end or a wish to stop. */
export interface LogChange {
  /** The same object when nothing changes. */
  readonly log: StreamLog;
  readonly answer: AppendAnswer;
  /** Entries to add, the first one at `offset + 1` of the log before. */
  readonly chunks: readonly UIMessageChunk[];
}

/** A stream that nobody has written to. */
export function emptyStreamLog(): StreamLog {
  const tail = { segment: 0, count: 0, complete: false };
  return { offset: 0, tail, step: 0, skipsStart: false, left: [], stop: false, ended: false };
}

/** Clocks of two machines may differ by so much, in milliseconds (L4). */
const CLOCKS_DIFFER_MS = 1_000;
/** Attempts to remember. */
const MAX_LEFT = 8;
/** Open tool calls to remember. */
const MAX_CALLS = 64;
const RESET: UIMessageChunk = { type: "reset-step" };
/** Before a step: what a reader that has seen the step begin must not be told again (S1). */
const SAID_ONCE: ReadonlySet<string> = new Set(["start", "start-step", "tool-input-available"]);

/** A writer brings a batch. */
export function appendToLog(log: StreamLog, batch: StreamBatch): LogChange {
  if (log.ended || !mayWrite(log, batch.writer)) return unchanged(log, "refused");
  const own = takenOver(log, batch.writer);
  // Without chunks it asks what there is to hear.
  if (batch.chunks.length === 0 && batch.complete !== true) return unchanged(own, "written");
  const { segment, complete, count } = own.tail;
  const [attempt, take = 0] = own.take ?? [];
  const isOwn = attempt === batch.writer.attempt;
  if (isOwn && batch.take < take) return unchanged(own, "refused"); // It comes late, and was brought again before.
  if (isOwn && batch.take === take && batch.segment === segment) {
    if (batch.from > count) return unchanged(own, "gap");
    return complete ? unchanged(own, "written") : written(own, batch, batch.chunks.slice(count - batch.from), []);
  }
  if (batch.from > 0) return unchanged(own, "gap");
  if (batch.segment > segment) return beginsNext(own, batch);
  if (batch.segment < own.step) return unchanged(own, "refused"); // S2
  if (batch.segment === segment && differs(batch.after, own.before)) return unchanged(own, "gap");
  return beginsAnew(own, batch);
}

/** A writer ends the stream. */
export function endLog(log: StreamLog, { writer, segments, after, chunks }: StreamEnd): LogChange {
  if (log.ended || !mayWrite(log, writer)) return unchanged(log, "refused");
  const own = takenOver(log, writer);
  const { segment, complete, digest } = own.tail;
  const isWhole = segment > segments || segments === 0 || (complete && !differs(after, digest));
  const followsOther = segment === segments + 1 && own.step <= segments && differs(after, own.before);
  if (segment < segments || !isWhole || followsOther) return unchanged(own, "gap");
  const entries = own.step > segments ? [RESET, ...chunks] : chunks;
  const ended = { ...own, offset: own.offset + entries.length, ended: true };
  return { log: ended, answer: answerOf(ended, "written"), chunks: entries };
}

/** Somebody asks the writer to stop. */
export function stopLog(log: StreamLog): LogChange {
  return unchanged(log.ended || log.stop ? log : { ...log, stop: true }, "written");
}

/** Somebody tells of a tool call (L6). */
export function tellLog(log: StreamLog, { grant, toolCallId, output }: StreamWord): LogChange {
  const isOpen = !log.ended && log.writer?.grant === grant && log.calls?.includes(toolCallId) === true;
  const isAsked = log.asked?.some(([, call]) => call === toolCallId) === true;
  if (!isOpen || isAsked) return unchanged(log, "refused");
  const told: StreamLog = { ...log, offset: log.offset + 1, told: true };
  const chunk: UIMessageChunk = { type: "tool-output-available", toolCallId, output, preliminary: true };
  return { log: told, answer: answerOf(told, "written"), chunks: [chunk] };
}

function beginsNext(log: StreamLog, batch: StreamBatch): LogChange {
  const { segment, complete, digest } = log.tail;
  const follows = segment === 0 || (complete && !differs(batch.after, digest));
  if (batch.segment !== segment + 1 || !follows) return unchanged(log, "gap");
  return written({ ...log, before: digest, skipsStart: false, ...begun(batch) }, batch, batch.chunks, []);
}

function beginsAnew(log: StreamLog, batch: StreamBatch): LogChange {
  const hasBegun = log.step === batch.segment;
  const before = batch.segment === log.tail.segment ? log.before : batch.after;
  // A reader forgets the calls of a step that is reset; they are open when they have been said again.
  const forgotten = hasBegun ? { calls: undefined, asked: undefined } : {};
  const anew = { ...log, ...forgotten, before, skipsStart: hasBegun, ...begun(batch) };
  return written(anew, batch, batch.chunks, hasBegun ? [RESET] : []);
}

function begun(batch: StreamBatch): Pick<StreamLog, "tail" | "take"> {
  return { tail: { segment: batch.segment, count: 0, complete: false }, take: [batch.writer.attempt, batch.take] };
}

/** Adds `fresh`, which continues the tail, after `entries`. */
function written(
  log: StreamLog,
  batch: StreamBatch,
  fresh: readonly UIMessageChunk[],
  entries: readonly UIMessageChunk[],
): LogChange {
  const start = fresh.findIndex(({ type }) => type === "start-step");
  const hasStart = start !== -1;
  const again = log.skipsStart ? fresh.slice(0, hasStart ? start + 1 : fresh.length) : [];
  const added = [...entries, ...again.filter(({ type }) => !SAID_ONCE.has(type)), ...fresh.slice(again.length)];
  const tail: StreamTail = {
    segment: batch.segment,
    count: log.tail.count + fresh.length,
    complete: batch.complete === true,
    ...(batch.complete === true ? { digest: batch.digest } : {}),
  };
  const next: StreamLog = {
    ...log,
    offset: log.offset + added.length,
    tail,
    step: hasStart ? batch.segment : log.step,
    skipsStart: log.skipsStart && !hasStart,
    ...(log.writer?.grant === undefined ? {} : openCalls(log, fresh)),
  };
  return { log: next, answer: answerOf(next, "written"), chunks: added };
}

/** The open tool calls, and what is asked in them, when `chunks` have been said (L6). */
function openCalls({ calls, asked }: StreamLog, chunks: readonly UIMessageChunk[]): Pick<StreamLog, "calls" | "asked"> {
  const open = new Set(calls);
  const questions = new Map(asked);
  for (const chunk of chunks) {
    if (chunk.type === "tool-input-available") open.add(chunk.toolCallId);
    else if (chunk.type === "tool-output-error" || chunk.type === "tool-output-denied") open.delete(chunk.toolCallId);
    else if (chunk.type === "tool-output-available" && chunk.preliminary !== true) open.delete(chunk.toolCallId);
    else if (chunk.type === "tool-approval-request") questions.set(chunk.approvalId, chunk.toolCallId);
    else if (chunk.type === "tool-approval-response") questions.delete(chunk.approvalId);
  }
  const left = [...open].slice(-MAX_CALLS);
  return { calls: left, asked: [...questions].filter(([, call]) => left.includes(call)) };
}

/** L4 */
function mayWrite({ writer: current, left }: StreamLog, writer: StreamWriterId): boolean {
  if (current === undefined || writer.last === true || writer.attempt === current.attempt) return true;
  if (current.last === true || left.includes(writer.attempt)) return false;
  return writer.startedMs >= current.startedMs - CLOCKS_DIFFER_MS;
}

function takenOver(log: StreamLog, writer: StreamWriterId): StreamLog {
  const { writer: current, left } = log;
  if (current === undefined) return { ...log, writer };
  if (current.attempt === writer.attempt) return log;
  return { ...log, writer, left: [...left, current.attempt].slice(-MAX_LEFT) };
}

function differs(wanted: string | undefined, digest: string | undefined): boolean {
  return wanted !== undefined && wanted !== digest;
}

function unchanged(log: StreamLog, result: AppendAnswer["result"]): LogChange {
  return { log, answer: answerOf(log, result), chunks: [] };
}

function answerOf({ tail, stop }: StreamLog, result: AppendAnswer["result"]): AppendAnswer {
  return { result, tail, stop };
}
