/**
 * Removes the Workers of versions that had one of their own.
 *
 * - W1 Whether wrangler can be used is asked before Restate forgets the first of them: a Worker that nothing names any more would
 *   stay for ever.
 * - W2 A Worker goes only after Restate has forgotten its deployment: one too many is better than one that is called and gone.
 * - W3 Right before that, the deployments are listed again: the same code may have been deployed meanwhile, and that has the same
 *   Worker.
 */
import type { AdminClient, Deployment } from "../../src/admin/index.ts";
import { isNoWorker, runWrangler } from "../cloudflare/wrangler.ts";
import { listVersions } from "../cloudflare/versions.ts";
import type { Project } from "../project/project.ts";
import { projectOf, type Tool } from "../tool/tool.ts";
import { listRegistered, type RegisteredVersion } from "./registered.ts";

/** What became of a Worker. `left`: it could not be removed. */
export interface WorkerRemoval {
  readonly outcome: "removed" | "kept" | "left";
  readonly reason: string;
}

/** Removes what served versions, on one platform. */
export interface VersionRemover {
  /** W1. Asked of each that is to go. @throws ToolError when it could not be removed. */
  requireUsable(worker: string): Promise<void>;
  /** Removes the Worker, or app, of a deployment that Restate has forgotten. It never throws, but for Ctrl-C. */
  remove(registered: RegisteredVersion, worker: string): Promise<WorkerRemoval>;
}

/** One run of pruning. */
export class WorkerRemover implements VersionRemover {
  readonly #tool: Tool;
  readonly #admin: AdminClient;
  #project: Promise<Project> | undefined;

  constructor(tool: Tool, admin: AdminClient) {
    this.#tool = tool;
    this.#admin = admin;
  }

  /**
   * W1. It is asked once, about the first Worker.
   *
   * @throws ToolError `project-not-found`, `wrangler-missing`, `wrangler-failed`
   */
  async requireUsable(worker: string): Promise<void> {
    this.#project ??= this.#usableProject(worker);
    await this.#project;
  }

  /** Removes the Worker of a deployment that Restate has forgotten. It never throws, but for Ctrl-C. */
  async remove({ deployment }: RegisteredVersion, worker: string): Promise<WorkerRemoval> {
    try {
      const project = await (this.#project ?? projectOf(this.#tool));
      if (project.worker.name === worker) return { outcome: "kept", reason: "its Worker is the app's own, and stays" };
      const again = (await listRegistered(this.#admin)).find(
        (other) => other.facts?.worker === worker && !isSame(other.deployment, deployment),
      );
      if (again !== undefined) {
        return { outcome: "kept", reason: `drained; its Worker stays, ${again.deployment.id} has the same` };
      }
      await runWrangler(this.#tool, project, { args: ["delete", "--name", worker, "--force"] });
      return { outcome: "removed", reason: "drained" };
    } catch (error) {
      this.#tool.signal.throwIfAborted();
      if (isNoWorker(error)) return { outcome: "removed", reason: "drained; its Worker was gone already" };
      const reason = `${messageOf(error)}; remove it by hand: wrangler delete --name ${worker} --force`;
      return { outcome: "left", reason };
    }
  }

  async #usableProject(worker: string): Promise<Project> {
    const project = await projectOf(this.#tool);
    await listVersions(this.#tool, project, worker);
    return project;
  }
}

/** Restate dates a deployment anew when it is registered again. */
export function isSame(one: Deployment, other: Deployment): boolean {
  return one.id === other.id && one.createdAt === other.createdAt;
}

/** The first line of what was wrong. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error);
}
