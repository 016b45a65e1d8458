/**
 * Deno Deploy, for `deploy`: one app per version.
 *
 * An app of Deno Deploy serves one revision in production at a time, and the URL of any other revision runs with the settings
 * of the context "Development". So a version gets an app of its own, `<app>-<fingerprint>`, in whose production it stays; the
 * app of the plain name gets the same code last, for everything but Restate.
 *
 * - N1 A version's app is made and uploaded to before anything that Restate or people use changes.
 * - N2 An upload whose answer was lost is found again, and waited for: an app has a name that its code decides.
 * - N3 Only apps with the tool's label are changed or removed, besides the app itself.
 */
import { relative, resolve } from "node:path";
import { createHash } from "node:crypto";
import { stableJson } from "../cloudflare/fingerprint.ts";
import { secretValuesIn } from "../cloudflare/secrets.ts";
import { fromTemplate } from "../cloudflare/version-address.ts";
import { requireCommitted } from "../deploy/git.ts";
import type { Candidate, DeployContext, PlatformDeployer, UploadedVersion } from "../deploy/platform-deployer.ts";
import { remember } from "../deploy/state-file.ts";
import { versionHealth } from "../deployments/version-health.ts";
import { EXIT } from "../tool/exit-codes.ts";
import { ToolError, usageError } from "../tool/tool-error.ts";
import { mainUrlIn, versionUrlIn } from "./addresses.ts";
import { DenoDeployApi } from "./api.ts";
import type { App, AppConfig, Asset } from "./api-shapes.ts";
import { isBuildFailure, isUsable, waitForBuild } from "./build.ts";
import { type DenoConfig, readDenoConfig } from "./deno-config.ts";
import { appConfigOf, entrypointOf, withMainModule } from "./main-module.ts";
import { bytesOf, projectFiles } from "./project-files.ts";
import { settingsOf, type VersionSettings } from "./settings.ts";
import { isVersionApp, labelsOf, LONGEST_SLUG, versionOf, versionSlug } from "./version-app.ts";

/** What the check found, for the steps that follow. */
interface Checked {
  readonly api: DenoDeployApi;
  readonly app: App;
  readonly mainUrl: string | undefined;
  readonly settings: VersionSettings;
  readonly config: AppConfig;
  /** What is uploaded. */
  readonly assets: Readonly<Record<string, Asset>>;
}

export class DenoDeployer implements PlatformDeployer {
  readonly name = "Deno Deploy";
  #found: Checked | undefined;

  async check(context: DeployContext): Promise<Candidate> {
    const { log, tool, options } = context;
    const folder = tool.flags.cwd;
    const denoConfig = await readDenoConfig(folder);
    const slug = slugOf(options.app, denoConfig, tool.environment["DENO_DEPLOY_APP"]);
    const api = new DenoDeployApi(tool);
    const gitSha = await requireCommitted(tool, folder, options.allowDirty);
    const { app, mainUrl, settings } = await log.run({
      step: "settings",
      title: "App's settings and secrets",
      work: () => appOf(context, api, slug),
      summary: (found) => `${slug}, ${found.settings.variables.length + found.settings.secrets.length} variables`,
    });
    const config = appConfigOf(denoConfig, app);
    const files = await log.run({
      step: "bundle",
      title: "Files",
      work: () => projectFiles(folder, secretsFileIn(folder, options.secretsFile)),
      summary: (found) => `${Object.keys(found).length}, ${Math.ceil(bytesOf(found) / 1_024)} KiB`,
    });
    const entrypoint = entrypointOf(files, denoConfig, app);
    const fingerprint = fingerprintOf(files, { config, entrypoint, settings });
    const assets = withMainModule(files, denoConfig, entrypoint, versionOf(fingerprint));
    this.#found = { api, app, mainUrl, settings, config, assets };
    return { app: slug, platform: "deno-deploy", fingerprint, gitSha };
  }

