/** Addresses of an app's versions, told from each other. */
import { addressOfOther, ownAddress } from "../cloudflare/version-address.ts";
import type { VersionFacts } from "./metadata.ts";
import type { RegisteredVersion } from "./registered.ts";

/**
 * The app's own URL, told from that of one of its versions: `https://1a2b3c4d-agents.acme.workers.dev/restate/v/…` is a
 * version of `https://agents.acme.workers.dev`. Undefined where versions have no URLs of this form.
 */
export function mainUrlOf({ deployment, facts }: RegisteredVersion): string | undefined {
  return facts === undefined || deployment.uri === undefined ? undefined : mainUrlOfUri(deployment.uri, facts);
}

/** The same of a version's URI. */
export function mainUrlOfUri(uri: string, { worker, platform, version, app }: VersionFacts): string | undefined {
  if (worker === undefined) return undefined;
  const { origin, protocol, host } = new URL(uri);
  if (platform === "version-url") return ownAddress(origin, worker, version);
  if (platform !== "worker-per-version" || !host.startsWith(`${worker}.`)) return undefined;
  return `${protocol}//${app}${host.slice(worker.length)}`;
}

/** Where another version of the same Worker is, told from the URI of one of them. Undefined where that cannot be told. */
export function uriOfOther(uri: string, facts: VersionFacts, version: string): string | undefined {
  const { worker, platform } = facts;
  const { origin, pathname } = new URL(uri);
  const end = `/v/${facts.version}`;
  if (platform !== "version-url" || worker === undefined || !pathname.endsWith(end)) return undefined;
  const address = addressOfOther(origin, worker, facts.version, version);
  return address === undefined ? undefined : `${address}${pathname.slice(0, -end.length)}/v/${version}`;
}
