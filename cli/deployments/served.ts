/** What the app's own URL serves. */
import type { Tool } from "../tool/tool.ts";
import { mainUrlOf } from "./main-url.ts";
import type { RegisteredVersion } from "./registered.ts";
import { versionHealth } from "./version-health.ts";
import { latestOf } from "./which.ts";

/**
 * The version that the app's own URL serves; undefined where it cannot be told.
 *
 * @param given The URL. Undefined: told from that of the latest version.
 */
export async function servedVersion(
  { signal }: Pick<Tool, "signal">,
  versions: readonly RegisteredVersion[],
  given: string | undefined,
): Promise<string | undefined> {
  const latest = latestOf(versions);
  const url = given ?? (latest === undefined ? undefined : mainUrlOf(latest));
  return url === undefined ? undefined : (await versionHealth(url, { signal })).version;
}
