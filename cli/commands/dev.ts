import { existsSync } from "node:fs";
import { join } from "node:path";
import { denoBinary, restateServerBinary, wranglerScript } from "../../src/testing/packages.ts";
import { findConfig } from "../project/project.ts";
import { DENO_ENTRY } from "../stack/app-server.ts";
import { runDevelopment } from "../stack/development.ts";
import { untilSignal } from "../stack/until-signal.ts";
import type { CommandDefinition } from "../tool/command.ts";
import { EXIT } from "../tool/exit-codes.ts";
import { usageError } from "../tool/tool-error.ts";

interface DevFlags {
  readonly deno: boolean;
}

interface DevResult {
  /** The programs that serve it, of the project's node_modules. */
  readonly programs: readonly string[];
  /** Exit code of what was run: 0 when it was asked to end. Absent when nothing was. */
  readonly ended?: number;
}

export const dev: CommandDefinition<DevFlags, DevResult> = {
  name: "dev",
  about: "the whole stack on this machine: restate-server, the app, its registration",
  declare: (command) => command.option("--deno", "serve entry/deno.ts with Deno instead of wrangler dev", false),
  run: async (tool, { deno }) => {
    const { cwd: folder, env: environment, dryRun, json } = tool.flags;
    const programs = programsOf(folder, deno);
    if (dryRun) return { programs };
    if (json) throw usageError("flags-conflict", "Cannot print one document: `dev` goes on until it is stopped");
    return { programs, ended: await runDevelopment({ folder, deno, environment, signal: untilSignal() }) };
  },
  show: ({ programs, ended }, reporter) => {
    if (ended === undefined) for (const program of programs) reporter.info(`Would start ${program}`);
  },
  exitCode: ({ ended = 0 }) => (ended === 0 ? EXIT.ok : EXIT.remote),
};

/** @throws ToolError `project-not-found`, `program-missing` */
function programsOf(folder: string, deno: boolean): string[] {
  if (deno ? !existsSync(join(folder, DENO_ENTRY)) : findConfig(folder) === undefined) {
    throw usageError(
      "project-not-found",
      `Cannot find ${deno ? DENO_ENTRY : "wrangler.toml, wrangler.json or wrangler.jsonc"} in ${folder}`,
      "Run this in the folder of your project, or make one with `restate-edge-agents init`",
    );
  }
  try {
    return [restateServerBinary(folder), deno ? denoBinary(folder) : wranglerScript(folder)];
  } catch (error) {
    throw usageError("program-missing", error instanceof Error ? error.message : String(error));
  }
}
