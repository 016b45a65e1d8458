/** What every command of the tool works with. */
import type { AdminClient } from "../../src/admin/index.ts";
import { readProject, type Project } from "../project/project.ts";
import { adminClientOf, restateSettings, type RestateSettings } from "../project/restate-settings.ts";
import type { Redactor } from "./redact.ts";
import type { Reporter } from "./reporter.ts";

/** Flags that every command knows. */
export interface CommonFlags {
  readonly cwd: string;
  /** Environment of wrangler's configuration. */
  readonly env?: string | undefined;
  readonly adminUrl?: string | undefined;
  readonly ingressUrl?: string | undefined;
  readonly json: boolean;
  readonly dryRun: boolean;
  /** Asks nothing. */
  readonly yes: boolean;
}

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The surroundings of one run of a command. */
export interface Tool {
  readonly flags: CommonFlags;
  readonly environment: Environment;
  readonly reporter: Reporter;
  readonly redactor: Redactor;
  /** Aborted on Ctrl-C. */
  readonly signal: AbortSignal;
  /** True when the user agrees; asked on a terminal, or answered by `--yes`. @throws ToolError `confirmation-needed` */
  confirm(question: string): Promise<boolean>;
}

/** The project in the tool's folder, for the environment that `--env` names, or CLOUDFLARE_ENV, as for wrangler. */
export function projectOf({ flags, environment }: Tool): Promise<Project> {
  const name = flags.env ?? environment["CLOUDFLARE_ENV"] ?? "";
  return readProject(flags.cwd, name === "" ? undefined : name);
}

/** Which Restate is meant. `vars`: those of the project, where there is one. */
export function restateOf(tool: Tool, vars: Readonly<Record<string, unknown>> = {}): RestateSettings {
  const settings = restateSettings(tool.flags, tool.environment, vars);
  tool.redactor.add(settings.token);
  return settings;
}

/** Restate's Admin API, as the project, the environment or flags say where it is. */
export async function adminOf(tool: Tool): Promise<AdminClient> {
  return adminClientOf(await restateOfProject(tool));
}

/** As `restateOf()`, with the vars of the project; a folder without a project has none. */
export async function restateOfProject(tool: Tool): Promise<RestateSettings> {
  const known = restateOf(tool);
  if (known.adminUrl !== undefined && known.ingressUrl !== undefined) return known;
  const project = await projectOf(tool).catch(() => undefined);
  return restateOf(tool, project?.worker.vars);
}
