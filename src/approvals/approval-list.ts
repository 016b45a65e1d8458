/**
 * A page of the questions of one key of an approval object.
 *
 * - P1 Nothing is left out: a page has each question that is asked for, newest first, down to `more`, where the next page
 *   begins. Pending questions stand where they were asked, decided ones where that was, so the two are looked for apart:
 *   questions that have waited for long must not keep from looking for what was decided since.
 * - P2 Bounded: at most `MAX_CHUNKS` chunks are read. A page may end before its limit for that, with `more`.
 */
import type { ObjectSharedContext } from "../restate.ts";
import type { ApprovalPage, ListRequest } from "./approval-handlers.ts";
import { type ApprovalIndex, comparePlaces, type IndexEntry, type Place, placeOf, select } from "./approval-index.ts";
import type { Approval } from "./approvals.ts";

/** Most chunks that one page reads. */
export const MAX_CHUNKS = 20;

/** Stands before all ids of the same time. */
const FIRST_ID = "apr_z";

type Reader = Pick<ObjectSharedContext, "get">;

/** What a page is made of. */
export interface ListedKey {
  readonly index: ApprovalIndex;
  readonly chunkKey: (n: number) => string;
  /** The question as it is kept; undefined when it is forgotten. */
  readonly read: (id: string) => Promise<Approval | undefined>;
}

/** A page (P1, P2). */
export async function listPage(
  context: Reader,
  { index, chunkKey, read }: ListedKey,
  filter: ListRequest,
): Promise<ApprovalPage> {
  const readChunk = async (n: number): Promise<readonly IndexEntry[]> =>
    (await context.get<readonly IndexEntry[]>(chunkKey(n))) ?? [];
  const decided = await decidedOf(index, readChunk, filter);
  const found = select([...index.pending, ...decided.entries], filter);
  const last = found.at(-1);
  const ends = found.length < filter.limit || last === undefined ? [] : [placeOf(last)];
  if (decided.horizon !== undefined) ends.push(decided.horizon);
  const [more] = ends.toSorted(comparePlaces);
  // What is beyond comes with the next page.
  const entries = found.filter((entry) => more === undefined || comparePlaces(placeOf(entry), more) <= 0);
  const stored = await Promise.all(entries.map(({ id }) => read(id)));
  // Some may have been decided since the index was read: they stand elsewhere now.
  const approvals = stored.flatMap((one) => (one !== undefined && filter.states.includes(one.state) ? [one] : []));
  return { approvals, more };
}

interface Decided {
  readonly entries: readonly IndexEntry[];
  /** What is older has not been looked at; undefined when all has been. */
  readonly horizon: Place | undefined;
}

/** Decided questions that are asked for, of as few chunks as will do. */
async function decidedOf(
  index: ApprovalIndex,
  readChunk: (n: number) => Promise<readonly IndexEntry[]>,
  filter: ListRequest,
): Promise<Decided> {
  if (filter.states.every((state) => state === "pending")) return { entries: [], horizon: undefined };
  let entries = select(index.recent, filter);
  let oldest = index.recent[0];
  let n = await firstChunk(index, readChunk, filter.before);
  // What was decided at the same time as the last one may be in the next chunk, and stand before it.
  const isFull = (): boolean => {
    const last = entries[filter.limit - 1];
    return last !== undefined && oldest !== undefined && placeOf(last).ms > placeOf(oldest).ms;
  };
  for (let left = MAX_CHUNKS; n >= index.oldest && !isFull() && left > 0; n--, left--) {
    const chunk = await readChunk(n);
    oldest = chunk[0] ?? oldest;
    entries = select([...entries, ...chunk], filter);
  }
  if (oldest === undefined || n < index.oldest) return { entries, horizon: undefined };
  return { entries, horizon: { ms: placeOf(oldest).ms, id: FIRST_ID } };
}

/** The newest chunk that may have entries after `before` in the list; the chunks are in order (X1). */
async function firstChunk(
  { oldest, next }: ApprovalIndex,
  readChunk: (n: number) => Promise<readonly IndexEntry[]>,
  before: Place | undefined,
): Promise<number> {
  let [low, high] = [oldest, next - 1];
  while (before !== undefined && low < high) {
    const middle = Math.ceil((low + high) / 2);
    const [first] = await readChunk(middle);
    if (first === undefined || placeOf(first).ms <= before.ms) low = middle;
    else high = middle - 1;
  }
  return high;
}
