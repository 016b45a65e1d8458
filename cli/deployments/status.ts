/** The state of an app: its deployments, what runs on each, and whether each answers. */
import type { Tool } from "../tool/tool.ts";
import { restateOfProject } from "../tool/tool.ts";
import { adminClientOf } from "../project/restate-settings.ts";
import { adviceOn } from "./advice.ts";
import { countInFlight, type InFlight } from "./in-flight.ts";
import { mainUrlOf } from "./main-url.ts";
import { hasOneAddress } from "./metadata.ts";
import { planPrune } from "./prune-plan.ts";
import { listRegistered, type RegisteredVersion, versionsOf } from "./registered.ts";
import { type VersionHealth, versionHealth } from "./version-health.ts";

/** One deployment. */
export interface DeploymentStatus {
  readonly id: string;
  readonly url: string;
  /** Absent: this tool did not register it. */
  readonly app?: string | undefined;
  readonly platform?: string | undefined;
  readonly worker?: string | undefined;
  readonly version?: string | undefined;
  readonly gitSha?: string | undefined;
  /** When it became the latest, ISO 8601: registering it again is a new registration. */
  readonly registeredAt: string;
  readonly services: readonly string[];
  readonly latestOf: readonly string[];
  /** Invocations that began on it and have not completed. */
  readonly pinned: number;
  /** The same by status. */
  readonly inFlight: InFlight;
  readonly health: VersionHealth;
  /** True when `prune` would remove it. */
  readonly prunable: boolean;
}

/** What `status` tells. */
export interface StatusResult {
  /** Absent: all apps. */
  readonly app?: string | undefined;
  readonly deployments: readonly DeploymentStatus[];
  /** The app's own URL, where known: which version it serves. */
  readonly main?: { readonly url: string; readonly health: VersionHealth } | undefined;
  /** True when everything that is needed answers as it should. */
  readonly healthy: boolean;
  /** What to do. */
  readonly advice: readonly string[];
}

/** What is asked for. */
export interface StatusRequest {
  readonly app: string | undefined;
  /** The app's own URL. Default: told from its versions'. */
  readonly url?: string | undefined;
  /** How many `prune` keeps. */
  readonly keep: number;
}

/** More would be a load for the app, and for the eyes. */
const CHECKED_AT_ONCE = 8;

/** Looks at everything once. */
export async function readStatus(tool: Tool, request: StatusRequest): Promise<StatusResult> {
  const settings = await restateOfProject(tool);
  const [all, inFlight] = await Promise.all([listRegistered(adminClientOf(settings)), countInFlight(settings)]);
  const { app } = request;
  const versions = app === undefined ? all : versionsOf(app, all);
  const health = await healthOfAll(tool, versions);
  const main = await mainHealth(tool, app === undefined ? [] : versions, request.url);
  const prunable = prunableOf(all, request.keep, main?.health.version);
  const deployments = versions.map((registered, index) =>
    statusOf(registered, inFlight.get(registered.deployment.id) ?? {}, health[index], prunable),
  );
  const found = { app, deployments, main, others: all.length - versions.length };
  return { app, deployments, main, ...adviceOn(found) };
}

/** Where the app's own URL leads. */
async function mainHealth(
  tool: Tool,
  versions: readonly RegisteredVersion[],
  given: string | undefined,
): Promise<StatusResult["main"]> {
  const latest = versions.find(({ latestOf }) => latestOf.length > 0);
  const url = given ?? (latest === undefined ? undefined : mainUrlOf(latest));
  if (url === undefined) return undefined;
  return { url, health: await versionHealth(url, { expected: latest?.facts?.version, signal: tool.signal }) };
}

async function healthOfAll(tool: Tool, versions: readonly RegisteredVersion[]): Promise<VersionHealth[]> {
  const found: VersionHealth[] = [];
  for (let start = 0; start < versions.length; start += CHECKED_AT_ONCE) {
    const batch = versions.slice(start, start + CHECKED_AT_ONCE);
    found.push(...(await Promise.all(batch.map((registered) => healthOf(tool, registered)))));
  }
  return found;
}

async function healthOf({ signal }: Tool, { deployment, facts }: RegisteredVersion): Promise<VersionHealth> {
  const { uri, headers } = deployment;
  if (uri === undefined) return { state: "unknown", detail: "it has no URL" };
  const health = await versionHealth(uri, { expected: facts?.version, headers, signal });
  if (health.state !== "other-version" || facts === undefined || !hasOneAddress(facts)) return health;
  return { ...health, detail: `is not served now, ${health.version ?? ""} is` };
}

function prunableOf(all: readonly RegisteredVersion[], keep: number, served: string | undefined): ReadonlySet<string> {
  const apps = new Set(all.flatMap(({ facts }) => (facts === undefined ? [] : [facts.app])));
  const plans = [...apps].flatMap((app) => planPrune(versionsOf(app, all), { keep, nowMs: Date.now(), served }));
  return new Set(plans.flatMap(({ action, registered }) => (action === "remove" ? [registered.deployment.id] : [])));
}

function statusOf(
  { deployment, facts, services, latestOf, pinned }: RegisteredVersion,
  inFlight: InFlight,
  health: VersionHealth = { state: "unknown" },
  prunable: ReadonlySet<string>,
): DeploymentStatus {
  const { id, uri, arn, createdAt } = deployment;
  const { app, platform, worker, version, gitSha } = facts ?? {};
  return {
    id,
    url: uri ?? arn ?? "",
    app,
    platform,
    worker,
    version,
    gitSha,
    registeredAt: createdAt,
    services,
    latestOf,
    pinned,
    inFlight,
    health,
    prunable: prunable.has(id),
  };
}
