/** The deployments of one app, with everything that decides what may be done with them. */
import type { AdminClient, Deployment } from "../../src/admin/index.ts";
import { factsIn, type VersionFacts } from "./metadata.ts";

/** A deployment as Restate knows it. */
export interface RegisteredVersion {
  readonly deployment: Deployment;
  /** Undefined for a deployment that this tool did not register. */
  readonly facts: VersionFacts | undefined;
  /** Names of its services. */
  readonly services: readonly string[];
  /** Those of them whose new invocations go to it. */
  readonly latestOf: readonly string[];
  /** Invocations that began on it and have not completed; sleeping and paused ones count. */
  readonly pinned: number;
}

/** All deployments, the newest first. */
export async function listRegistered(admin: AdminClient): Promise<readonly RegisteredVersion[]> {
  const [deployments, services, pinned] = await Promise.all([
    admin.deployments.list(),
    admin.services.list(),
    admin.deployments.pinnedInvocations(),
  ]);
  const registered = deployments.map((deployment) => ({
    deployment,
    facts: factsIn(deployment.metadata),
    services: deployment.services.map(({ name }) => name).sort(),
    latestOf: services
      .filter(({ deploymentId }) => deploymentId === deployment.id)
      .map(({ name }) => name)
      .sort(),
    pinned: pinned.get(deployment.id) ?? 0,
  }));
  return registered.sort((a, b) => (a.deployment.createdAt < b.deployment.createdAt ? 1 : -1));
}

/** Those of one app. */
export function versionsOf(app: string, registered: readonly RegisteredVersion[]): readonly RegisteredVersion[] {
  return registered.filter(({ facts }) => facts?.app === app);
}
