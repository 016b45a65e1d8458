/** An invocation's timeline, as it stands or until it has completed. */
import { setTimeout as delay } from "node:timers/promises";
import type { AdminClient, Timeline } from "../../src/admin/index.ts";
import { InvocationNotFoundError } from "../../src/errors/invocation-not-found-error.ts";
import { usageError } from "../tool/tool-error.ts";

/** How a timeline is read. */
export interface TimelineRequest {
  readonly id: string;
  /** Also what the steps gave: prompts, answers, arguments, results. */
  readonly payloads: boolean;
}

/** @throws ToolError `invocation-unknown` */
export async function readTimelineOf(admin: AdminClient, { id, payloads }: TimelineRequest): Promise<Timeline> {
  try {
    return await admin.invocations.timeline(id, { payloads });
  } catch (error) {
    if (!(error instanceof InvocationNotFoundError)) throw error;
    throw usageError(
      "invocation-unknown",
      `Restate knows no invocation ${id}`,
      "Completed ones are forgotten after their retention; `invoke --send` prints an invocation's id",
    );
  }
}

/** How an invocation is followed. */
export interface FollowRequest extends TimelineRequest {
  readonly signal: AbortSignal;
  /** Between two looks, in milliseconds. */
  readonly everyMs: number;
  /** Called with each timeline, the last one too. */
  readonly onTimeline: (timeline: Timeline) => void;
}

/** Looks again and again until it has completed, or `signal` aborts, which throws its reason. */
export async function followTimeline(admin: AdminClient, request: FollowRequest): Promise<Timeline> {
  for (;;) {
    const timeline = await readTimelineOf(admin, request);
    request.onTimeline(timeline);
    if (timeline.invocation.status === "completed") return timeline;
    request.signal.throwIfAborted();
    await delay(request.everyMs, undefined, { signal: request.signal }).catch(() => {});
    request.signal.throwIfAborted();
  }
}
