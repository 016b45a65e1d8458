/** The project that the tool works on: the folder with wrangler's configuration. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { z } from "zod";
import { usageError } from "../tool/tool-error.ts";
import { readWranglerConfig } from "./wrangler-config.ts";

/** What of wrangler's configuration matters here; wrangler itself reads the file, whatever its format. */
export interface WorkerConfig {
  readonly name: string;
  readonly main: string | undefined;
  readonly compatibilityDate: string | undefined;
  readonly compatibilityFlags: readonly string[];
  readonly vars: Readonly<Record<string, unknown>>;
  /** Names in `[secrets] required`. */
  readonly requiredSecrets: readonly string[];
  readonly workersDev: boolean | undefined;
  readonly previewUrls: boolean | undefined;
  /** True when the Worker implements a Durable Object: then it has no version URLs. */
  readonly hasDurableObjects: boolean;
  /** Name of the version metadata binding, if there is one. */
  readonly versionMetadata: string | undefined;
  readonly observability: boolean | undefined;
  /** Hostnames of its custom domains, in the order of the configuration. */
  readonly customDomains: readonly string[];
}

/** A project on this machine. */
export interface Project {
  /** Absolute path of its folder. */
  readonly folder: string;
  /** Absolute path of wrangler's configuration. */
  readonly configPath: string;
  /** Environment of the configuration, as in `wrangler --env`. */
  readonly environment: string | undefined;
  readonly worker: WorkerConfig;
}

const CONFIG_NAMES = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

const routeSchema = z.union([
  z.string(),
  z.looseObject({ pattern: z.string(), custom_domain: z.boolean().optional() }),
]);

const configSchema = z.looseObject({
  name: z.string().optional(),
  main: z.string().optional(),
  compatibility_date: z.string().optional(),
  compatibility_flags: z.array(z.string()).default([]),
  vars: z.record(z.string(), z.unknown()).default({}),
  secrets: z.looseObject({ required: z.array(z.string()).default([]) }).nullish(),
  workers_dev: z.boolean().optional(),
  preview_urls: z.boolean().optional(),
  durable_objects: z.looseObject({
    bindings: z.array(z.looseObject({ script_name: z.string().optional() })).default([]),
  }),
  version_metadata: z.looseObject({ binding: z.string() }).nullish(),
  observability: z.looseObject({ enabled: z.boolean().optional() }).nullish(),
  route: routeSchema.nullish(),
  routes: routeSchema.array().nullish(),
});

/** Path of wrangler's configuration in a folder, if there is one. */
export function findConfig(folder: string): string | undefined {
  return CONFIG_NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * Reads the project in a folder.
 *
 * @throws ToolError `project-not-found`, `wrangler-missing`, `project-invalid`
 */
export async function readProject(folder: string, environment: string | undefined): Promise<Project> {
  const configPath = findConfig(folder);
  if (configPath === undefined) {
    throw usageError(
      "project-not-found",
      `Cannot find wrangler.toml, wrangler.json or wrangler.jsonc in ${folder}`,
      "Run this in the folder of your Worker, or make one with `restate-edge-agents init`",
    );
  }
  const wrangler = wranglerModuleOf(folder);
  let config: z.output<typeof configSchema>;
  try {
    config = configSchema.parse(await readWranglerConfig({ wrangler, configPath, environment }));
  } catch (error) {
    throw usageError("project-invalid", `Cannot read ${configPath}: ${messageOf(error)}`);
  }
  if (config.name === undefined) {
    throw usageError("project-invalid", `Cannot use ${configPath}: it has no \`name\``, "Give the Worker a name there");
  }
  return { folder, configPath, environment, worker: workerOf(config.name, config) };
}

function workerOf(name: string, config: z.output<typeof configSchema>): WorkerConfig {
  return {
    name,
    main: config.main,
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    vars: config.vars,
    requiredSecrets: config.secrets?.required ?? [],
    workersDev: config.workers_dev,
    previewUrls: config.preview_urls,
    hasDurableObjects: config.durable_objects.bindings.some((binding) => binding.script_name === undefined),
    versionMetadata: config.version_metadata?.binding,
    observability: config.observability?.enabled,
    customDomains: [config.route, ...(config.routes ?? [])].flatMap((route) =>
      typeof route === "object" && route?.custom_domain === true ? [route.pattern] : [],
    ),
  };
}

/** Path of the project's own wrangler, the version that its author tests with. @throws ToolError `wrangler-missing` */
export function wranglerModuleOf(folder: string): string {
  return resolveFrom(folder, "wrangler");
}

/** Path of wrangler's command line in the project. @throws ToolError `wrangler-missing` */
export function wranglerScriptOf(folder: string): string {
  return join(resolveFrom(folder, "wrangler/package.json"), "..", "bin", "wrangler.js");
}

function resolveFrom(folder: string, name: string): string {
  try {
    return createRequire(join(folder, "package.json")).resolve(name);
  } catch (error) {
    throw usageError(
      "wrangler-missing",
      `Cannot find wrangler in ${folder}: ${messageOf(error).split("\n", 1)[0] ?? ""}`,
      "Install it there: npm install --save-dev wrangler",
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
