/** Addresses of an app's versions, told from each other. */
import { addressOfOther, fromTemplate, ownAddress } from "../cloudflare/version-address.ts";
import { hasOneAddress, type VersionFacts } from "./metadata.ts";
import type { RegisteredVersion } from "./registered.ts";

/** `<first 8 of the version's id>-<worker>.<subdomain>…` */
export const VERSION_HOST = /^([0-9a-f]{8})-(.+)$/;

/**
 * The app's own URL, told from that of one of its versions: `https://1a2b3c4d-agents.acme.workers.dev/restate/v/…` is a
 * version of `https://agents.acme.workers.dev`. Undefined where versions have no URLs of this form.
 */
export function mainUrlOf({ deployment, facts }: RegisteredVersion): string | undefined {
  return facts === undefined || deployment.uri === undefined ? undefined : mainUrlOfUri(deployment.uri, facts);
}

/**
 * The same, where it is better to try an address than to know none: one address serves all versions of a server that somebody
 * else runs, and a deployment that this tool did not register may have a version's URL, or the app's own.
 */
export function likelyMainUrlOf(registered: RegisteredVersion): string | undefined {
  const { deployment, facts } = registered;
  if (deployment.uri === undefined) return undefined;
  const { origin, protocol, host } = new URL(deployment.uri);
  if (facts === undefined) return `${protocol}//${host.replace(VERSION_HOST, "$2")}`;
  return hasOneAddress(facts) ? origin : mainUrlOf(registered);
}

/** The same of a version's URI. */
export function mainUrlOfUri(uri: string, { worker, platform, version, app }: VersionFacts): string | undefined {
  if (worker === undefined) return undefined;
  const { origin, protocol, host } = new URL(uri);
  if (platform === "version-url") return ownAddress(origin, worker, version);
  // An app of its own for each version is called `<app>-…`, as its Worker is.
  if (!host.startsWith(`${worker}.`)) return undefined;
  return `${protocol}//${app}${host.slice(worker.length)}`;
}

/**
 * Where another version of the same Worker is, told from the URI of one of them. Undefined where that cannot be told.
 *
 * @param template `--version-url`: where versions are served.
 */
export function uriOfOther(
  uri: string,
  facts: VersionFacts,
  version: string,
  template: string | undefined,
): string | undefined {
  const { worker, platform } = facts;
  const { origin, pathname } = new URL(uri);
  const end = `/v/${facts.version}`;
  if (platform !== "version-url" || worker === undefined || !pathname.endsWith(end)) return undefined;
  const address =
    template === undefined
      ? addressOfOther(origin, worker, facts.version, version)
      : fromTemplate(template, worker, version);
  return address === undefined ? undefined : `${address}${pathname.slice(0, -end.length)}/v/${version}`;
}
