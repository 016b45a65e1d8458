/**
 * What one key of an approval object knows of all its questions, without their content. It is read and written with each
 * change, so it must stay small: pending ones, and the last of those that are decided. Older ones are in *chunks*, which are
 * written once and read only by those who list them.
 *
 * - X1 `pending` is in order of `requestedMs`, `recent` and the chunks in order of `decidedMs`.
 * - X2 An entry is in one place.
 * - X3 Chunks are numbered; those from `oldest` to before `next` exist.
 */
import type { Approval, ApprovalState } from "./approvals.ts";

/** Most decided entries beside the pending ones. */
export const CHUNK_SIZE = 100;

/** What is known of one question. Times are milliseconds since 1970. */
export interface IndexEntry {
  readonly id: string;
  readonly state: ApprovalState;
  readonly agent: string;
  readonly service?: string | undefined;
  readonly session?: string | undefined;
  readonly owner?: string | undefined;
  readonly invocationId: string;
  readonly requestedMs: number;
  readonly decidedMs?: number | undefined;
}

export interface ApprovalIndex {
  readonly pending: readonly IndexEntry[];
  readonly recent: readonly IndexEntry[];
  readonly oldest: number;
  readonly next: number;
  /** When the last one was decided. Absent in what older versions wrote. */
  readonly lastDecidedMs?: number | undefined;
  /** True while a sweep is on its way. */
  readonly isSweeping: boolean;
}

export const EMPTY_INDEX: ApprovalIndex = { pending: [], recent: [], oldest: 0, next: 0, isSweeping: false };

/** A chunk that is to be written. */
export interface NewChunk {
  readonly n: number;
  readonly entries: readonly IndexEntry[];
}

/** Which questions are asked for. */
export interface IndexFilter {
  readonly states: readonly ApprovalState[];
  /** Name of the agent, or of the session's service. */
  readonly agent?: string | undefined;
  /** Key of the conversation. */
  readonly session?: string | undefined;
  /** What the key of the conversation begins with. */
  readonly keyPrefix?: string | undefined;
  /** Also what runs of this owner ask that are in no such conversation. Only with `keyPrefix`. */
  readonly owner?: string | undefined;
  /** Only what comes after this one in the list. */
  readonly before?: Place | undefined;
  readonly limit: number;
}

/** Where a question stands in a list, which begins with the newest. */
export interface Place {
  readonly ms: number;
  readonly id: string;
}

export function withOpened(index: ApprovalIndex, approval: Approval): ApprovalIndex {
  const entry: IndexEntry = {
    id: approval.id,
    state: "pending",
    agent: approval.agent,
    service: approval.session?.service,
    session: approval.session?.key,
    owner: approval.owner,
    invocationId: approval.invocationId,
    requestedMs: Date.parse(approval.requestedAt),
  };
  return { ...index, pending: [...index.pending, entry] };
}

/** When a decision that comes now counts as made: machines' clocks differ, and X1 holds all the same. */
export function decisionMs({ lastDecidedMs = 0 }: ApprovalIndex, nowMs: number): number {
  return Math.max(lastDecidedMs, nowMs);
}

/** A question is decided, at a time that `decisionMs()` gave. What is decided already stays as it is. */
export function withDecided(
  index: ApprovalIndex,
  id: string,
  state: ApprovalState,
  decidedMs: number,
): { readonly index: ApprovalIndex; readonly chunk?: NewChunk } {
  const entry = index.pending.find((candidate) => candidate.id === id);
  if (entry === undefined) return { index };
  const pending = index.pending.filter((candidate) => candidate.id !== id);
  const recent = [...index.recent, { ...entry, state, decidedMs }];
  const changed = { ...index, pending, lastDecidedMs: decidedMs };
  if (recent.length < CHUNK_SIZE) return { index: { ...changed, recent } };
  const n = index.next;
  return { index: { ...changed, recent: [], next: n + 1 }, chunk: { n, entries: recent } };
}

/** Where an entry stands: pending ones by the time of the request, the others by that of the decision. */
export function placeOf({ id, requestedMs, decidedMs }: IndexEntry): Place {
  return { ms: decidedMs ?? requestedMs, id };
}

/** Newest first. */
export function comparePlaces(one: Place, other: Place): number {
  if (one.ms !== other.ms) return other.ms - one.ms;
  return one.id === other.id ? 0 : one.id < other.id ? 1 : -1;
}

/** Those of `entries` that are asked for, newest first; no more than `filter.limit`. */
export function select(entries: readonly IndexEntry[], filter: IndexFilter): readonly IndexEntry[] {
  const { states, agent, session, before, limit } = filter;
  return entries
    .filter((entry) => states.includes(entry.state))
    .filter((entry) => agent === undefined || entry.agent === agent || entry.service === agent)
    .filter((entry) => session === undefined || entry.session === session)
    .filter((entry) => isOwn(entry, filter))
    .filter((entry) => before === undefined || comparePlaces(before, placeOf(entry)) < 0)
    .toSorted((one, other) => comparePlaces(placeOf(one), placeOf(other)))
    .slice(0, limit);
}

function isOwn(entry: IndexEntry, { keyPrefix, owner }: IndexFilter): boolean {
  if (keyPrefix === undefined || entry.session?.startsWith(keyPrefix) === true) return true;
  return owner !== undefined && entry.owner === owner;
}
