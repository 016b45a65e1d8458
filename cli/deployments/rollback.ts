/**
 * Makes an earlier version the latest again.
 *
 * - B1 The version's URL has to answer as that version before anything is changed.
 * - B2 Registering its URI again with `force` makes it the latest (restate-server 1.7): what is served there is what was
 *   served there before, because a version URL is immutable. Invocations that are pinned elsewhere are not touched.
 * - B3 What was registered with it (headers, HTTP version, metadata) is registered again.
 * - B4 A rollback that was interrupted goes on when it is run again: its registration says what it rolled back from, and as long
 *   as the app's own URL does not serve the version, that one is meant, not the one before it.
 * - B5 Without a name, it goes to no version that was left before: see left.ts.
 */
import {
  type AdminClient,
  type HttpRegistration,
  type RegistrationReport,
  registerWithReport,
} from "../../src/admin/index.ts";
import { EXIT } from "../tool/exit-codes.ts";
import type { Tool } from "../tool/tool.ts";
import { ToolError, usageError } from "../tool/tool-error.ts";
import { leaving } from "./left.ts";
import { uriOfOther } from "./main-url.ts";
import { metadataOf, ROLLED_BACK_FROM, type VersionFacts } from "./metadata.ts";
import type { RegisteredVersion } from "./registered.ts";
import { toolVersion } from "../tool/version.ts";
import { versionHealth } from "./version-health.ts";
import { latestOf, nameOf, previousOf, versionNamed } from "./which.ts";
import { shortVersion } from "./words.ts";

/** Where to go back to. */
export interface RollbackTarget {
  readonly facts: VersionFacts;
  readonly uri: string;
  /** Absent: Restate has forgotten it, and is told anew. */
  readonly deploymentId?: string | undefined;
  readonly registration: HttpRegistration;
  /** New invocations go to it already; the app's own URL does not serve it. */
  readonly isLatest: boolean;
}

/** Ids that Cloudflare gives to versions. */
const VERSION_ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/**
 * The version that is meant; without a name, the one that was the latest before.
 *
 * @param served The version that the app's own URL serves, where known.
 * @param versionUrl Where versions are served, as for `deploy`: for one that Restate has forgotten.
 * @throws ToolError `version-unknown`, `version-ambiguous`, `nothing-to-roll-back-to`, `already-latest`
 */
export function rollbackTarget(
  name: string | undefined,
  versions: readonly RegisteredVersion[],
  served: string | undefined,
  versionUrl?: string,
): RollbackTarget {
  const latest = latestOf(versions);
  const found =
    name === undefined ? (unfinished(latest, served) ?? previousOf(versions)) : versionNamed(name, versions);
  const isLatest = found !== undefined && found === latest && latest.latestOf.length === latest.services.length;
  if (isLatest && !mayPromote(found, served)) {
    throw new ToolError({
      code: "already-latest",
      message: `Cannot roll back to ${nameOf(found)}: new invocations go to it already`,
      exitCode: EXIT.refused,
    });
  }
  const target = found === undefined ? forgotten(name ?? "", versions, versionUrl) : known(found, isLatest, versions);
  if (target !== undefined) return target;
  throw usageError(
    "version-unknown",
    `Cannot find the version ${name ?? ""}: Restate knows none of this id, version or git sha`,
    "`status` lists them. One that was pruned is found by its whole version id, while its URL still answers; --version-url says where, if that is not below workers.dev",
  );
}

/** B4 */
function unfinished(latest: RegisteredVersion | undefined, served: string | undefined): RegisteredVersion | undefined {
  const isRollback = latest?.deployment.metadata?.[ROLLED_BACK_FROM] !== undefined;
  return isRollback && served !== undefined && mayPromote(latest, served) ? latest : undefined;
}

/** Where the app's own URL is not known, promoting again does no harm. */
function mayPromote({ facts }: RegisteredVersion, served: string | undefined): boolean {
  return facts?.platform === "version-url" && served !== facts.version;
}

