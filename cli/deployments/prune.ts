/** Removes deployments that nothing needs. */
import type { AdminClient } from "../../src/admin/index.ts";
import { RestateRefusedError } from "../../src/errors/restate-refused-error.ts";
import { isNoWorker, runWrangler } from "../cloudflare/wrangler.ts";
import { EXIT } from "../tool/exit-codes.ts";
import { projectOf, type Tool } from "../tool/tool.ts";
import { ToolError, usageError } from "../tool/tool-error.ts";
import { type InFlight, inFlightText } from "./in-flight.ts";
import { neededBy, type PruneDecision, SERVED, workerOnlyOf } from "./prune-plan.ts";
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
  for (const { registered, action, reason } of decisions) {
    tool.signal.throwIfAborted();
    items.push(action === "keep" ? itemOf(registered, "kept", reason) : await remove(tool, admin, registered, all));
  }
  return items;
}

/** What a decision comes to when nothing is changed. */
export function planned({ registered, action, reason }: PruneDecision): PruneItem {
  return itemOf(registered, action === "keep" ? "kept" : "would-remove", reason);
}

async function remove(
  tool: Tool,
  admin: AdminClient,
  registered: RegisteredVersion,
  all: readonly RegisteredVersion[],
): Promise<PruneItem> {
  const { id } = registered.deployment;
  try {
    // Somebody may have moved an invocation to it, or made it the latest, while the question was open.
    const { drained, pinnedInvocations, latestOf } = await admin.deployments.drained(id);
    if (!drained) return itemOf(registered, "needed", neededBy({ latestOf, pinned: pinnedInvocations }) ?? "");
    await admin.deployments.remove(id).catch(unlessGone);
  } catch (error) {
    return itemOf(registered, "failed", messageOf(error));
  }
  const worker = workerOnlyOf(registered, all);
  if (worker === undefined) return itemOf(registered, "removed", "drained");
  return { ...(await removeWorker(tool, registered, worker)), worker };
}

/** Only after Restate forgot it: a Worker that is gone while Restate still calls it would be worse than one too many. */
async function removeWorker(tool: Tool, registered: RegisteredVersion, worker: string): Promise<PruneItem> {
  try {
    const project = await projectOf(tool);
    if (project.worker.name === worker) return itemOf(registered, "removed", "its Worker is the app's own, and stays");
    await runWrangler(tool, project, { args: ["delete", "--name", worker, "--force"] });
    return itemOf(registered, "removed", "drained");
  } catch (error) {
    tool.signal.throwIfAborted();
    if (isNoWorker(error)) return itemOf(registered, "removed", "drained; its Worker was gone already");
    const reason = `${messageOf(error)}; remove it by hand: wrangler delete --name ${worker} --force`;
    return itemOf(registered, "worker-left", reason);
  }
}

function unlessGone(error: unknown): void {
  if (!(error instanceof RestateRefusedError) || error.code !== 404) throw error;
}

function itemOf({ deployment, facts }: RegisteredVersion, outcome: PruneOutcome, reason: string): PruneItem {
  const { id, uri, arn } = deployment;
  return { id, url: uri ?? arn ?? "", version: facts?.version, outcome, reason };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error);
}
