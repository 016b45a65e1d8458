/**
 * Takes invocations off the deployment that they began on, and lets another one go on with them.
 *
 * Restate 1.7 changes the deployment of an invocation only when it resumes it, and resumes only what is paused or
 * suspended. So what runs or backs off is paused first. Pausing one that backs off happens at once; one that runs goes on
 * until its attempt ends: until its step has a result. Suspended ones need no pause, and a pause leaves them as they are.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { AdminClient, Invocation, InvocationFilter } from "../../src/admin/index.ts";
import type { Tool } from "../tool/tool.ts";

/**
 * - `moved`; `would-move` in a dry run.
 * - `completed`: it ended before it was moved.
 * - `pausing`: it was asked to pause and still runs; it will be paused, so move it again.
 * - `refused`: Restate does not resume it, for `reason`. A paused one stays paused.
 * - `mismatch`: it was moved, and the other version does not take the steps of its journal.
 */
export type MoveOutcome = "moved" | "would-move" | "completed" | "pausing" | "refused" | "mismatch";

/** What became of one invocation. */
export interface MoveItem {
  readonly id: string;
  readonly target: string;
  /** What it was doing before. */
  readonly status: string;
  readonly from: string;
  readonly outcome: MoveOutcome;
  readonly reason?: string | undefined;
}

/** Which invocations, and where they go. */
export interface MoveRequest {
  /** Ids of deployments. */
  readonly from: readonly string[];
  readonly to: string;
  /** Absent: any. */
  readonly statuses?: readonly string[] | undefined;
  /** Most invocations. */
  readonly limit: number;
}

/** Longest waits, and how often invocations are looked at, in milliseconds. */
export interface MoveWaits {
  /** For one that runs to pause. */
  readonly pauseMs: number;
  /** For the first attempt on the other version: long enough for a replay. */
  readonly replayMs: number;
  readonly everyMs: number;
}

/** How many are paused and resumed at once: what is not finished after a Ctrl-C. */
const BATCH = 50;

const PAGE = 500;

/** Invocations on these deployments, the oldest first. */
export async function findMovable(admin: AdminClient, request: MoveRequest): Promise<readonly Invocation[]> {
  const { from, to, limit, statuses } = request;
  const found: Invocation[] = [];
  for (const deployment of from.filter((id) => id !== to)) {
    const filter: InvocationFilter = { deployment, status: statuses ?? ALIVE };
    for (let cursor: string | undefined; found.length < limit;) {
      const size = Math.min(PAGE, limit - found.length);
      const { invocations, next } = await admin.invocations.list(filter, { limit: size, order: "oldest", cursor });
      found.push(...invocations);
      if (next === undefined) break;
      cursor = next;
    }
  }
  return found;
}

/** Everything that can be pinned to a deployment and has not completed. */
const ALIVE: readonly string[] = ["running", "ready", "backing-off", "suspended", "paused"];

/** Moves them in batches, so that little is left half done when this is interrupted. */
export async function moveAll(
  tool: Tool,
  admin: AdminClient,
  {
    invocations,
    to,
    waits,
  }: { readonly invocations: readonly Invocation[]; readonly to: string; readonly waits: MoveWaits },
  onProgress: (done: number) => void,
): Promise<readonly MoveItem[]> {
  const items: MoveItem[] = [];
  for (let start = 0; start < invocations.length; start += BATCH) {
    tool.signal.throwIfAborted();
    items.push(...(await moveBatch(tool, admin, invocations.slice(start, start + BATCH), to, waits)));
    onProgress(items.length);
  }
  return withMismatches(tool, admin, items, to, waits);
}

/** Restate's code for a journal that the code does not follow. */
const MISMATCH = "RT0016";

