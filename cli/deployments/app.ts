/** Whose deployments a command is about. */
import { readDenoConfig } from "../deno-deploy/deno-config.ts";
import { projectOf, type Tool } from "../tool/tool.ts";
import { ToolError, usageError } from "../tool/tool-error.ts";

/** Flags of the commands about one app. */
export interface AppFlags {
  /** Name of the app, where no project tells it. */
  readonly app?: string | undefined;
}

/** The app that is meant: what `--app` says, otherwise the project's Worker, or its app on Deno Deploy. @throws ToolError `app-missing` */
export async function appOf(tool: Tool, flags: AppFlags): Promise<string> {
  if (flags.app !== undefined) return flags.app;
  try {
    return (await projectOf(tool)).worker.name;
  } catch (error) {
    if (!(error instanceof ToolError) || error.code !== "project-not-found") throw error;
    const denoApp = (await readDenoConfig(tool.flags.cwd))?.deploy?.app;
    if (denoApp !== undefined) return denoApp;
    throw usageError("app-missing", error.message, "Run this in the project's folder, or name the app with --app");
  }
}