  async find(context: DeployContext, { app, fingerprint }: Candidate): Promise<UploadedVersion | undefined> {
    const slug = versionSlug(app, fingerprint);
    const { api } = this.#checked;
    if ((await this.#versionApp(app, slug)) === undefined) return undefined;
    const [newest] = await api.revisions(slug);
    if (newest?.status !== "succeeded") return undefined;
    return {
      version: versionOf(fingerprint),
      url: await this.#urlOf(context, slug, fingerprint),
      worker: slug,
      isNew: false,
    };
  }

  async upload(context: DeployContext, { app, fingerprint }: Candidate): Promise<UploadedVersion> {
    const { api, settings, config, assets } = this.#checked;
    const { tool, options } = context;
    const slug = versionSlug(app, fingerprint);
    const version = versionOf(fingerprint);
    const { layers } = settings;
    const labels = labelsOf(app, version);
    const wanted = { labels, layers, config, env_vars: [...settings.variables, ...settings.secrets] };
    const isNew = (await this.#versionApp(app, slug)) === undefined && (await api.createApp(slug, wanted));
    if (!isNew && options.again) await api.updateApp(slug, wanted);
    // N2; asked for once more, it is made once more.
    const begun = options.again ? undefined : (await api.revisions(slug)).find(isUsable);
    const revision = begun ?? (await api.deploy(slug, { assets, config, labels, production: true }));
    context.log.facts["revision"] = revision.id;
    try {
      await waitForBuild(api, slug, revision, tool);
    } catch (error) {
      // The code that mends it has another app; this one would stay for ever.
      if (isNew && isBuildFailure(error)) await api.removeApp(slug).catch(() => undefined);
      throw error;
    }
    const url = await this.#urlOf(context, slug, fingerprint);
    await remember(tool.flags.cwd, { app, fingerprint, version, url, worker: slug });
    return { version, url, worker: slug, isNew: true };
  }

  /** As the app itself says: somebody may have locked another revision in the dashboard. */
  async promoted({ tool }: DeployContext): Promise<string | undefined> {
    const { mainUrl } = this.#checked;
    return mainUrl === undefined ? undefined : (await versionHealth(mainUrl, { signal: tool.signal })).version;
  }

  async promote({ tool }: DeployContext, { app }: Candidate, { version }: UploadedVersion): Promise<void> {
    const { api, settings, config, assets } = this.#checked;
    if (settings.secrets.length > 0) await api.updateApp(app, { env_vars: settings.secrets });
    const labels = labelsOf(app, version);
    await waitForBuild(api, app, await api.deploy(app, { assets, config, labels, production: true }), tool);
  }

  mainUrl(): string | undefined {
    return this.#checked.mainUrl;
  }

  get #checked(): Checked {
    if (this.#found === undefined) throw new Error("Cannot deploy before check()");
    return this.#found;
  }

  /** N3. Undefined: there is none of this name. @throws ToolError `deno-app-taken` */
  async #versionApp(app: string, slug: string): Promise<App | undefined> {
    const found = await this.#checked.api.app(slug);
    if (found === undefined || isVersionApp(found, app)) return found;
    throw usageError(
      "deno-app-taken",
      `Cannot make an app for the version: ${slug} exists, and this tool did not make it`,
      "Rename that one, or yours",
    );
  }

  async #urlOf({ options }: DeployContext, slug: string, fingerprint: string): Promise<string> {
    const { versionUrl } = options;
    const url =
      versionUrl === undefined
        ? versionUrlIn(await this.#checked.api.timelines(slug), slug)
        : fromTemplate(versionUrl, slug, versionOf(fingerprint));
    if (url !== undefined) return url;
    throw new ToolError({
      code: "no-version-url",
      message: `The app ${slug} was uploaded, and Deno Deploy names no address of it`,
      hint: "Run this again; or name with --version-url where versions are, such as https://{worker}.acme.deno.net",
      exitCode: EXIT.remote,
      details: { app: slug },
    });
  }
}

/** @throws ToolError `deno-app-missing` */
async function appOf(
  { tool, options }: DeployContext,
  api: DenoDeployApi,
  slug: string,
): Promise<Pick<Checked, "app" | "mainUrl" | "settings">> {
  const inFile = options.secretsFile === undefined ? {} : await secretValuesIn(tool, options.secretsFile);
  const app = await api.app(slug);
  if (app === undefined) {
    throw usageError(
      "deno-app-missing",
      `Cannot deploy to the app ${slug}: the organization of this token has none of that name`,
      `Make it with its settings: deno deploy create --app ${slug} --source local; or name another one with --app`,
    );
  }
  const settings = settingsOf(app, inFile);
  const mainUrl = options.url ?? mainUrlIn(await api.timelines(slug));
  return { app, mainUrl, settings };
}

/** @throws ToolError `deno-app-unnamed`, `deno-app-name` */
function slugOf(flag: string | undefined, config: DenoConfig | undefined, inEnvironment: string | undefined): string {
  const slug = flag ?? config?.deploy?.app ?? inEnvironment ?? "";
  if (slug === "") {
    throw usageError(
      "deno-app-unnamed",
      "Cannot tell which app of Deno Deploy is meant",
      "Pass --app, or name it in deno.json, as deploy.app",
    );
  }
  if (/^[a-z][a-z0-9-]*$/.test(slug) && slug.length <= LONGEST_SLUG) return slug;
  throw usageError(
    "deno-app-name",
    `Cannot use the app "${slug}": it must be lowercase letters, digits and hyphens, ${LONGEST_SLUG} at most`,
  );
}

function secretsFileIn(folder: string, file: string | undefined): string[] {
  return file === undefined ? [] : [relative(folder, resolve(folder, file)).replaceAll("\\", "/")];
}

interface FingerprintParts extends Pick<Checked, "config" | "settings"> {
  readonly entrypoint: string;
}

/** Values of secrets are left out: a hash of one could be guessed. */
function fingerprintOf(
  assets: Checked["assets"],
  { config, entrypoint, settings: { variables, secrets, layers } }: FingerprintParts,
): string {
  const files = Object.entries(assets).map(([path, { content }]) => [path, sha256(content)]);
  const names = secrets.map(({ key }) => key).sort();
  return sha256(stableJson({ files, config, entrypoint, variables, secrets: names, layers })).slice(0, 20);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
