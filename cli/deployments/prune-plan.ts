/**
 * Which deployments may go.
 *
 * - P1 Nothing that an invocation is pinned to goes, and nothing that is the latest of a service.
 * - P2 Nothing goes that this tool did not register, unless it is named.
 * - P3 The newest ones stay besides the latest: rolling back to them is then one command.
 */
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
}

/** Decides about the versions of one app, the newest first. */
export function planPrune(versions: readonly RegisteredVersion[], bounds: PruneBounds): readonly PruneDecision[] {
  const others = versions.filter(({ latestOf }) => latestOf.length === 0);
  const newest = new Set(others.slice(0, bounds.keep));
  return versions.map((registered) => {
    const reason = neededBy(registered) ?? keptBecause(registered, newest.has(registered), bounds);
    return reason === undefined
      ? { registered, action: "remove", reason: "drained" }
      : { registered, action: "keep", reason };
  });
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
 * The Worker that goes with a deployment, where each version has one of its own; undefined otherwise. A Worker that another
 * deployment uses, or that has the app's own name, never goes.
 */
export function workerOnlyOf(
  { deployment, facts }: RegisteredVersion,
  all: readonly RegisteredVersion[],
): string | undefined {
  if (facts?.platform !== "worker-per-version" || facts.worker === undefined) return undefined;
  const { worker } = facts;
  const isShared = all.some((other) => other.deployment.id !== deployment.id && other.facts?.worker === worker);
  return isShared || worker === facts.app ? undefined : worker;
}
