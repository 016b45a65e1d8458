/** Removes deployments that nothing needs. */
import type { AdminClient } from "../../src/admin/index.ts";
import { RestateRefusedError } from "../../src/errors/restate-refused-error.ts";
import { AppRemover } from "../deno-deploy/app-remover.ts";
import { EXIT } from "../tool/exit-codes.ts";
import type { Tool } from "../tool/tool.ts";
import { ToolError, usageError } from "../tool/tool-error.ts";
import { type InFlight, inFlightText } from "./in-flight.ts";
import { neededBy, type PruneDecision, SERVED, workerOnlyOf } from "./prune-plan.ts";
import { messageOf, type VersionRemover, WorkerRemover, type WorkerRemoval } from "./prune-worker.ts";
import type { RegisteredVersion } from "./registered.ts";

/**
 * - `removed`, and `would-remove` of a dry run.
 * - `kept`: for `reason`. `needed`: it was to go, and something needs it since then.
 * - `failed`: for `reason`; it is still there. `worker-left`: Restate forgot it, its Worker is still there.
 */
export type PruneOutcome = "removed" | "would-remove" | "kept" | "needed" | "failed" | "worker-left";

/** What became of one deployment. */
export interface PruneItem {
  readonly id: string;
  readonly url: string;
  readonly version?: string | undefined;
  readonly outcome: PruneOutcome;
  readonly reason: string;
  /** The Worker that was removed with it, or is left. */
  readonly worker?: string | undefined;
}

/** Finds a deployment by its id. @throws ToolError `deployment-unknown` */
export function deploymentNamed(id: string, all: readonly RegisteredVersion[]): RegisteredVersion {
  const found = all.find(({ deployment }) => deployment.id === id);
  if (found !== undefined) return found;
  throw usageError("deployment-unknown", `Restate knows no deployment ${id}`, "`status --all` lists them");
}

/**
 * @param served True when the app's own URL serves it.
 * @throws ToolError `deployment-needed` (exit code 3) when it is not drained, or served.
 */
export function requireDrained(registered: RegisteredVersion, inFlight: InFlight, served: boolean): void {
  const { deployment, latestOf, pinned } = registered;
  const needed = neededBy(registered) ?? (served ? SERVED : undefined);
  if (needed === undefined) return;
  const detail = pinned === 0 ? "" : ` (${inFlightText(inFlight)})`;
  throw new ToolError({
    code: "deployment-needed",
    message: `Cannot remove ${deployment.id}: ${needed}${detail}`,
    hint:
      latestOf.length > 0 || pinned === 0
        ? "Deploy or roll back first, so that another one is the latest"
        : `Wait until they have completed, or move them: restate-edge-agents move --from ${deployment.id} --all`,
    exitCode: EXIT.refused,
    details: { deployment: deployment.id, pinned, inFlight, latestOf },
  });
}

/** Removes what is to go, one after another. A failure does not stop the others. */
export async function removeAll(
  tool: Tool,
  admin: AdminClient,
  decisions: readonly PruneDecision[],
  all: readonly RegisteredVersion[],
): Promise<readonly PruneItem[]> {
  const items: PruneItem[] = [];
  const workers = new WorkerRemover(tool, admin);
  const apps = new AppRemover(tool, admin);
  for (const { registered, action, reason } of decisions) {
    tool.signal.throwIfAborted();
    items.push(
      action === "keep"
        ? itemOf(registered, "kept", reason)
        : await remove(admin, registered.facts?.platform === "deno-deploy" ? apps : workers, registered, all),
    );
  }
  return items;
}

/** What a decision comes to when nothing is changed. */
export function planned({ registered, action, reason }: PruneDecision): PruneItem {
  return itemOf(registered, action === "keep" ? "kept" : "would-remove", reason);
}

async function remove(
  admin: AdminClient,
  workers: VersionRemover,
  registered: RegisteredVersion,
  all: readonly RegisteredVersion[],
): Promise<PruneItem> {
  const { id } = registered.deployment;
  const worker = workerOnlyOf(registered, all);
  try {
    if (worker !== undefined) await workers.requireUsable(worker);
    // Somebody may have moved an invocation to it, or made it the latest, while the question was open.
    const { drained, pinnedInvocations, latestOf } = await admin.deployments.drained(id);
    if (!drained) return itemOf(registered, "needed", neededBy({ latestOf, pinned: pinnedInvocations }) ?? "");
    await admin.deployments.remove(id).catch(unlessGone);
  } catch (error) {
    return itemOf(registered, "failed", messageOf(error));
  }
  if (worker === undefined) return itemOf(registered, "removed", "drained");
  const { outcome, reason } = await workers.remove(registered, worker);
  return { ...itemOf(registered, OUTCOME[outcome], reason), worker };
}

const OUTCOME: Readonly<Record<WorkerRemoval["outcome"], PruneOutcome>> = {
  removed: "removed",
  kept: "removed",
  left: "worker-left",
};

function unlessGone(error: unknown): void {
  if (!(error instanceof RestateRefusedError) || error.code !== 404) throw error;
}

function itemOf({ deployment, facts }: RegisteredVersion, outcome: PruneOutcome, reason: string): PruneItem {
  const { id, uri, arn } = deployment;
  return { id, url: uri ?? arn ?? "", version: facts?.version, outcome, reason };
}
