/**
 * What checks look at. Each fact is gathered once, when the first check asks. A fact that cannot be known throws
 * `NotKnown`, so that one cause is told by one check, and those that depend on it are skipped.
 */
import { basename } from "node:path";
import type { Project } from "../../project/project.ts";
import { restateSettings, type RestateSettings } from "../../project/restate-settings.ts";
import { projectOf, type Tool } from "../../tool/tool.ts";
import { ToolError } from "../../tool/tool-error.ts";
import { NotKnown } from "../check.ts";
import { AppFacts } from "./app-facts.ts";
import { CloudflareFacts } from "./cloudflare-facts.ts";
import { RestateFacts } from "./restate-facts.ts";

/** What `doctor` is told. */
export interface DoctorFlags {
  /** Where the app is served, such as `https://agents.example.com`. */
  readonly url?: string | undefined;
  /** Name of the app, where no project tells it. */
  readonly app?: string | undefined;
  /** Path of the Restate endpoint. Default: that of a registered deployment, or `/restate`. */
  readonly mount?: string | undefined;
}

/** Everything that checks may ask. */
export interface Facts {
  readonly tool: Tool;
  readonly flags: DoctorFlags;
  /** The project of a Worker. @throws NotKnown where there is none. */
  readonly project: () => Project;
  readonly hasProject: boolean;
  /** Why the project cannot be read, if it is there. */
  readonly projectError: ToolError | undefined;
  /** The project's vars; none without a project. */
  readonly vars: Readonly<Record<string, unknown>>;
  /** Which Restate is meant; the error says which setting is malformed. */
  readonly settings: RestateSettings | ToolError;
  readonly restate: RestateFacts;
  readonly app: AppFacts;
  readonly cloudflare: CloudflareFacts;
}

/** What is known without asking anybody but wrangler, which reads the project. */
export async function gatherFacts(tool: Tool, flags: DoctorFlags): Promise<Facts> {
  const found = await projectOf(tool).catch((error: unknown) => {
    if (error instanceof ToolError) return error;
    throw error;
  });
  const project = found instanceof ToolError ? undefined : found;
  const projectError = found instanceof ToolError && found.code !== "project-not-found" ? found : undefined;
  const vars = project?.worker.vars ?? {};
  const settings = settingsOf(tool, vars);
  const restate = new RestateFacts(tool, settings);
  const app = new AppFacts({ tool, flags, project, isUnreadable: projectError !== undefined, restate });
  const cloudflare = new CloudflareFacts(tool, project);
  const requireProject = (): Project => {
    if (project !== undefined) return project;
    throw new NotKnown(
      projectError === undefined
        ? "Not a Worker: no wrangler.toml, wrangler.json or wrangler.jsonc here"
        : "The project cannot be read: see `project`",
    );
  };
  return {
    tool,
    flags,
    project: requireProject,
    hasProject: project !== undefined,
    projectError,
    vars,
    settings,
    restate,
    app,
    cloudflare,
  };
}

/** Where settings of the app are read: of a Worker its vars, since no environment reaches it; otherwise the environment. */
export function readableSetting({ tool, vars, hasProject }: Facts, name: string): string | undefined {
  const value = hasProject ? vars[name] : tool.environment[name];
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

/** Where a setting of the app is written, for hints. */
export function placeOf(facts: Facts): string {
  return facts.hasProject ? `[vars] of ${configName(facts)}` : "the app's environment";
}

/** Name of the file with wrangler's configuration, for hints. */
export function configName(facts: Facts): string {
  return basename(facts.project().configPath);
}

/** Settings as lines to write into wrangler's configuration, in its format. */
export function configLines(facts: Facts, settings: Readonly<Record<string, unknown>>): string[] {
  if (configName(facts).endsWith(".toml"))
    return Object.entries(settings).flatMap(([name, value]) => toml(name, value));
  return [`${JSON.stringify(settings, undefined, 1).replaceAll(/\s+/g, " ").slice(2, -2)},`];
}

function toml(name: string, value: unknown): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return [`${name} = ${JSON.stringify(value)}`];
  const key = (text: string): string => (/^[\w-]+$/.test(text) ? text : JSON.stringify(text));
  return [`[${name}]`, ...Object.entries(value).flatMap(([inner, held]) => toml(key(inner), held))];
}

/** What `known` is, or undefined when it cannot be known. */
export async function maybe<T>(known: Promise<T>): Promise<T | undefined> {
  try {
    return await known;
  } catch (error) {
    if (error instanceof NotKnown) return undefined;
    throw error;
  }
}

function settingsOf(tool: Tool, vars: Readonly<Record<string, unknown>>): RestateSettings | ToolError {
  try {
    const settings = restateSettings(tool.flags, tool.environment, vars);
    tool.redactor.add(settings.token);
    return settings;
  } catch (error) {
    if (error instanceof ToolError) return error;
    throw error;
  }
}
