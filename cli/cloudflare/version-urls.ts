/** Versions of one Worker, each under an address that never changes. */
import type { Candidate, DeployContext, UploadedVersion } from "../deploy/platform-deployer.ts";
import { remember, rememberedVersions } from "../deploy/state-file.ts";
import { listRegistered, versionsOf } from "../deployments/registered.ts";
import type { WorkerConfig } from "../project/project.ts";
import { ownUrl } from "../project/own-url.ts";
import { EXIT } from "../tool/exit-codes.ts";
import { ToolError } from "../tool/tool-error.ts";
import { tagOf } from "./fingerprint.ts";
import { applyTriggers } from "./triggers.ts";
import { addressInTargets, addressOfOther, fromTemplate, ownAddress } from "./version-address.ts";
import { promotedVersion, wasPromoted } from "./versions.ts";
import type { CheckedWorker, WorkersStrategy } from "./workers-deployer.ts";
import { runWrangler, type WranglerRecord } from "./wrangler.ts";

export class VersionUrls implements WorkersStrategy {
  readonly #checked: CheckedWorker;

  constructor(checked: CheckedWorker) {
    this.#checked = checked;
  }

  async find(context: DeployContext, { fingerprint }: Candidate): Promise<UploadedVersion | undefined> {
    const { project, versions } = this.#checked;
    const worker = project.worker.name;
    if (versions === undefined) return undefined;
    const tagged = versions.filter(({ tag }) => tag === tagOf(fingerprint));
    for (const { id } of tagged) {
      const url = await this.#knownUrl(context, id);
      if (url !== undefined) return { version: id, url, worker, isNew: false };
    }
    return this.#registered(context, fingerprint);
  }

  /** The first upload creates the Worker; the ones after it change nothing that anybody sees. */
  async upload(context: DeployContext, { fingerprint, gitSha }: Candidate): Promise<UploadedVersion> {
    const { project, versions } = this.#checked;
    const { options, tool } = context;
    const args = [
      ...(versions === undefined ? ["deploy"] : ["versions", "upload"]),
      "--tag",
      tagOf(fingerprint),
      ...(gitSha === undefined ? [] : ["--message", gitSha]),
      ...(options.secretsFile === undefined ? [] : ["--secrets-file", options.secretsFile]),
    ];
    const worker = project.worker.name;
    let { records } = await runWrangler(tool, project, { args });
    if (versions !== undefined && wantsAddress(project.worker) && !hasAddress(records)) {
      await applyTriggers(tool, project, worker);
      // Only an upload tells the address.
      if (options.versionUrl === undefined) ({ records } = await runWrangler(tool, project, { args }));
    }
    const version = versionIn(records);
    const url =
      options.versionUrl === undefined
        ? urlIn(records, worker, version)
        : fromTemplate(options.versionUrl, worker, version);
    if (url === undefined) throw noUrl(version);
    await remember(project.folder, { app: worker, fingerprint, version, url, worker });
    return { version, url, worker, isNew: true, isPromoted: versions === undefined };
  }

  promoted({ tool }: DeployContext, { app }: Candidate): Promise<string | undefined> {
    return promotedVersion(tool, this.#checked.project, app);
  }

  promote(context: DeployContext, { app, gitSha }: Candidate, { version }: UploadedVersion): Promise<void> {
    return this.#promote(context, app, version, gitSha);
  }

  openAddress({ tool }: DeployContext, { app }: Candidate): Promise<void> {
    return applyTriggers(tool, this.#checked.project, app);
  }

  async giveWay(context: DeployContext, { app }: Candidate, other: string): Promise<boolean> {
    if (!(await wasPromoted(context.tool, this.#checked.project, app, other))) return false;
    await this.#promote(context, app, other, undefined);
    return true;
  }

  mainUrl({ options }: DeployContext, { url, version }: UploadedVersion): string | undefined {
    const { worker } = this.#checked.project;
    return options.url ?? ownUrl(worker, ownAddress(url, worker.name, version));
  }

  async #promote({ tool }: DeployContext, worker: string, version: string, message: string | undefined): Promise<void> {
    const more = message === undefined ? [] : ["--message", message];
    const args = ["versions", "deploy", `${version}@100%`, "--name", worker, "-y", ...more];
    await runWrangler(tool, this.#checked.project, { args });
    if (this.#checked.hasTriggers) await applyTriggers(tool, this.#checked.project, worker);
  }

  /** Upload told it to this machine, or registration to Restate, or the user knows. */
  async #knownUrl({ options, admin }: DeployContext, version: string): Promise<string | undefined> {
    const { folder, worker } = this.#checked.project;
    if (options.versionUrl !== undefined) return fromTemplate(options.versionUrl, worker.name, version);
    const remembered = await rememberedVersions(folder);
    const registered = versionsOf(worker.name, await listRegistered(admin)).flatMap(({ facts, deployment }) =>
      facts === undefined || deployment.uri === undefined
        ? []
        : [{ version: facts.version, url: new URL(deployment.uri).origin }],
    );
    const known = [...remembered.filter(({ app }) => app === worker.name), ...registered];
    const own = known.find((one) => one.version === version);
    if (own !== undefined) return own.url;
    // Addresses of one Worker's versions differ in their beginning alone.
    const siblings = known.flatMap((one) => addressOfOther(one.url, worker.name, one.version, version) ?? []);
    return siblings[0];
  }

  /** Cloudflare lists ten versions; Restate knows older ones. */
  async #registered({ admin }: DeployContext, fingerprint: string): Promise<UploadedVersion | undefined> {
    const worker = this.#checked.project.worker.name;
    for (const { deployment, facts } of versionsOf(worker, await listRegistered(admin))) {
      if (facts?.fingerprint !== fingerprint || facts.platform !== "version-url" || deployment.uri === undefined)
        continue;
      return { version: facts.version, url: new URL(deployment.uri).origin, worker, isNew: false };
    }
    return undefined;
  }
}

function versionIn(records: readonly WranglerRecord[]): string {
  const id = records.find(({ type }) => type === "version-upload" || type === "deploy")?.["version_id"];
  if (typeof id === "string") return id;
  throw new ToolError({
    code: "wrangler-output",
    message: "Cannot tell which version was uploaded: wrangler wrote no version id",
    hint: "Update wrangler to 4.100 or later, and run this again",
    exitCode: EXIT.remote,
  });
}

/** By default, versions have addresses where the Worker itself is below workers.dev. */
function wantsAddress({ previewUrls, workersDev }: WorkerConfig): boolean {
  return previewUrls ?? workersDev !== false;
}

function hasAddress(records: readonly WranglerRecord[]): boolean {
  return records.some(({ type, preview_url: url }) => type === "version-upload" && typeof url === "string");
}

function urlIn(records: readonly WranglerRecord[], worker: string, version: string): string | undefined {
  const url = records.find(({ type }) => type === "version-upload")?.["preview_url"];
  if (typeof url === "string") return url.replace(/\/+$/, "");
  const targets = records.find(({ type }) => type === "deploy")?.["targets"];
  return Array.isArray(targets) ? addressInTargets(targets, worker, version) : undefined;
}

function noUrl(version: string): ToolError {
  return new ToolError({
    code: "no-version-url",
    message: `Version ${version} was uploaded, and has no URL`,
    hint: "Set workers_dev = true and preview_urls = true, or name with --version-url where versions are served",
    exitCode: EXIT.usage,
    details: { version },
  });
}
