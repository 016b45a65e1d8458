/** Lets the app's own address serve the version, unless another deployment has taken over. */
import { listRegistered, versionsOf } from "../deployments/registered.ts";
import { waitUntilServed } from "../deployments/wait-served.ts";
import { EXIT } from "../tool/exit-codes.ts";
import { ToolError } from "../tool/tool-error.ts";
import type { Candidate, DeployContext, PlatformDeployer, UploadedVersion } from "./platform-deployer.ts";
import { isLatest } from "./register-version.ts";

/** A registered version on its way to the app's own address. */
export interface Promotion {
  readonly deployer: PlatformDeployer;
  readonly candidate: Candidate;
  readonly version: UploadedVersion;
  readonly deploymentId: string;
  /** What the app's own address served when this deployment began. */
  readonly promoted: string | undefined;
}

/** @throws ToolError `superseded` when another deployment is the latest; `main-not-served` */
export async function promoteVersion(context: DeployContext, promotion: Promotion): Promise<void> {
  const { log } = context;
  const { deployer, candidate, version, promoted } = promotion;
  const { promote } = deployer;
  await requireLatest(context, promotion);
  if (promote === undefined) {
    log.skip("promote", "Promotion", `${deployer.name} has no such step`);
  } else if (promoted === version.version && (await isServed(context, promotion))) {
    log.skip("promote", "Promotion", "the app's own address serves this version already");
  } else {
    await log.run({
      step: "promote",
      title: `Promoting ${version.version}`,
      work: () => promote.call(deployer, context, candidate, version),
      summary: () => "all requests of the app's own address go to it",
    });
    await settle(context, promotion);
  }
  await waitForMain(context, promotion);
}

/** It was when this deployment began; another one may have promoted its own since. */
async function isServed(context: DeployContext, { deployer, candidate, version }: Promotion): Promise<boolean> {
  return (await deployer.promoted(context, candidate)) === version.version;
}

async function requireLatest({ admin, log }: DeployContext, { deploymentId, version }: Promotion): Promise<void> {
  if (await isLatest(admin, deploymentId)) return;
  throw superseded(version.version, "it is not promoted", log.facts);
}

/** Two deployments may have passed the check before at the same time. The one that registered last wins. */
async function settle(
  context: DeployContext,
  { deployer, candidate, version, deploymentId }: Promotion,
): Promise<void> {
  const { admin, log } = context;
  if (await isLatest(admin, deploymentId)) return;
  const versions = versionsOf(candidate.app, await listRegistered(admin));
  const other = versions.find(({ latestOf }) => latestOf.length > 0)?.facts?.version;
  const gaveWay = other !== undefined && (await deployer.giveWay?.(context, candidate, other)) === true;
  const what = gaveWay ? `version ${other} is promoted again` : "that one promotes its version after its own checks";
  throw superseded(version.version, what, log.facts);
}

export function superseded(version: string, what: string, facts: Readonly<Record<string, unknown>>): ToolError {
  return new ToolError({
    code: "superseded",
    message: `Another deployment took over while ${version} was being deployed: ${what}`,
    hint: "`status` tells which version is the latest; deploy again if it should be this one",
    exitCode: EXIT.remote,
    details: { ...facts },
  });
}

async function waitForMain(context: DeployContext, { deployer, version }: Promotion): Promise<void> {
  const { log, tool, options } = context;
  const url = deployer.mainUrl(context, version);
  if (url === undefined) {
    log.skip("main", "The app's own address", "not known; name it with --url to have it checked");
    return;
  }
  log.facts["mainUrl"] = url;
  await log.run({
    step: "main",
    title: "The app's own address",
    work: async (running) => {
      const { timeoutMs } = options;
      const update = (reason: string): void => running.update(reason);
      const health = await waitUntilServed({ url, version: version.version, timeoutMs, signal: tool.signal, update });
      if (health.state !== "ok") throw notServed(version.version, `${url}/health: ${health.detail ?? health.state}`);
    },
    summary: () => `${url} serves it`,
  });
}

function notServed(version: string, reason: string): ToolError {
  return new ToolError({
    code: "main-not-served",
    message: `Version ${version} is registered and promoted, and the app's own address does not serve it: ${reason}`,
    hint: "Run this again to go on waiting; name another address with --url",
    exitCode: EXIT.remote,
  });
}
