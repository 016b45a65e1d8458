/**
 * An invocation as an agent's timeline: what its model and tools did, how long it took, what failed.
 *
 * Times are those at which Restate stored a command and what completed it. Steps that run ahead of their
 * acknowledgements are stored in groups, so a group's steps may share a time; `providerMs` of a model step was measured
 * inside it. Restate notes equal failures in a row once, so attempts are at least as many as told.
 */
import type { ModelSummary } from "../../model/stored-summary.ts";
import type { Invocation } from "../invocations/invocation.ts";
import type { FailedAttempt } from "./journal-events.ts";
import type { CommandFacts } from "./timeline-command.ts";

/**
 * - `completed`, `failed`: it has a result. A failed step failed for good; the handler may have gone on.
 * - `retrying`: its last attempt failed, Restate tries again.
 * - `running`: its result is not known yet. `waiting`: the same, while nothing of the invocation runs: it is suspended, or
 *   backs off for another step.
 * - `paused`: the invocation is paused in it. `abandoned`: the invocation ended without its result.
 */
export const STEP_STATUSES = ["completed", "failed", "running", "retrying", "waiting", "paused", "abandoned"] as const;
export type StepStatus = (typeof STEP_STATUSES)[number];

/** A failure of a step or of one of its attempts. */
export interface StepFailure {
  readonly message: string;
  /** HTTP status or code of the error. */
  readonly errorCode?: number | undefined;
  /** Restate's own code, such as `RT0016`. */
  readonly code?: string | undefined;
  /** ISO 8601 */
  readonly at?: string | undefined;
}

/** One step. */
export interface TimelineStep extends CommandFacts {
  /** Index of its journal entry: what `restart` takes as `from`. Absent while the journal does not have it. */
  readonly index?: number | undefined;
  readonly status: StepStatus;
  /** When Restate stored that it begins, ISO 8601. Absent for signals, which come by themselves. */
  readonly startedAt?: string | undefined;
  readonly completedAt?: string | undefined;
  readonly durationMs?: number | undefined;
  /** How often it was tried, as far as Restate noted it. */
  readonly attempts: number;
  /** How many of the attempts failed and were tried again. */
  readonly retries: number;
  readonly lastFailure?: StepFailure | undefined;
  /** Of a model step, when its stored form is known. */
  readonly model?: ModelSummary | undefined;
  /** What it gave, in its stored form; on request. */
  readonly output?: unknown;
}

/** Sums over the steps. */
export interface TimelineTotals {
  readonly modelSteps: number;
  readonly toolSteps: number;
  /** Steps of every kind, without input and output. */
  readonly steps: number;
  readonly retries: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Completed model steps whose tokens are in the sums. */
  readonly modelStepsCounted: number;
  /** From creation to completion, or to the last thing that is known, in milliseconds. */
  readonly wallMs: number;
}

/** The whole picture. */
export interface Timeline {
  readonly invocation: Invocation;
  /** In the order of the journal. */
  readonly steps: readonly TimelineStep[];
  /** Every failed attempt that Restate noted, oldest first; also those that belong to no step. */
  readonly failures: readonly FailedAttempt[];
  readonly totals: TimelineTotals;
  /** `cut`: it is longer than what is shown. `absent`: there is none (yet), or it was purged. */
  readonly journal: "whole" | "cut" | "absent";
}
