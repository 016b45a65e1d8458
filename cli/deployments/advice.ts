/** What an operator should do about the state of an app. */
import type { DeploymentStatus, StatusResult } from "./status.ts";
import type { HealthState } from "./version-health.ts";
import { count, shortVersion } from "./words.ts";

/** What was found. */
export interface Findings extends Pick<StatusResult, "app" | "deployments" | "main"> {
  /** Deployments of other apps, and those that this tool did not register. */
  readonly others: number;
}

const UNWELL: ReadonlySet<HealthState> = new Set(["other-version", "unversioned", "failing", "unreachable"]);

/** Judges it. `healthy`: everything that new or pinned invocations need answers as it should. */
export function adviceOn(findings: Findings): Pick<StatusResult, "healthy" | "advice"> {
  const { deployments } = findings;
  const unwell = deployments.filter((one) => isNeeded(one) && UNWELL.has(one.health.state));
  const advice = [
    ...nothingRegistered(findings),
    ...unwell.map(aboutUnwell),
    ...aboutMain(findings),
    ...aboutStuck(deployments),
    ...aboutPrunable(deployments),
  ];
  const healthy = deployments.length > 0 && unwell.length === 0 && aboutMain(findings).length === 0;
  return { healthy, advice };
}

/** True when new invocations go to it, or earlier ones are pinned to it. */
export function isNeeded({ latestOf, pinned }: Pick<DeploymentStatus, "latestOf" | "pinned">): boolean {
  return latestOf.length > 0 || pinned > 0;
}

function nothingRegistered({ app, deployments, others }: Findings): string[] {
  if (deployments.length > 0) return [];
  const what = app === undefined ? "Nothing is registered" : `No version of ${app} is registered with this tool`;
  const elsewhere = others === 0 ? "" : `; ${count(others, "other deployment")}: \`status --all\``;
  return [`${what}: \`deploy\`${elsewhere}`];
}

function aboutUnwell({ id, health, pinned, latestOf }: DeploymentStatus): string {
  const concerned = latestOf.length > 0 ? "new invocations fail" : `${count(pinned, "invocation")} cannot go on`;
  const remedy =
    latestOf.length > 0
      ? "`rollback` to a version that answers, or `deploy`"
      : `bring that version back, or \`move --from ${id} --all\``;
  return `${id} ${health.detail ?? health.state}: ${concerned} until it answers; ${remedy}`;
}

function aboutMain({ deployments, main }: Findings): string[] {
  if (main === undefined || main.health.state === "ok") return [];
  const { url, health } = main;
  if (health.state !== "other-version") return [`${url} ${health.detail ?? health.state}`];
  const latest = deployments.find(({ latestOf }) => latestOf.length > 0)?.version ?? "";
  const served = shortVersion(health.version ?? "");
  return [
    `${url} serves version ${served}, new invocations go to ${shortVersion(latest)}: \`deploy\` again, or \`rollback --to ${served}\``,
  ];
}

function aboutStuck(deployments: readonly DeploymentStatus[]): string[] {
  return deployments.flatMap(({ id, inFlight, latestOf }) => {
    const paused = inFlight["paused"] ?? 0;
    const failing = inFlight["backing-off"] ?? 0;
    if (paused + failing === 0) return [];
    const found = [...(paused === 0 ? [] : [`${paused} paused`]), ...(failing === 0 ? [] : [`${failing} failing`])];
    const remedy =
      latestOf.length > 0
        ? "`journal <invocation>` tells why"
        : `\`move --from ${id}\`, if the latest can go on with them`;
    return [`${id} has ${found.join(" and ")}: ${remedy}`];
  });
}

function aboutPrunable(deployments: readonly DeploymentStatus[]): string[] {
  const drained = deployments.filter(({ prunable }) => prunable).length;
  return drained === 0 ? [] : [`${count(drained, "deployment")} drained and not the latest: \`prune\``];
}
