/**
 * Where the live parts of a turn are kept for their readers. One stream is one turn of one conversation.
 *
 * A stream is a list of entries that only grows, so that a reader may come late, leave, and go on where it was. What a
 * retried model step wrote before is not taken away: a `reset-step` chunk is added, which tells the AI SDK's reader to
 * drop what it has of that step.
 *
 * - L1 Segments. What one model step says is a segment; segments are numbered from 1 in the order of the journal. What
 *   comes between two of them (tool results, approvals) begins the next one.
 * - L2 Again, not twice. A batch says which take of its segment it belongs to, and where it begins in it. What is there
 *   already is skipped. Another take that begins at 0 starts the segment anew: after a `reset-step`, when readers have
 *   seen its step begin, and without beginning the step again.
 * - L3 No gaps. A batch that does not follow is not written; the answer says what is there, and the writer, which knows
 *   the journal, writes what is missing first. So what a dead attempt or a store that was away has lost comes back. A
 *   complete segment has a digest of what it says, so a writer sees when the journal says something else.
 * - L4 One writer. An attempt that another one has taken over from is refused, and so is one that began more than a
 *   second before the one that writes (clocks differ a little): it is dead and does not know. Who writes from the last
 *   step of the turn is never refused: the journal is complete there.
 * - L5 The journal has the last word. `end()` says how many segments the journal has; what is more is reset.
 * - L6 Others may tell of a tool call that is open: what an agent does that runs elsewhere. They know the writer's `grant`,
 *   write preliminary outputs and nothing else, and belong to no segment. What a reader could not show is left out: of a call
 *   that has ended, in which a person is being asked, or that was reset and has not been said again.
 */
import type { UIMessageChunk } from "ai";

/** Who writes: one attempt of the invocation that the stream belongs to. */
export interface StreamWriterId {
  readonly attempt: string;
  /** When the attempt began, in milliseconds since 1970 (L4). */
  readonly startedMs: number;
  /** Writes from the last step of the turn (L4). */
  readonly last?: true | undefined;
  /** Known to those who may tell of open tool calls (L6). Undefined: nobody may. */
  readonly grant?: string | undefined;
}

/** Some chunks of one segment. */
export interface StreamBatch {
  readonly writer: StreamWriterId;
  /** From 1 (L1). */
  readonly segment: number;
  /** Which take of the segment it is, by the writer's own count (L2). */
  readonly take: number;
  /** Place of the first chunk in its take, from 0 (L2). */
  readonly from: number;
  readonly chunks: readonly UIMessageChunk[];
  /** True when the segment is complete with these chunks. */
  readonly complete?: boolean | undefined;
  /** With `complete`: digest of what the whole segment says. */
  readonly digest?: string | undefined;
  /** The digest that the segment before must have; what differs is a gap (L3). */
  readonly after?: string | undefined;
}

/** What somebody tells of a tool call that is open (L6). */
export interface StreamWord {
  readonly grant: string;
  readonly toolCallId: string;
  readonly output: unknown;
}

/** What a stream holds. */
export interface StreamTail {
  /** The segment written last; 0 when there is none. */
  readonly segment: number;
  /** Chunks in it. */
  readonly count: number;
  readonly complete: boolean;
  /** What the segment was completed with. */
  readonly digest?: string | undefined;
}

/** What became of a batch. */
export interface AppendAnswer {
  /** `gap`: it does not follow (L3). `refused`: of an attempt that is dead (L4), or of a stream that has ended. */
  readonly result: "written" | "gap" | "refused";
  readonly tail: StreamTail;
  /** True when somebody asked for the turn to stop: the model's answer is to be ended where it is. */
  readonly stop: boolean;
}

/** How a stream ends. */
export interface StreamEnd {
  readonly writer: StreamWriterId;
  /** Segments that the journal has (L5). */
  readonly segments: number;
  /** The digest that the last of them must have; what differs is a gap (L3). */
  readonly after?: string | undefined;
  /** The last chunks: `finish`, or `error`, or `abort`. */
  readonly chunks: readonly UIMessageChunk[];
}

/** One entry of a stream, at its place from 1. */
export interface StreamEntry {
  readonly offset: number;
  readonly chunk: UIMessageChunk;
}

/** Some of a stream. */
export interface StreamPage {
  readonly entries: readonly StreamEntry[];
  /** True when no entry will follow these. */
  readonly ended: boolean;
  /** False for a stream that nobody has written to, or that has been forgotten. */
  readonly exists: boolean;
}

/** Which part of a stream is read. */
export interface StreamRead {
  /** Entries after this offset; 0 for all. */
  readonly after: number;
  /** How long to wait for an entry when there is none, in milliseconds. A store may wait less. */
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Keeps streams. Methods reject when the store cannot be reached; what they did may have happened all the same, and
 * may be done again. Called from inside journaled steps and from routes, never between steps.
 */
export interface StreamStore {
  /** The virtual object that keeps them, where others can tell of open tool calls (L6). Undefined: they cannot. */
  readonly service?: string | undefined;
  append(stream: string, batch: StreamBatch, signal?: AbortSignal): Promise<AppendAnswer>;
  /** Ends a stream, once; what follows is refused. An answer of `gap` as for `append`. */
  end(stream: string, end: StreamEnd, signal?: AbortSignal): Promise<AppendAnswer>;
  read(stream: string, read: StreamRead): Promise<StreamPage>;
  /** Asks the writer to end the model's answer where it is. Also before anything was written. */
  stop(stream: string): Promise<void>;
  /** Forgets a stream. */
  remove(stream: string): Promise<void>;
}
