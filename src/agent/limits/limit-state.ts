/**
 * Who may go on at a limit, and who waits: what the limit's object keeps, without Restate.
 *
 * - Q1 First come, first served. Nobody overtakes; who gives up leaves a gap.
 * - Q2 At most `concurrency` hold a permit at a time, and each for at most the lease.
 * - Q3 Never more than `perMinute` permits are given in any 60 seconds: `burst` of them at once, the rest evenly. (GCRA, the
 *   generic cell rate algorithm: https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm)
 */

/** What a limit allows; see `RateLimitOptions`. */
export interface LimitBounds {
  readonly concurrency: number | undefined;
  readonly perMinute: number | undefined;
  readonly burst: number;
  readonly leaseMs: number;
}

/** Who has a permit. */
export interface Holder {
  readonly id: string;
  readonly invocationId: string;
  readonly sinceMs: number;
}

/** Who waits for one. */
export interface Waiting {
  readonly id: string;
  readonly invocationId: string;
  /** Wakes it. */
  readonly awakeable: string;
}

/** The part of the state that every change needs. Those who wait are kept one by one, at their number. */
export interface LimitHead {
  readonly holders: readonly Holder[];
  /** Number of the first that may be waiting, and of the next that will. */
  readonly first: number;
  readonly next: number;
  readonly waiting: number;
  /** When the next permit is due at the even rate, in milliseconds since 1970. */
  readonly dueMs: number;
  /** The earliest time at which somebody looks again; undefined: nobody will. */
  readonly timerMs?: number | undefined;
}

/** A limit that nobody has used. */
export const EMPTY_LIMIT: LimitHead = { holders: [], first: 0, next: 0, waiting: 0, dueMs: 0 };

const MINUTE_MS = 60_000;

/** Time between two permits at the even rate, in milliseconds. */
function intervalMs({ perMinute, burst }: LimitBounds): number {
  return perMinute === undefined ? 0 : MINUTE_MS / (perMinute - burst + 1);
}

/** When the next permit may be given as far as the rate is concerned. */
function allowedAtMs(head: LimitHead, bounds: LimitBounds): number {
  return bounds.perMinute === undefined ? 0 : head.dueMs - (bounds.burst - 1) * intervalMs(bounds);
}

/** True when a permit may be given now. */
export function mayGrant(head: LimitHead, bounds: LimitBounds, nowMs: number): boolean {
  const isFree = bounds.concurrency === undefined || head.holders.length < bounds.concurrency;
  return isFree && nowMs >= allowedAtMs(head, bounds);
}

/** Gives a permit. Without a bound of how many there are nobody needs to give it back. */
export function withGrant(
  head: LimitHead,
  bounds: LimitBounds,
  { id, invocationId }: Waiting,
  nowMs: number,
): LimitHead {
  const holder: Holder = { id, invocationId, sinceMs: nowMs };
  return {
    ...head,
    holders: bounds.concurrency === undefined ? head.holders : [...head.holders, holder],
    dueMs: bounds.perMinute === undefined ? head.dueMs : Math.max(nowMs, head.dueMs) + intervalMs(bounds),
  };
}

/** Takes permits back whose lease is over: their holders are stuck, or paused (Q2). */
export function withoutOverdue(head: LimitHead, { leaseMs }: LimitBounds, nowMs: number): LimitHead {
  const holders = head.holders.filter(({ sinceMs }) => sinceMs + leaseMs > nowMs);
  return holders.length === head.holders.length ? head : { ...head, holders };
}

/** When somebody has to look again, though nobody calls: the rate allows the next, or the first lease ends. */
export function lookAgainMs(head: LimitHead, bounds: LimitBounds): number | undefined {
  if (head.waiting === 0) return undefined;
  const isFull = bounds.concurrency !== undefined && head.holders.length >= bounds.concurrency;
  if (!isFull) return allowedAtMs(head, bounds);
  return Math.min(...head.holders.map(({ sinceMs }) => sinceMs + bounds.leaseMs));
}
