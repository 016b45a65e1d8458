/**
 * The module that Deno Deploy runs. The platform runs `deno run`, which does not serve what a module exports, as `deno serve`
 * does; and it knows no version that lasts, for the same code gets a new revision with each upload. So a module of the tool's
 * own comes first: it names the version, and serves what the project's module exports.
 */
import { usageError } from "../tool/tool-error.ts";
import type { App, AppConfig, Asset } from "./api-shapes.ts";
import type { DenoConfig } from "./deno-config.ts";

/** Path of the module. */
export const MAIN_MODULE = "restate-edge-agents.main.ts";

const VERSION_MODULE = "restate-edge-agents.version.ts";
const MADE_BY = "// Made by `restate-edge-agents deploy`.\n";

/** Where the app's own module is, if nobody says so. */
const USUAL = ["entry/deno.ts", "main.ts"];
const INSTALL = "deno install";

type Assets = Readonly<Record<string, Asset>>;

/**
 * The project's own module, relative to its folder.
 *
 * @throws ToolError `deno-entrypoint-missing`
 */
export function entrypointOf(assets: Assets, config: DenoConfig | undefined, app: App): string {
  const inApp = app.config?.runtime?.entrypoint;
  const named = config?.deploy?.runtime?.entrypoint ?? (inApp === MAIN_MODULE ? undefined : inApp);
  const candidates = (typeof named === "string" && named !== "" ? [named] : USUAL).map((path) =>
    path.replace(/^\.\//, ""),
  );
  const found = candidates.find((path) => assets[path] !== undefined);
  if (found !== undefined) return found;
  throw usageError(
    "deno-entrypoint-missing",
    `Cannot find the module to serve: there is no ${candidates.join(" and no ")} among the files that are uploaded`,
    "Name it in deno.json, as deploy.runtime.entrypoint",
  );
}

/** The version stands in a module, so it does not depend on the app's variables. Modules are run in the order of imports. */
export function versionModule(version: string): string {
  return `${MADE_BY}Deno.env.set("APP_VERSION", ${JSON.stringify(version)});\n`;
}

/** Serves what the project's module exports; one that serves by itself exports nothing to serve. */
export function mainModule(entrypoint: string): string {
  return `${MADE_BY}import "./${VERSION_MODULE}";
import * as entry from ${JSON.stringify(`./${entrypoint}`)};

const app = entry.default;
if (typeof app?.fetch === "function") Deno.serve((request, info) => app.fetch(request, info));
`;
}

/** What is uploaded for a version. */
export function withMainModule(
  assets: Assets,
  config: DenoConfig | undefined,
  entrypoint: string,
  version: string,
): Assets {
  const text = (content: string): Asset => ({ kind: "file", encoding: "utf-8", content });
  const own = { [MAIN_MODULE]: text(mainModule(entrypoint)), [VERSION_MODULE]: text(versionModule(version)) };
  if (config?.deploy === undefined) return { ...assets, ...own };
  // What deno.json says goes before what the request says.
  const { deploy, all, file } = config;
  const runtime = { ...deploy.runtime, type: "dynamic", entrypoint: MAIN_MODULE };
  const rewritten = { ...all, deploy: { ...deploy, install: deploy.install ?? INSTALL, runtime } };
  return { ...assets, [file]: text(`${JSON.stringify(rewritten, undefined, 2)}\n`), ...own };
}

/** How it is built and run. @throws ToolError `deno-framework` */
export function appConfigOf(config: DenoConfig | undefined, { config: inApp }: App): AppConfig {
  const { deploy } = config ?? {};
  if (deploy?.framework !== undefined && deploy.framework !== "") {
    throw usageError(
      "deno-framework",
      `Cannot deploy with the framework preset ${deploy.framework}: it decides itself which module runs`,
      "Remove deploy.framework from deno.json",
    );
  }
  const from = <T>(name: "install" | "build" | "predeploy", otherwise: T): string | T =>
    deploy?.[name] ?? inApp?.[name] ?? otherwise;
  const args = deploy?.runtime?.args ?? inApp?.runtime?.args ?? undefined;
  return {
    install: from("install", INSTALL),
    build: from("build", undefined),
    predeploy: from("predeploy", undefined),
    runtime: { type: "dynamic", entrypoint: MAIN_MODULE, ...(args === undefined ? {} : { args }) },
  };
}