function known(
  { deployment, facts }: RegisteredVersion,
  isLatest: boolean,
  versions: readonly RegisteredVersion[],
): RollbackTarget | undefined {
  const { uri, headers, httpVersion, auth, metadata: earlier } = deployment;
  if (uri === undefined || facts === undefined) return undefined;
  const metadata = { ...earlier, ...leaving(facts.version, latestOf(versions)?.facts?.version, versions) };
  const registration = { uri, headers, auth, metadata, http11: httpVersion === "HTTP/1.1" };
  return { facts, uri, deploymentId: deployment.id, registration, isLatest };
}

/** One that Restate has forgotten is where its siblings are, or where `--version-url` says. */
function forgotten(
  version: string,
  versions: readonly RegisteredVersion[],
  versionUrl: string | undefined,
): RollbackTarget | undefined {
  const sibling = versions.find(({ facts }) => facts?.platform === "version-url");
  if (!VERSION_ID.test(version) || sibling?.facts === undefined) return undefined;
  const { deployment } = sibling;
  const uri = uriOfOther(deployment.uri ?? "", sibling.facts, version, versionUrl);
  if (uri === undefined) return undefined;
  const { app, platform, worker } = sibling.facts;
  // Nobody remembers which code it is: the next deploy of the same code does not find it.
  const facts: VersionFacts = { app, platform, version, fingerprint: "", worker, tool: toolVersion() };
  const { headers, httpVersion } = deployment;
  const metadata = { ...metadataOf(facts), ...leaving(version, latestOf(versions)?.facts?.version, versions) };
  const registration = { uri, headers, metadata, http11: httpVersion === "HTTP/1.1" };
  return { facts, uri, registration, isLatest: false };
}

/** @throws ToolError `version-not-served` when something else, or nothing, answers there. */
export async function requireServed(tool: Tool, { facts, uri, registration }: RollbackTarget): Promise<void> {
  const { headers } = registration;
  const health = await versionHealth(uri, { expected: facts.version, headers, signal: tool.signal });
  if (health.state === "ok") return;
  throw new ToolError({
    code: "version-not-served",
    message: `Cannot roll back to ${shortVersion(facts.version)}: ${new URL(uri).origin} ${health.detail ?? health.state}`,
    hint: "Nothing was changed. Choose another version with --to, or check out its commit and deploy it",
    exitCode: EXIT.remote,
    details: { version: facts.version, uri, health },
  });
}

/** What registering it again changes. @throws ToolError `registration-refused` */
export async function dryRun(admin: AdminClient, { registration, facts }: RollbackTarget): Promise<RegistrationReport> {
  const report = await registerWithReport(admin, { ...registration, force: true, dryRun: true });
  if (report.refusal === undefined) return report;
  throw new ToolError({
    code: "registration-refused",
    message: `Cannot register version ${shortVersion(facts.version)} again: ${report.refusal.reason}`,
    hint: "Nothing was changed",
    exitCode: EXIT.refused,
    details: { refusal: report.refusal },
  });
}

/** Makes it the latest. */
export function registerAgain(admin: AdminClient, { registration }: RollbackTarget): Promise<RegistrationReport> {
  return registerWithReport(admin, { ...registration, force: true });
}

/** What an operator has to know before it happens. */
export function consequences(
  target: RollbackTarget,
  report: RegistrationReport,
  versions: readonly RegisteredVersion[],
): readonly string[] {
  const latest = latestOf(versions);
  const back = new Set(report.services.map(({ name }) => name));
  const missing = latest?.latestOf.filter((name) => !back.has(name)) ?? [];
  const lost = report.services.flatMap(({ name, removedHandlers }) => removedHandlers.map((one) => `${name}/${one}`));
  const changed = report.services.filter(({ breaking, change }) => breaking && change !== "removed");
  return [
    ...(missing.length === 0 || latest === undefined
      ? []
      : [`It has no ${missing.join(", ")}: new invocations of that still go to ${nameOf(latest)}`]),
    ...(lost.length === 0 ? [] : [`It has no handler ${lost.join(", ")}: callers of that fail`]),
    ...changed.map(({ name, type, previous }) => `${name} becomes a ${type} again, from a ${previous?.type ?? "?"}`),
    ...(target.facts.platform === "version-url"
      ? [
          "A version of a Worker keeps the secrets that it was uploaded with: one that was changed since then is the old one again",
        ]
      : []),
  ];
}
