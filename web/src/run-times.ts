/** When the steps of a run began and ended, also of those that go on. */
import type { TimelineStep } from "../../src/admin/timeline/timeline.ts";
import type { RunTimeline } from "./api.ts";

/** A step's place in its run. */
export interface StepTimes {
  /** Milliseconds from the run's beginning. Undefined: it is not known. */
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
}

/** Statuses of steps that have no end yet. */
const OPEN: ReadonlySet<string> = new Set(["running", "waiting", "retrying", "paused"]);

/**
 * How long the run has taken, in milliseconds; one that goes on, until it was looked at.
 *
 * @param readAt When that was, by this browser's clock. Where that is behind Restate's, the last thing that is known counts.
 */
export function wallMsOf({ invocation, totals }: RunTimeline, readAt: number): number {
  if (invocation.status === "completed") return totals.wallMs;
  return Math.max(totals.wallMs, readAt - Date.parse(invocation.createdAt));
}

/** Times of each step, in their order. What is waited for has no beginning in the journal: the step before it has ended then. */
export function timesOf(steps: readonly TimelineStep[], timeline: RunTimeline, readAt: number): readonly StepTimes[] {
  const begin = Date.parse(timeline.invocation.createdAt);
  const nowMs = wallMsOf(timeline, readAt);
  let lastMs: number | undefined;
  return steps.map(({ startedAt, completedAt, status }) => {
    const isSignal = startedAt === undefined;
    const fromMs = isSignal ? lastMs : Date.parse(startedAt) - begin;
    const toMs = completedAt === undefined ? (OPEN.has(status) ? nowMs : undefined) : Date.parse(completedAt) - begin;
    if (!isSignal) lastMs = toMs ?? lastMs;
    return { fromMs, toMs };
  });
}
