import { versionsOf, listRegistered, type RegisteredVersion } from "../deployments/registered.ts";
import { type AppFlags, appOf } from "../deployments/app.ts";
import { latestOf, versionNamed } from "../deployments/which.ts";
import { type LogSource, logSourceOf } from "../logs/where.ts";
import { tail, tailArgs } from "../logs/tail.ts";
import { findConfig } from "../project/project.ts";
import { adminClientOf } from "../project/restate-settings.ts";
import type { CommandDefinition } from "../tool/command.ts";
import { projectOf, restateOfProject, type Tool } from "../tool/tool.ts";
import { usageError } from "../tool/tool-error.ts";

interface LogsFlags extends AppFlags {
  readonly version?: string;
  readonly format: string;
  readonly search?: string;
  readonly status?: string;
}

interface LogsResult extends LogSource {
  /** The command that shows them; absent where wrangler cannot. */
  readonly commandLine?: string | undefined;
}

export const logs: CommandDefinition<LogsFlags, LogsResult> = {
  name: "logs",
  about: "shows the Worker's log as it is written, or says where the logs are",
  declare: (command) =>
    command
      .option("--app <name>", "name of the app (default: the project's Worker)")
      .option("--version <version>", "version, deployment or git sha (default: the latest)")
      .option("--format <format>", "pretty or json", "pretty")
      .option("--search <text>", "only what contains this")
      .option("--status <status>", "only requests that ended so: ok, error, canceled"),
  run: runLogs,
  show: ({ notes, worker }, reporter) => {
    // Those of a Worker were told before its log began.
    if (worker === undefined) for (const note of notes) reporter.info(note);
  },
};

async function runLogs(tool: Tool, flags: LogsFlags): Promise<LogsResult> {
  if (!["pretty", "json"].includes(flags.format)) {
    throw usageError("invalid-flag", `Cannot write logs as ${flags.format}`, "--format takes pretty or json");
  }
  const project = findConfig(tool.flags.cwd) === undefined ? undefined : await projectOf(tool);
  const source = logSourceOf(project, await versionMeant(tool, flags));
  if (source.worker === undefined || project === undefined) return source;
  const request = {
    worker: source.worker,
    format: flags.format,
    flags: [
      ...(flags.search === undefined ? [] : ["--search", flags.search]),
      ...(flags.status === undefined ? [] : ["--status", flags.status]),
    ],
  };
  const result = { ...source, commandLine: ["wrangler", ...tailArgs(request)].join(" ") };
  for (const note of source.notes) tool.reporter.info(note);
  // A log has no end, a document has one.
  if (tool.flags.json || tool.flags.dryRun) return result;
  await tail(tool, project, request);
  return result;
}

/** Without a Restate, the project's own Worker is meant. */
async function versionMeant(tool: Tool, flags: LogsFlags): Promise<RegisteredVersion | undefined> {
  const settings = await restateOfProject(tool);
  if (settings.adminUrl === undefined && flags.version === undefined) return undefined;
  const versions = versionsOf(await appOf(tool, flags), await listRegistered(adminClientOf(settings)));
  if (flags.version === undefined) return latestOf(versions);
  const found = versionNamed(flags.version, versions);
  if (found !== undefined) return found;
  throw usageError("version-unknown", `Restate knows no version ${flags.version} of this app`, "`status` lists them");
}