/** Looks whether the other version follows their journals; what is not known in time counts as moved. */
async function withMismatches(
  tool: Tool,
  admin: AdminClient,
  items: readonly MoveItem[],
  to: string,
  { replayMs, everyMs }: MoveWaits,
): Promise<readonly MoveItem[]> {
  const deadline = performance.now() + replayMs;
  const failures = new Map<string, string>();
  let open = items.filter(({ outcome }) => outcome === "moved").map(({ id }) => id);
  while (open.length > 0 && performance.now() < deadline && !tool.signal.aborted) {
    const undecided: string[] = [];
    for (const id of open) {
      const { status, lastFailure, lastAttemptDeploymentId } = (await admin.invocations.get(id)) ?? {};
      // A failure that it was moved for is shown until the first attempt over there has ended.
      const isOfOther = status === "backing-off" && lastAttemptDeploymentId === to;
      if (isOfOther && lastFailure?.code === MISMATCH) failures.set(id, lastFailure.message.split("\n", 1)[0] ?? "");
      else if (!isOfOther && status !== "suspended" && status !== "completed") undecided.push(id);
    }
    open = undecided;
    if (open.length > 0) await delay(everyMs, undefined, { signal: tool.signal }).catch(() => {});
  }
  return items.map((item) => {
    const reason = failures.get(item.id);
    return reason === undefined ? item : { ...item, outcome: "mismatch", reason };
  });
}

async function moveBatch(
  tool: Tool,
  admin: AdminClient,
  batch: readonly Invocation[],
  to: string,
  waits: MoveWaits,
): Promise<MoveItem[]> {
  const needsPause = batch.filter(({ status }) => status !== "paused" && status !== "suspended").map(({ id }) => id);
  if (needsPause.length > 0) await admin.invocations.actOnAll(needsPause, "pause");
  const now = await settle(tool, admin, needsPause, waits);
  const resumable = batch.filter(({ id }) => !now.has(id) || isStill(now.get(id))).map(({ id }) => id);
  const results = await admin.invocations.actOnAll(resumable, "resume", { deployment: to });
  const outcomes = new Map(results.map((result) => [result.id, result]));
  return batch.map((invocation) => {
    const result = outcomes.get(invocation.id);
    if (result?.done === true) return itemOf(invocation, "moved");
    if (result !== undefined) return itemOf(invocation, "refused", result.reason);
    return now.get(invocation.id) === undefined || now.get(invocation.id) === "completed"
      ? itemOf(invocation, "completed", "it ended meanwhile")
      : itemOf(invocation, "pausing", `still running after ${waits.pauseMs / 1_000} s; it pauses when its step ends`);
  });
}

/** Waits until none of them runs any more, and tells what each is doing. Undefined: it is gone. */
async function settle(
  tool: Tool,
  admin: AdminClient,
  ids: readonly string[],
  { pauseMs, everyMs }: MoveWaits,
): Promise<ReadonlyMap<string, string | undefined>> {
  const deadline = performance.now() + pauseMs;
  const statuses = new Map<string, string | undefined>();
  for (let open = [...ids]; open.length > 0;) {
    for (const id of open) statuses.set(id, (await admin.invocations.get(id))?.status);
    open = open.filter((id) => !hasSettled(statuses.get(id)));
    if (open.length === 0 || performance.now() > deadline || tool.signal.aborted) break;
    // Woken up by Ctrl-C: what is paused by now is resumed first, rather than left behind.
    await delay(everyMs, undefined, { signal: tool.signal }).catch(() => {});
  }
  return statuses;
}

function hasSettled(status: string | undefined): boolean {
  return status === undefined || status === "completed" || isStill(status);
}

/** Restate resumes these on another deployment. */
function isStill(status: string | undefined): boolean {
  return status === "paused" || status === "suspended";
}

/** What is told of an invocation. */
export function itemOf(
  { id, target, status, deploymentId = "" }: Invocation,
  outcome: MoveOutcome,
  reason?: string,
): MoveItem {
  return { id, target, status, from: deploymentId, outcome, reason };
}
