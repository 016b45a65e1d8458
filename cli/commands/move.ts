import type { AdminClient } from "../../src/admin/index.ts";
import { type AppFlags, appOf } from "../deployments/app.ts";
import { findMovable, itemOf, moveAll, type MoveItem } from "../deployments/move.ts";
import { deploymentNamed } from "../deployments/prune.ts";
import { listRegistered, type RegisteredVersion, versionsOf } from "../deployments/registered.ts";
import { latestOf, nameOf, versionNamed } from "../deployments/which.ts";
import { count, durationMs } from "../deployments/words.ts";
import type { CommandDefinition } from "../tool/command.ts";
import { EXIT } from "../tool/exit-codes.ts";
import type { Reporter } from "../tool/reporter.ts";
import { adminOf, type Tool } from "../tool/tool.ts";
import { ToolError, usageError } from "../tool/tool-error.ts";

interface MoveFlags extends AppFlags {
  readonly from?: string;
  readonly to: string;
  readonly all: boolean;
  readonly limit: string;
  readonly timeout: string;
}

interface MoveResult {
  readonly dryRun: boolean;
  /** Id of the deployment. */
  readonly to: string;
  /** How many were moved, or would be. */
  readonly moved: number;
  readonly invocations: readonly MoveItem[];
}

/** Without `--all`: those that do not get on by themselves. */
const STUCK = ["backing-off", "paused"];

/** A journal is replayed within that, or nobody waits for it. */
const REPLAY_MS = 5_000;

const WARNING =
  "The other version goes on from the journal that this one wrote. Where its code does not take the same steps in the same" +
  " order, the invocation fails with RT0016 (journal mismatch) and has to be moved back";

export const move: CommandDefinition<MoveFlags, MoveResult> = {
  name: "move",
  about: "lets another version go on with invocations that are stuck on theirs",
  declare: (command) =>
    command
      .option("--app <name>", "name of the app (default: the project's Worker)")
      .option("--from <version>", "version, deployment or git sha (default: all but the latest)")
      .option("--to <version>", "version, deployment or git sha", "latest")
      .option("--all", "also those that are not failing or paused", false)
      .option("--limit <number>", "most invocations", "1000")
      .option("--timeout <time>", "longest wait for one that runs", "60s"),
  run: runMove,
  show: showMove,
  exitCode: ({ invocations }) => (invocations.some(({ outcome }) => FAILED.has(outcome)) ? EXIT.remote : EXIT.ok),
};

const FAILED: ReadonlySet<MoveItem["outcome"]> = new Set(["refused", "pausing", "mismatch"]);

async function runMove(tool: Tool, flags: MoveFlags): Promise<MoveResult> {
  const limit = limitOf(flags);
  const pauseMs = durationMs(flags.timeout);
  if (pauseMs === undefined) throw usageError("invalid-flag", `Cannot read --timeout ${flags.timeout}`, "Such as 60s");
  const admin = await adminOf(tool);
  const { from, to } = await ends(tool, admin, flags);
  const invocations = await findMovable(admin, {
    from: from.map(({ deployment }) => deployment.id),
    to: to.deployment.id,
    statuses: flags.all ? undefined : STUCK,
    limit,
  });
  const result = { dryRun: tool.flags.dryRun, to: to.deployment.id };
  const plan = invocations.map((invocation) => itemOf(invocation, "would-move"));
  if (tool.flags.dryRun || invocations.length === 0) return { ...result, moved: plan.length, invocations: plan };
  showItems(plan, tool.reporter);
  tool.reporter.warn(WARNING);
  const question = `Move ${count(invocations.length, "invocation")} to ${nameOf(to)}?`;
  if (!(await tool.confirm(question))) {
    throw new ToolError({ code: "declined", message: "Nothing was moved", exitCode: EXIT.refused });
  }
  const items = await tool.reporter.step(`Moving ${count(invocations.length, "invocation")}`, (step) => {
    const work = { invocations, to: to.deployment.id, waits: { pauseMs, replayMs: REPLAY_MS, everyMs: 250 } };
    return moveAll(tool, admin, work, (done) => step.update(`${done} of ${invocations.length}`));
  });
  return { ...result, moved: items.filter(({ outcome }) => outcome === "moved").length, invocations: items };
}

async function ends(
  tool: Tool,
  admin: AdminClient,
  flags: MoveFlags,
): Promise<{ readonly from: readonly RegisteredVersion[]; readonly to: RegisteredVersion }> {
  const all = await listRegistered(admin);
  const isForeign = [flags.from, flags.to].every((name) => name?.startsWith("dp_") === true);
  const versions = isForeign ? all : versionsOf(await appOf(tool, flags), all);
  const find = (name: string): RegisteredVersion => {
    if (name.startsWith("dp_")) return deploymentNamed(name, all);
    const found = name === "latest" ? latestOf(versions) : versionNamed(name, versions);
    if (found !== undefined) return found;
    throw usageError("version-unknown", `Restate knows no version ${name} of this app`, "`status` lists them");
  };
  const to = find(flags.to);
  return { to, from: flags.from === undefined ? versions.filter((version) => version !== to) : [find(flags.from)] };
}

function limitOf({ limit }: MoveFlags): number {
  if (/^[1-9]\d{0,5}$/.test(limit)) return Number(limit);
  throw usageError("invalid-flag", `Cannot move ${limit} invocations at most`, "--limit takes a number from 1 on");
}

/** What happened to each, and what is left to do. */
export function showMove({ dryRun, to, moved, invocations }: MoveResult, reporter: Reporter): void {
  if (invocations.length === 0) {
    reporter.info(
      "Nothing to move: no invocation is failing or paused on another version (--all: whatever it is doing)",
    );
    return;
  }
  showItems(invocations, reporter);
  reporter.info(`\n${count(moved, "invocation")} ${dryRun ? "would be moved" : "moved"} to ${to}`);
  if (invocations.some(({ outcome }) => outcome === "pausing")) {
    reporter.warn("Those that are asked to pause stay paused until they are moved or resumed: `move` again");
  }
  const misfit = invocations.find(({ outcome }) => outcome === "mismatch");
  if (misfit !== undefined) reporter.warn(`What does not fit goes back with \`move --from ${to} --to ${misfit.from}\``);
}

function showItems(items: readonly MoveItem[], reporter: Reporter): void {
  reporter.table([
    ["INVOCATION", "TARGET", "WAS", "ON", ""],
    ...items.map(({ id, target, status, from, outcome, reason }) => [
      id,
      target,
      status,
      from,
      `${OUTCOME[outcome]}${reason === undefined ? "" : `: ${reason}`}`,
    ]),
  ]);
}

const OUTCOME: Readonly<Record<MoveItem["outcome"], string>> = {
  moved: "moved",
  "would-move": "moves",
  completed: "completed",
  pausing: "not moved",
  refused: "refused",
  mismatch: "moved, and does not fit",
};
