/** Finds the version that an operator means. */
import { ToolError, usageError } from "../tool/tool-error.ts";
import { EXIT } from "../tool/exit-codes.ts";
import { leftVersions } from "./left.ts";
import type { RegisteredVersion } from "./registered.ts";
import { count, shortVersion } from "./words.ts";

/** Shorter beginnings would match by chance. */
const SHORTEST = 4;

/**
 * The version that a deployment's id, a version or a git sha names; of the latter two the beginning is enough. Undefined
 * when none does.
 *
 * @throws ToolError `version-ambiguous`
 */
export function versionNamed(text: string, versions: readonly RegisteredVersion[]): RegisteredVersion | undefined {
  const exact = versions.find(({ deployment, facts }) => deployment.id === text || facts?.version === text);
  if (exact !== undefined || text.length < SHORTEST) return exact;
  const found = versions.filter(({ facts }) => facts?.version.startsWith(text) || facts?.gitSha?.startsWith(text));
  if (found.length <= 1) return found[0];
  throw usageError(
    "version-ambiguous",
    `Cannot tell which version ${text} is: ${found.map(nameOf).join(", ")}`,
    "Name one by its deployment's id",
  );
}

/** The one that new invocations go to. Of several, which each are the latest of some services, the newest. */
export function latestOf(versions: readonly RegisteredVersion[]): RegisteredVersion | undefined {
  return versions.find((version) => version.latestOf.length > 0);
}

/**
 * The one that was the latest before, of those that were not left. Restate dates a deployment anew when it is registered
 * again, so the list is in the order in which they became the latest.
 *
 * @throws ToolError `nothing-to-roll-back-to`
 */
export function previousOf(versions: readonly RegisteredVersion[]): RegisteredVersion {
  const latest = latestOf(versions);
  const left = leftVersions(versions);
  const previous = versions.find((version) => version !== latest && !left.has(version));
  if (previous !== undefined) return previous;
  const others = versions.filter((version) => version !== latest);
  throw new ToolError({
    code: "nothing-to-roll-back-to",
    message: `Cannot roll back: ${whyNot(latest, others.length)}`,
    hint:
      others.length === 0
        ? "Name an earlier one with --to <version>; while its URL still answers, it is registered anew"
        : "`status` lists them: name one with --to <version>, if it works after all",
    exitCode: EXIT.refused,
  });
}

function whyNot(latest: RegisteredVersion | undefined, others: number): string {
  if (latest === undefined) return "no version is registered";
  if (others === 0) return `${nameOf(latest)} is the only version that Restate knows`;
  return `besides ${nameOf(latest)} there is nothing else: ${count(others, "other version")} ${others === 1 ? "was" : "were"} left before, by a rollback or a deployment that failed`;
}

/** `1a2b3c4d (dp_…)` */
export function nameOf({ deployment, facts }: RegisteredVersion): string {
  return facts === undefined ? deployment.id : `${shortVersion(facts.version)} (${deployment.id})`;
}
