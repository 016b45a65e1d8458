/** Where a version of a Worker answers. */
import type { Strategy } from "../deploy/options.ts";
import { usageError } from "../tool/tool-error.ts";

/** Characters of a version's id that are part of its address. */
const PREFIX_LENGTH = 8;

export function prefixOf(version: string): string {
  return version.slice(0, PREFIX_LENGTH);
}

/** What makes addresses of versions different ones. */
const OF_A_VERSION: Readonly<Record<Strategy, readonly string[]>> = {
  "version-url": ["{version}", "{prefix}"],
  "worker-per-version": ["{worker}", "{version}", "{prefix}"],
};

/**
 * One address for all versions would be changed under runs in flight by each deployment.
 *
 * @throws ToolError `version-url` when `--version-url` is one, or no URL.
 */
export function requireAddressOfVersion(template: string, strategy: Strategy): void {
  const places = OF_A_VERSION[strategy];
  if (!places.some((place) => template.includes(place))) {
    throw usageError(
      "version-url",
      `Cannot use --version-url ${template}: every version would have the same address`,
      `Say where the version's name goes, with ${places.join(" or ")}, such as https://{prefix}-{worker}.agents.example.com; the app's own address is --url`,
    );
  }
  if (URL.canParse(fromTemplate(template, "worker", "0123456789"))) return;
  throw usageError("version-url", `Cannot use --version-url ${template}: filled in, it is no URL`);
}

/** Fills `--version-url` in. */
export function fromTemplate(template: string, worker: string, version: string): string {
  return template
    .replaceAll("{version}", version)
    .replaceAll("{prefix}", prefixOf(version))
    .replaceAll("{worker}", worker);
}

/**
 * The address of a version, from that of its Worker: `https://agents.acme.workers.dev` has versions at
 * `https://1a2b3c4d-agents.acme.workers.dev`. Undefined for other domains: versions are not there.
 *
 * @param targets What `wrangler deploy` said it deployed to: addresses, routes, schedules.
 */
export function addressInTargets(targets: readonly unknown[], worker: string, version: string): string | undefined {
  const own = workersDev(targets, worker);
  return own === undefined ? undefined : withPrefix(own, version);
}

/** The Worker's own address below workers.dev. */
export function workersDev(targets: readonly unknown[], worker: string): string | undefined {
  return targets.find(
    (target): target is string =>
      typeof target === "string" && target.startsWith(`https://${worker}.`) && target.endsWith(".workers.dev"),
  );
}

/** The address of the Worker itself, from that of a version. Undefined when the version's has another form. */
export function ownAddress(url: string, worker: string, version: string): string | undefined {
  const { protocol, host } = new URL(url);
  const start = `${prefixOf(version)}-`;
  return host.startsWith(`${start}${worker}.`) ? `${protocol}//${host.slice(start.length)}` : undefined;
}

/** The address of another version of the same Worker. Undefined when the known one has another form. */
export function addressOfOther(url: string, worker: string, version: string, other: string): string | undefined {
  const own = ownAddress(url, worker, version);
  return own === undefined ? undefined : withPrefix(own, other);
}

function withPrefix(own: string, version: string): string {
  return own.replace("://", `://${prefixOf(version)}-`);
}
