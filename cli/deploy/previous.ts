/** The version before: where a deployment goes back to when the new one turns out not to work. */
import type { AdminClient } from "../../src/admin/index.ts";
import { leaving, leftVersions } from "../deployments/left.ts";
import type { VersionFacts } from "../deployments/metadata.ts";
import { listRegistered, type RegisteredVersion, versionsOf } from "../deployments/registered.ts";
import { versionHealth } from "../deployments/version-health.ts";

/** What came of going back. */
export interface PutBack {
  /** The deployment that is the latest now. */
  readonly deploymentId?: string | undefined;
  readonly version?: string | undefined;
  /** Why it could not be put back. */
  readonly failure?: string | undefined;
}

const LONGEST_MS = 20_000;

/**
 * The version to go back to: the one that the app's own address serves, as it has been tried out; otherwise the one that was
 * the latest last. Never one that was left because it did not work.
 *
 * @param newUri The version that is deployed: never this one.
 */
export async function previousVersion(
  admin: AdminClient,
  app: string,
  newUri: string,
  promoted: string | undefined,
): Promise<RegisteredVersion | undefined> {
  const versions = versionsOf(app, await listRegistered(admin));
  const left = leftVersions(versions);
  const others = versions.filter((version) => version.deployment.uri !== newUri && !left.has(version));
  return others.find(({ facts }) => facts?.version === promoted) ?? others[0];
}

/**
 * Makes a deployment the latest again, after seeing that its version answers. Its metadata says which one was left. It works
 * after Ctrl-C, too: it has a time limit of its own. It never throws.
 *
 * @param leftId Id of the deployment that did not work.
 */
export async function putBack(
  admin: AdminClient,
  previous: RegisteredVersion | undefined,
  leftId: string,
): Promise<PutBack> {
  if (previous === undefined) return { failure: "there is no version before" };
  const { deployment, facts } = previous;
  const { id, uri, headers, httpVersion, auth } = deployment;
  if (uri === undefined || facts === undefined) return { failure: `${id} was not registered by this tool` };
  try {
    const signal = AbortSignal.timeout(LONGEST_MS);
    const health = await versionHealth(uri, { expected: facts.version, headers, signal });
    if (health.state !== "ok") return { failure: `${uri} ${health.detail ?? health.state}` };
    const http11 = httpVersion === "HTTP/1.1" && uri.startsWith("http:");
    const metadata = { ...deployment.metadata, ...(await leftMetadata(admin, facts, leftId)) };
    await admin.deployments.register({ uri, headers, auth, metadata, force: true, ...(http11 ? { http11 } : {}) });
    return { deploymentId: id, version: facts.version };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

/** Without it, too, the version is put back: that is more important. */
async function leftMetadata(
  admin: AdminClient,
  { app, version }: VersionFacts,
  leftId: string,
): Promise<Readonly<Record<string, string>>> {
  const versions = versionsOf(app, await listRegistered(admin).catch(() => []));
  const left = versions.find(({ deployment }) => deployment.id === leftId)?.facts?.version;
  return left === undefined ? {} : leaving(version, left, versions);
}
