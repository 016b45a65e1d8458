/** What `deploy` is told on the command line. */
import { type Command, Option } from "commander";
import { usageError } from "../tool/tool-error.ts";

/** How Workers keep versions apart. See README.md, "Deploying". */
export type Strategy = "version-url" | "worker-per-version";

/** Flags, as they are given. */
export interface DeployFlags {
  readonly platform?: string;
  readonly app?: string;
  readonly strategy?: string;
  readonly logs: boolean;
  readonly allowDirty: boolean;
  readonly breaking: boolean;
  readonly again: boolean;
  /** False with `--no-smoke`. */
  readonly smoke?: string | false;
  readonly smokeBody?: string;
  readonly timeout: string;
  readonly url?: string;
  readonly versionUrl?: string;
  readonly appVersion?: string;
  readonly mount: string;
  readonly secretsFile?: string;
}

/** The same, checked. */
export interface DeployOptions {
  readonly platform?: string | undefined;
  /** Deno Deploy: the app's name. Undefined: deno.json names it. */
  readonly app?: string | undefined;
  /** Undefined: the tool chooses. */
  readonly strategy?: Strategy | undefined;
  /** Versions should have Workers Logs. */
  readonly logs: boolean;
  readonly allowDirty: boolean;
  readonly breaking: boolean;
  readonly again: boolean;
  /** The handler of the smoke invocation; `none`: there is to be none. Undefined: the one that the app declares. */
  readonly smoke?: SmokeTarget | "none" | undefined;
  /** Its input, JSON. */
  readonly smokeBody?: string | undefined;
  /** Longest wait for the version to be ready, for the smoke invocation, and for the app's own address; in milliseconds each. */
  readonly timeoutMs: number;
  /** The app's own address. */
  readonly url?: string | undefined;
  /** Where versions are served, with `{version}`, `{prefix}` and `{worker}`. */
  readonly versionUrl?: string | undefined;
  /** Platforms that are deployed by other means: the version to wait for. Undefined: the one that is served. */
  readonly appVersion?: string | undefined;
  /** Path of the Restate endpoint. */
  readonly mount: string;
  /** File with secrets that are uploaded with the version. */
  readonly secretsFile?: string | undefined;
}

/** A handler of a plain service. */
export interface SmokeTarget {
  readonly service: string;
  readonly handler: string;
}

export function declareDeploy(command: Command): Command {
  return command
    .option(
      "--platform <name>",
      "where to: workers, deno-deploy, url (default: workers, with a wrangler configuration)",
    )
    .option("--app <name>", "deno-deploy: the app (default: deploy.app of deno.json, DENO_DEPLOY_APP)")
    .addOption(
      new Option("--strategy <name>", "how versions are kept apart (default: chosen, and the reason told)").choices([
        "version-url",
        "worker-per-version",
      ]),
    )
    .option("--logs", "versions with Workers Logs, which version URLs do not have", false)
    .option("--allow-dirty", "deploy what is not committed", false)
    .option("--breaking", "accept services that changed incompatibly", false)
    .option("--again", "upload another version of what is live already", false)
    .option("--smoke <Service/handler>", "invoke this one (default: the app's smoke service)")
    .option("--no-smoke", "invoke nothing")
    .option("--smoke-body <json>", "input of the smoke invocation")
    .option("--timeout <seconds>", "longest wait for each of: ready, smoke invocation, promotion", "120")
    .option("--url <url>", "the app's own address (default: the version's, without its prefix)")
    .option("--version-url <template>", "where versions are served: {version}, {prefix} (8 characters), {worker}")
    .option(
      "--app-version <version>",
      "deno-deploy, url: register this version, which others deploy, as soon as it is served (url: default, what is)",
    )
    .option("--mount <path>", "path of the Restate endpoint", "/restate")
    .option("--secrets-file <file>", "secrets to upload with the version (JSON or .env)");
}

/** @throws ToolError `invalid-flag` */
export function deployOptions(flags: DeployFlags): DeployOptions {
  const seconds = Number(flags.timeout);
  if (!(seconds > 0 && seconds <= 3_600)) throw invalid("timeout", "1 to 3600 seconds");
  if (!/^(?:\/[\w.~-]+)*$/.test(flags.mount)) throw invalid("mount", "a path such as /restate");
  return {
    platform: flags.platform,
    app: flags.app,
    strategy: flags.strategy as Strategy | undefined,
    logs: flags.logs,
    allowDirty: flags.allowDirty,
    breaking: flags.breaking,
    again: flags.again,
    smoke: flags.smoke === false ? "none" : smokeTarget(flags.smoke),
    smokeBody: smokeBody(flags.smokeBody),
    timeoutMs: seconds * 1_000,
    url: httpUrl(flags.url, "url"),
    versionUrl: httpUrl(flags.versionUrl, "version-url"),
    appVersion: flags.appVersion,
    mount: flags.mount,
    secretsFile: flags.secretsFile,
  };
}

function smokeTarget(text: string | undefined): SmokeTarget | undefined {
  if (text === undefined) return undefined;
  const [service = "", handler = "", ...rest] = text.split("/");
  if (service === "" || handler === "" || rest.length > 0) throw invalid("smoke", "Service/handler");
  return { service, handler };
}

function smokeBody(text: string | undefined): string | undefined {
  try {
    if (text !== undefined) JSON.parse(text);
    return text;
  } catch {
    throw invalid("smoke-body", "JSON");
  }
}

/** An address without a slash at its end. @throws ToolError `invalid-flag` */
export function httpUrl(text: string | undefined, flag: string): string | undefined {
  if (text === undefined) return undefined;
  if (/^https?:\/\/[^/?#]+/.test(text)) return text.replace(/\/+$/, "");
  throw invalid(flag, "an http or https URL");
}

function invalid(flag: string, expected: string): Error {
  return usageError("invalid-flag", `Cannot use --${flag}: it must be ${expected}`);
}
