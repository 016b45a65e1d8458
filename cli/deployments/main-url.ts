/** Addresses of a Worker's versions, told from each other. */
import type { RegisteredVersion } from "./registered.ts";
import type { VersionFacts } from "./metadata.ts";

const PREFIX_LENGTH = 8;

/**
 * The app's own URL, told from that of one of its versions: `https://1a2b3c4d-agents.acme.workers.dev/restate/v/…` is a
 * version of `https://agents.acme.workers.dev`. Undefined where versions have no URLs of this form.
 */
export function mainUrlOf({ deployment, facts }: RegisteredVersion): string | undefined {
  return facts === undefined || deployment.uri === undefined ? undefined : mainUrlOfUri(deployment.uri, facts);
}

/** The same of a version's URI. */
export function mainUrlOfUri(uri: string, facts: VersionFacts): string | undefined {
  if (facts.worker === undefined || facts.platform !== "version-url") return undefined;
  const { protocol, host } = new URL(uri);
  const prefix = `${facts.version.slice(0, PREFIX_LENGTH)}-${facts.worker}`;
  return host.startsWith(`${prefix}.`) ? `${protocol}//${facts.worker}${host.slice(prefix.length)}` : undefined;
}

/** Where another version of the same app is, told from the URI of one of them. Undefined when the URI names no version. */
export function uriOfOther(uri: string, facts: VersionFacts, version: string): string | undefined {
  const url = new URL(uri);
  const end = `/v/${facts.version}`;
  if (!url.pathname.endsWith(end)) return undefined;
  const path = `${url.pathname.slice(0, -end.length)}/v/${version}`;
  const prefix = `${facts.version.slice(0, PREFIX_LENGTH)}-`;
  if (facts.platform !== "version-url") return undefined;
  const host = url.host.startsWith(prefix)
    ? `${version.slice(0, PREFIX_LENGTH)}-${url.host.slice(prefix.length)}`
    : url.host;
  return `${url.protocol}//${host}${path}`;
}
