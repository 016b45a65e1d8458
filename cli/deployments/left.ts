/**
 * Versions that were left, because they did not work: by `rollback`, or by `deploy` when it went back. The version that became
 * the latest instead names them in its metadata. Nobody goes back to them unless they are named, and they count for nothing
 * in what `prune` keeps. One that was registered again since then has had its second chance.
 */
import { ROLLED_BACK_FROM } from "./metadata.ts";
import type { RegisteredVersion } from "./registered.ts";

const SEPARATOR = ",";

/** Those of an app's versions, the newest first, that a newer registration names. */
export function leftVersions(versions: readonly RegisteredVersion[]): ReadonlySet<RegisteredVersion> {
  const named = new Set<string>();
  const left = new Set<RegisteredVersion>();
  for (const registered of versions) {
    const { deployment, facts } = registered;
    if (facts !== undefined && named.has(facts.version)) left.add(registered);
    for (const name of deployment.metadata?.[ROLLED_BACK_FROM]?.split(SEPARATOR) ?? []) named.add(name);
  }
  return left;
}

/**
 * Metadata of a version that becomes the latest in place of `from`. It names those that were left earlier, too: this
 * registration replaces the one that may have named them.
 *
 * @param from Undefined: no version was the latest.
 */
export function leaving(
  version: string,
  from: string | undefined,
  versions: readonly RegisteredVersion[],
): Readonly<Record<string, string>> {
  const earlier = [...leftVersions(versions)].map(({ facts }) => facts?.version);
  const names = [...new Set([from, ...earlier])].filter((name) => name !== undefined && name !== version);
  return { [ROLLED_BACK_FROM]: names.join(SEPARATOR) };
}
