/**
 * Which deployments may go.
 *
 * - P1 Nothing that an invocation is pinned to goes, and nothing that is the latest of a service.
 * - P2 Nothing goes that this tool did not register, unless it is named.
 * - P3 The newest ones stay besides the latest: rolling back to them is then one command. Those that were left are not counted:
 *   nobody goes back to them.
 * - P4 What the app's own URL serves stays: it has been tried out, so a deployment that fails goes back to it. But one that was
 *   left and has a Worker of its own may go, since the app's own URL serves a copy of it until the next deployment.
 */
import { leftVersions } from "./left.ts";
import { hasOwnWorker } from "./metadata.ts";
import type { RegisteredVersion } from "./registered.ts";
import { ageOf, count } from "./words.ts";

/** What is to become of one deployment, and why. */
export interface PruneDecision {
  readonly registered: RegisteredVersion;
  readonly action: "remove" | "keep";
  readonly reason: string;
}

/** Bounds of pruning. */
export interface PruneBounds {
  /** How many of the newest stay besides the latest, needed or not. */
  readonly keep: number;
  /** Those registered more recently stay, in milliseconds. */
  readonly olderThanMs?: number | undefined;
  /** Now, in milliseconds since 1970. */
  readonly nowMs: number;
  /** The version that the app's own URL serves, where it is known. */
  readonly served?: string | undefined;
}

/** Decides about the versions of one app, the newest first. */
export function planPrune(versions: readonly RegisteredVersion[], bounds: PruneBounds): readonly PruneDecision[] {
  const left = leftVersions(versions);
  const others = versions.filter((version) => version.latestOf.length === 0 && !left.has(version));
  const newest = new Set(others.slice(0, bounds.keep));
  return versions.map((registered) => {
    const reason =
      neededBy(registered) ??
      (isServed(registered, versions, bounds.served) ? SERVED : undefined) ??
      keptBecause(registered, newest.has(registered), bounds);
    return reason === undefined
      ? { registered, action: "remove", reason: left.has(registered) ? "drained, and left before" : "drained" }
      : { registered, action: "keep", reason };
  });
}

/** Why what the app's own URL serves stays. */
export const SERVED = "the app's own URL serves it";

/** P4 */
export function isServed(
  registered: RegisteredVersion,
  versions: readonly RegisteredVersion[],
  served: string | undefined,
): boolean {
  const { facts } = registered;
  if (served === undefined || facts?.version !== served) return false;
  return !hasOwnWorker(facts) || !leftVersions(versions).has(registered);
}

/** Why a deployment is needed; undefined when it is drained. */
export function neededBy({ latestOf, pinned }: Pick<RegisteredVersion, "latestOf" | "pinned">): string | undefined {
  const reasons = [
    ...(latestOf.length === 0 ? [] : [`latest of ${latestOf.join(", ")}`]),
    ...(pinned === 0 ? [] : [`${count(pinned, "invocation")} in flight`]),
  ];
  return reasons.length === 0 ? undefined : reasons.join("; ");
}

function keptBecause(
  { deployment }: RegisteredVersion,
  isNewest: boolean,
  { keep, olderThanMs, nowMs }: PruneBounds,
): string | undefined {
  if (isNewest) return `among the newest ${keep} (--keep)`;
  const isYoung = olderThanMs !== undefined && nowMs - Date.parse(deployment.createdAt) < olderThanMs;
  return isYoung ? `registered ${ageOf(deployment.createdAt, nowMs)} ago (--older-than)` : undefined;
}

/**
 * The Worker, or app, that goes with a deployment, where each version has one of its own; undefined otherwise. One that another
 * deployment uses, or that has the app's own name, never goes.
 */
export function workerOnlyOf(
  { deployment, facts }: RegisteredVersion,
  all: readonly RegisteredVersion[],
): string | undefined {
  if (facts?.worker === undefined || !hasOwnWorker(facts)) return undefined;
  const { worker } = facts;
  const isShared = all.some((other) => other.deployment.id !== deployment.id && other.facts?.worker === worker);
  return isShared || worker === facts.app ? undefined : worker;
}
