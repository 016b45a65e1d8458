/** `wrangler tail`, passed through. */
import { spawn } from "node:child_process";
import type { Project } from "../project/project.ts";
import { wranglerScriptOf } from "../project/project.ts";
import { EXIT } from "../tool/exit-codes.ts";
import type { Tool } from "../tool/tool.ts";
import { ToolError } from "../tool/tool-error.ts";

/** Which Worker, and how. */
export interface TailRequest {
  readonly worker: string;
  /** `json` or `pretty`. */
  readonly format: string;
  /** More of wrangler's own flags. */
  readonly flags: readonly string[];
}

/** Arguments of wrangler. */
export function tailArgs({ worker, format, flags }: TailRequest): string[] {
  return ["tail", worker, "--format", format, ...flags];
}

/**
 * Shows the Worker's log until it is interrupted.
 *
 * @throws ToolError `wrangler-failed` when wrangler ends by itself with a failure.
 */
export async function tail(tool: Tool, project: Project, request: TailRequest): Promise<void> {
  const args = [wranglerScriptOf(project.folder), ...tailArgs(request), "--config", project.configPath];
  const child = spawn(process.execPath, args, {
    cwd: project.folder,
    env: { ...tool.environment, WRANGLER_HIDE_BANNER: "true", WRANGLER_SEND_METRICS: "false" },
    stdio: "inherit",
  });
  // A terminal's Ctrl-C reaches wrangler by itself; a signal to this process alone does not.
  const stop = (): void => void child.kill("SIGTERM");
  tool.signal.addEventListener("abort", stop, { once: true });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  tool.signal.removeEventListener("abort", stop);
  if (tool.signal.aborted || code === 0) return;
  throw new ToolError({
    code: "wrangler-failed",
    message: `Cannot show the log of ${request.worker}: wrangler tail ended with exit code ${code ?? "none"}`,
    hint: "What it said is above; `wrangler whoami` tells whether it is logged in",
    exitCode: EXIT.remote,
  });
}
