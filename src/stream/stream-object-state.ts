/**
 * What the virtual object of a stream keeps, and how it stays small.
 *
 * On Workers an object's state goes with each of its invocations, in both directions. So the object holds the last entries
 * alone (the tail); older ones are moved, a block at a time, to objects of their own, which are written once.
 *
 * - O1 Entries have places from 1, without gaps. Those of block n come before those of block n + 1, then the tail.
 * - O2 A block is cut when the tail is larger than `blockBytes`. It takes all but the last quarter of that, which is what
 *   those who read along ask for next. Blocks never change.
 * - O3 So an append costs a few KiB however long the stream is, and a block one message more.
 */
import type { UIMessageChunk } from "ai";
import type { StreamLog } from "./stream-log.ts";
import type { StreamEntry } from "./stream-store.ts";

/** State of a stream's object. */
export interface StreamObjectState {
  readonly log: StreamLog;
  /** Place of the first entry of each block. */
  readonly blocks: readonly number[];
  /** Place of the first entry of the tail. */
  readonly first: number;
  readonly tail: readonly UIMessageChunk[];
  /** Of all entries as JSON, blocks included. */
  readonly bytes: number;
  /** Of the tail as JSON. */
  readonly tailBytes: number;
  /** When it was last written to, in milliseconds since 1970. */
  readonly activeMs: number;
}

/** Some entries that have left the object. */
export interface StreamBlock {
  readonly index: number;
  readonly chunks: readonly UIMessageChunk[];
}

/** Which blocks are read, and what of the tail comes after them. */
export interface StreamObjectPage {
  readonly exists: boolean;
  readonly ended: boolean;
  /** Blocks to read first, in order; none when the tail holds all that is asked for. */
  readonly blocks: readonly { readonly index: number; readonly first: number }[];
  /** Place of the first one of `chunks`. */
  readonly first: number;
  readonly chunks: readonly UIMessageChunk[];
  /** True when more is there than these. */
  readonly more: boolean;
}

/** Longest page in blocks: they are read at the same time. */
const PAGE_BLOCKS = 8;

/** A stream that nobody has written to. */
export function newStreamState(log: StreamLog): StreamObjectState {
  return { log, blocks: [], first: 1, tail: [], bytes: 0, tailBytes: 0, activeMs: 0 };
}

/** Adds `chunks`; `block` is what has to leave the object (O2). */
export function growStream(
  state: StreamObjectState,
  { log, chunks, blockBytes, nowMs }: StreamGrowth,
): { readonly state: StreamObjectState; readonly block?: StreamBlock } {
  const added = bytesOf(chunks);
  const tail = [...state.tail, ...chunks];
  const grown = {
    ...state,
    log,
    tail,
    bytes: state.bytes + added,
    tailBytes: state.tailBytes + added,
    activeMs: nowMs,
  };
  if (grown.tailBytes <= blockBytes) return { state: grown };
  const { first, blocks } = state;
  const { at, bytes } = lastBytes(tail, blockBytes / 4);
  return {
    state: { ...grown, blocks: [...blocks, first], first: first + at, tail: tail.slice(at), tailBytes: bytes },
    block: { index: blocks.length, chunks: tail.slice(0, at) },
  };
}

/** Where the last chunks of at most `limit` bytes begin. */
function lastBytes(chunks: readonly UIMessageChunk[], limit: number): { readonly at: number; readonly bytes: number } {
  let [at, bytes] = [chunks.length, 0];
  for (;;) {
    const size = bytesOf(chunks.slice(at - 1, at));
    if (at === 0 || bytes + size > limit) return { at, bytes };
    bytes += size;
    at -= 1;
  }
}

/** What is added to a stream. */
export interface StreamGrowth {
  readonly log: StreamLog;
  readonly chunks: readonly UIMessageChunk[];
  readonly blockBytes: number;
  readonly nowMs: number;
}

/** What follows the entry at `after`. */
export function streamPage(
  { blocks, first, tail }: StreamObjectState,
  after: number,
  ended: boolean,
): StreamObjectPage {
  const next = after + 1;
  if (next >= first) {
    return { exists: true, ended, blocks: [], first: next, chunks: tail.slice(next - first), more: false };
  }
  const from = blocks.findLastIndex((start) => start <= next);
  const all = blocks.slice(from).map((start, at) => ({ index: from + at, first: start }));
  if (all.length > PAGE_BLOCKS) {
    return { exists: true, ended: false, blocks: all.slice(0, PAGE_BLOCKS), first, chunks: [], more: true };
  }
  return { exists: true, ended, blocks: all, first, chunks: tail, more: false };
}

/** Chunks at their places, from `first` on, without those up to `after`. */
export function entriesFrom(first: number, chunks: readonly UIMessageChunk[], after: number): StreamEntry[] {
  return chunks.map((chunk, at): StreamEntry => ({ offset: first + at, chunk })).filter(({ offset }) => offset > after);
}

/** Bytes of chunks as JSON. */
export function bytesOf(chunks: readonly UIMessageChunk[]): number {
  return chunks.reduce((sum, chunk) => sum + encoder.encode(JSON.stringify(chunk)).length + 1, 0);
}

const encoder = new TextEncoder();
