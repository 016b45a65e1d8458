import { type AppFlags, appOf } from "../deployments/app.ts";
import { countInFlight } from "../deployments/in-flight.ts";
import { deploymentNamed, planned, type PruneItem, removeAll, requireDrained } from "../deployments/prune.ts";
import { isServed, planPrune, type PruneBounds, type PruneDecision } from "../deployments/prune-plan.ts";
import { listRegistered, type RegisteredVersion, versionsOf } from "../deployments/registered.ts";
import { servedVersion } from "../deployments/served.ts";
import { count, durationMs, shortVersion } from "../deployments/words.ts";
import { adminClientOf, type RestateSettings } from "../project/restate-settings.ts";
import type { CommandDefinition } from "../tool/command.ts";
import { EXIT } from "../tool/exit-codes.ts";
import type { Reporter } from "../tool/reporter.ts";
import { restateOfProject, type Tool } from "../tool/tool.ts";
import { ToolError, usageError } from "../tool/tool-error.ts";

interface PruneFlags extends AppFlags {
  readonly keep: string;
  readonly olderThan?: string;
  readonly deployment?: string;
  readonly url?: string;
}

interface PruneResult {
  readonly dryRun: boolean;
  /** How many went, or would go. */
  readonly removed: number;
  readonly deployments: readonly PruneItem[];
}

export const prune: CommandDefinition<PruneFlags, PruneResult> = {
  name: "prune",
  about: "removes deployments that nothing needs any more, and their Workers",
  declare: (command) =>
    command
      .option("--app <name>", "name of the app (default: the project's Worker)")
      .option("--keep <number>", "how many of the newest stay besides the latest", "2")
      .option("--older-than <time>", "only those registered longer ago, such as 12h or 7d")
      .option("--deployment <id>", "this one, whoever registered it")
      .option("--url <url>", "the app's own URL: what it serves stays (default: told from its versions')"),
  run: runPrune,
  show: showPrune,
  exitCode: ({ deployments }) =>
    deployments.some(({ outcome }) => outcome === "failed" || outcome === "worker-left") ? EXIT.remote : EXIT.ok,
};

async function runPrune(tool: Tool, flags: PruneFlags): Promise<PruneResult> {
  const bounds = { keep: keepOf(flags), olderThanMs: olderThanOf(flags), nowMs: Date.now() };
  const settings = await restateOfProject(tool);
  const admin = adminClientOf(settings);
  const all = await listRegistered(admin);
  const decisions =
    flags.deployment === undefined
      ? await planOf(tool, versionsOf(await appOf(tool, flags), all), bounds, flags)
      : [await named(tool, flags.deployment, all, settings, flags)];
  const going = decisions.filter(({ action }) => action === "remove").length;
  if (tool.flags.dryRun || going === 0) {
    return { dryRun: tool.flags.dryRun, removed: going, deployments: decisions.map(planned) };
  }
  showPlan(decisions, tool.reporter);
  if (!(await tool.confirm(`Remove ${count(going, "deployment")}? Restate forgets for good what is removed`))) {
    throw new ToolError({ code: "declined", message: "Nothing was removed", exitCode: EXIT.refused });
  }
  const title = `Removing ${count(going, "deployment")}`;
  const items = await tool.reporter.step(title, () => removeAll(tool, admin, decisions, all));
  const removed = items.filter(({ outcome }) => outcome === "removed" || outcome === "worker-left").length;
  return { dryRun: false, removed, deployments: items };
}

async function planOf(
  tool: Tool,
  versions: readonly RegisteredVersion[],
  bounds: PruneBounds,
  { url }: PruneFlags,
): Promise<readonly PruneDecision[]> {
  return planPrune(versions, { ...bounds, served: await servedVersion(tool, versions, url) });
}

async function named(
  tool: Tool,
  id: string,
  all: readonly RegisteredVersion[],
  settings: RestateSettings,
  { url }: PruneFlags,
): Promise<PruneDecision> {
  const registered = deploymentNamed(id, all);
  const { facts } = registered;
  const versions = facts === undefined ? [] : versionsOf(facts.app, all);
  const served = facts === undefined ? undefined : await servedVersion(tool, versions, url);
  const inFlight = (await countInFlight(settings)).get(id) ?? {};
  requireDrained(registered, inFlight, isServed(registered, versions, served));
  return { registered, action: "remove", reason: "named, and drained" };
}

function keepOf({ keep }: PruneFlags): number {
  if (/^\d{1,6}$/.test(keep)) return Number(keep);
  throw usageError("invalid-flag", `Cannot keep ${keep} deployments`, "--keep takes a number from 0 on");
}

function olderThanOf({ olderThan }: PruneFlags): number | undefined {
  const ms = olderThan === undefined ? undefined : durationMs(olderThan);
  if (olderThan === undefined || ms !== undefined) return ms;
  throw usageError("invalid-flag", `Cannot read --older-than ${olderThan}`, "Write it as 90s, 30m, 12h or 7d");
}

function showPlan(decisions: readonly PruneDecision[], reporter: Reporter): void {
  showItems(decisions.map(planned), reporter);
}

/** The table of what went and what stays, and why. */
export function showPrune({ dryRun, removed, deployments }: PruneResult, reporter: Reporter): void {
  const isOnlyPlan = dryRun || removed === 0;
  const unexpected = deployments.filter(({ outcome }) => !["kept", "removed", "would-remove"].includes(outcome));
  showItems(isOnlyPlan ? deployments : unexpected, reporter);
  if (deployments.length === 0) reporter.info("No version of this app is registered");
  else if (removed === 0) reporter.info("\nNothing to remove");
  else reporter.info(`\n${count(removed, "deployment")} ${dryRun ? "would be removed" : "removed"}`);
}

function showItems(items: readonly PruneItem[], reporter: Reporter): void {
  if (items.length === 0) return;
  reporter.table([
    ["DEPLOYMENT", "VERSION", "", "WHY"],
    ...items.map(({ id, version, url, outcome, reason }) => [
      id,
      version === undefined ? url : shortVersion(version),
      OUTCOME[outcome],
      reason,
    ]),
  ]);
}

const OUTCOME: Readonly<Record<PruneItem["outcome"], string>> = {
  removed: "removed",
  "would-remove": "goes",
  kept: "stays",
  needed: "stays, needed since",
  failed: "not removed",
  "worker-left": "removed, but not its Worker",
};
