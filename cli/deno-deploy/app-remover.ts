/** Removes the apps that versions had of their own on Deno Deploy. W1 to W3 of prune-worker.ts hold here, too. */
import type { AdminClient } from "../../src/admin/index.ts";
import { isSame, messageOf, type VersionRemover, type WorkerRemoval } from "../deployments/prune-worker.ts";
import { listRegistered, type RegisteredVersion } from "../deployments/registered.ts";
import type { Tool } from "../tool/tool.ts";
import { DenoDeployApi } from "./api.ts";
import { isVersionApp } from "./version-app.ts";

/** One run of pruning. */
export class AppRemover implements VersionRemover {
  readonly #tool: Tool;
  readonly #admin: AdminClient;
  #api: DenoDeployApi | undefined;

  constructor(tool: Tool, admin: AdminClient) {
    this.#tool = tool;
    this.#admin = admin;
  }

  /** @throws ToolError `deno-token-missing`, `deno-deploy-unauthorized`, `deno-deploy-unreachable` */
  async requireUsable(slug: string): Promise<void> {
    this.#api ??= new DenoDeployApi(this.#tool);
    await this.#api.app(slug);
  }

  async remove({ deployment, facts }: RegisteredVersion, slug: string): Promise<WorkerRemoval> {
    try {
      this.#api ??= new DenoDeployApi(this.#tool);
      const app = await this.#api.app(slug);
      if (app === undefined) return { outcome: "removed", reason: "drained; its app was gone already" };
      if (!isVersionApp(app, facts?.app ?? "")) {
        return { outcome: "kept", reason: "drained; its app stays, this tool did not make it" };
      }
      const again = (await listRegistered(this.#admin)).find(
        (other) => other.facts?.worker === slug && !isSame(other.deployment, deployment),
      );
      if (again !== undefined) {
        return { outcome: "kept", reason: `drained; its app stays, ${again.deployment.id} has the same` };
      }
      await this.#api.removeApp(slug);
      return { outcome: "removed", reason: "drained" };
    } catch (error) {
      this.#tool.signal.throwIfAborted();
      return { outcome: "left", reason: `${messageOf(error)}; remove the app ${slug} in Deno Deploy's dashboard` };
    }
  }
}
