/**
 * One Worker per version: for Durable Objects, which leave a Worker without version URLs, and for Workers Logs, which version
 * URLs do not have. The Worker of the plain name gets the same code last, for everything but Restate.
 */
import type { Candidate, DeployContext, UploadedVersion } from "../deploy/platform-deployer.ts";
import { remember, rememberedVersions } from "../deploy/state-file.ts";
import { listRegistered, versionsOf } from "../deployments/registered.ts";
import { ownUrl } from "../project/own-url.ts";
import { EXIT } from "../tool/exit-codes.ts";
import { ToolError } from "../tool/tool-error.ts";
import { tagOf } from "./fingerprint.ts";
import { applyTriggers } from "./triggers.ts";
import { fromTemplate, workersDev } from "./version-address.ts";
import { listVersions, promotedVersion } from "./versions.ts";
import type { CheckedWorker, WorkersStrategy } from "./workers-deployer.ts";
import { runWrangler, type WranglerRecord } from "./wrangler.ts";

/** Digits of the fingerprint in a Worker's name, and in APP_VERSION. Names have room for 63 characters. */
const IN_NAME = 8;
const IN_VERSION = 12;

export class VersionWorkers implements WorkersStrategy {
  readonly #checked: CheckedWorker;

  constructor(checked: CheckedWorker) {
    this.#checked = checked;
  }

  async find(context: DeployContext, { fingerprint }: Candidate): Promise<UploadedVersion | undefined> {
    const { project } = this.#checked;
    const worker = this.#workerOf(fingerprint);
    const versions = (await listVersions(context.tool, project, worker)) ?? [];
    if (!versions.some(({ tag }) => tag === tagOf(fingerprint))) return undefined;
    const url = await this.#knownUrl(context, worker);
    return url === undefined ? undefined : { version: appVersion(fingerprint), url, worker, isNew: false };
  }

  async upload(context: DeployContext, { app, fingerprint, gitSha }: Candidate): Promise<UploadedVersion> {
    const { project } = this.#checked;
    if (project.worker.hasDurableObjects) {
      context.tool.reporter.warn(
        "Durable Object namespaces belong to a Worker, so each version has its own: bind those that versions share with script_name",
      );
    }
    const worker = this.#workerOf(fingerprint);
    const version = appVersion(fingerprint);
    const records = await this.#deploy(context, worker, fingerprint, gitSha);
    const { versionUrl } = context.options;
    const url = versionUrl === undefined ? urlIn(records, worker) : fromTemplate(versionUrl, worker, version);
    if (url === undefined) {
      throw new ToolError({
        code: "no-version-url",
        message: `The Worker ${worker} was deployed, and has no URL`,
        hint: "Set workers_dev = true, or name with --version-url where versions are served",
        exitCode: EXIT.usage,
        details: { worker },
      });
    }
    await remember(project.folder, { app, fingerprint, version, url, worker });
    return { version, url, worker, isNew: true };
  }

  openAddress({ tool }: DeployContext, { fingerprint }: Candidate): Promise<void> {
    return applyTriggers(tool, this.#checked.project, this.#workerOf(fingerprint));
  }

  /** As its tag tells: the plain Worker is deployed with the same one. */
  async promoted({ tool }: DeployContext, { app }: Candidate): Promise<string | undefined> {
    const { project } = this.#checked;
    const [versions = [], active] = await Promise.all([
      listVersions(tool, project, app),
      promotedVersion(tool, project, app),
    ]);
    // Not the newest one: uploading and deploying are two calls, and the second one may have failed.
    const tag = versions.find(({ id }) => id === active)?.tag;
    const prefix = tagOf("");
    return tag?.startsWith(prefix) === true ? appVersion(tag.slice(prefix.length)) : undefined;
  }

  async promote(context: DeployContext, { app, fingerprint, gitSha }: Candidate): Promise<void> {
    await this.#deploy(context, app, fingerprint, gitSha);
  }

  mainUrl({ options }: DeployContext, { url, worker = "" }: UploadedVersion): string | undefined {
    const { protocol, host } = new URL(url);
    const config = this.#checked.project.worker;
    const own = host.startsWith(`${worker}.`) ? `${protocol}//${config.name}${host.slice(worker.length)}` : undefined;
    return options.url ?? ownUrl(config, own);
  }

  async #deploy(
    { tool, options }: DeployContext,
    worker: string,
    fingerprint: string,
    gitSha: string | undefined,
  ): Promise<readonly WranglerRecord[]> {
    const args = [
      "deploy",
      "--name",
      worker,
      "--tag",
      tagOf(fingerprint),
      "--var",
      `APP_VERSION:${appVersion(fingerprint)}`,
      ...(gitSha === undefined ? [] : ["--message", gitSha]),
      ...(options.secretsFile === undefined ? [] : ["--secrets-file", options.secretsFile]),
    ];
    return (await runWrangler(tool, this.#checked.project, { args })).records;
  }

  #workerOf(fingerprint: string): string {
    return `${this.#checked.project.worker.name}-${fingerprint.slice(0, IN_NAME)}`;
  }

  async #knownUrl({ options, admin }: DeployContext, worker: string): Promise<string | undefined> {
    const { folder, worker: own } = this.#checked.project;
    const version = appVersion(this.#checked.candidate.fingerprint);
    if (options.versionUrl !== undefined) return fromTemplate(options.versionUrl, worker, version);
    const remembered = (await rememberedVersions(folder)).find((one) => one.worker === worker);
    if (remembered !== undefined) return remembered.url;
    const registered = versionsOf(own.name, await listRegistered(admin));
    const uri = registered.find(({ facts }) => facts?.worker === worker)?.deployment.uri;
    return uri === undefined ? undefined : new URL(uri).origin;
  }
}

function appVersion(fingerprint: string): string {
  return fingerprint.slice(0, IN_VERSION);
}

function urlIn(records: readonly WranglerRecord[], worker: string): string | undefined {
  const targets = records.find(({ type }) => type === "deploy")?.["targets"];
  return Array.isArray(targets) ? workersDev(targets, worker) : undefined;
}
