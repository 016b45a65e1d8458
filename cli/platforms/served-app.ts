/**
 * An app that is deployed by other means, for `deploy`: a container with `deno serve`, or Deno Deploy. The tool registers
 * what answers at the app's own address, and tells what that means for the invocations of the version before.
 *
 * Deno Deploy keeps each revision under a URL of its own, too, which cannot be registered: it runs with the settings of
 * the context "Development", and is disabled after 30 days without traffic and deleted 7 days later
 * (https://docs.deno.com/deploy/reference/timelines/, https://docs.deno.com/deploy/changelog/). So the production URL is,
 * with the version in the path: while another revision is served there, Restate is asked to wait (G10).
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { listRegistered, versionsOf } from "../deployments/registered.ts";
import type { Platform } from "../deployments/metadata.ts";
import type { Candidate, DeployContext, PlatformDeployer, UploadedVersion } from "../deploy/platform-deployer.ts";
import { isVersion, VERSION_RULE } from "../../src/endpoint/version.ts";
import { EXIT } from "../tool/exit-codes.ts";
import { ToolError, usageError } from "../tool/tool-error.ts";
import { type AppFacts, appAt } from "./app-at.ts";

/** How often an app that does not serve the wanted version yet is asked, in milliseconds. */
const EVERY_MS = 1_000;

/** An app that knows its version. */
type ServedVersion = AppFacts & { readonly version: string };

/** An app at an address of its own. */
export class ServedApp implements PlatformDeployer {
  readonly name: string;
  readonly #platform: Platform;
  #served: ServedVersion | undefined;

  constructor(platform: "url" | "deno-deploy") {
    this.#platform = platform;
    this.name = platform === "url" ? "its own address" : "Deno Deploy";
  }

  async check(context: DeployContext): Promise<Candidate> {
    const { log, options } = context;
    const url = this.#url(context);
    const served = await log.run({
      step: "app",
      title: "The app",
      work: (running) => this.#wait(context, url, (reason) => running.update(reason)),
      summary: ({ name, version, runtime }) => `${name} ${version} on ${runtime}, at ${url}`,
    });
    this.#served = served;
    await this.#warnOfPinned(context, served, new URL(url).host);
    const fingerprint = createHash("sha256").update(`${served.name}\n${served.version}`).digest("hex").slice(0, 20);
    const reason = options.strategy === undefined ? undefined : "--strategy is for Workers";
    return { app: served.name, platform: this.#platform, fingerprint, reason };
  }

  async find(context: DeployContext): Promise<UploadedVersion> {
    const { version, runtime } = this.#app;
    // Deno speaks HTTP/2 without TLS, too.
    return { version, url: this.#url(context), isNew: false, http2: runtime === "deno" };
  }

  upload(context: DeployContext): Promise<UploadedVersion> {
    return this.find(context);
  }

  /** Whoever runs the app decides that. */
  async promoted(): Promise<string | undefined> {
    return undefined;
  }

  mainUrl(context: DeployContext): string {
    return this.#url(context);
  }

  get #app(): ServedVersion {
    if (this.#served === undefined) throw new Error("Cannot deploy before check()");
    return this.#served;
  }

  #url({ options }: DeployContext): string {
    if (options.url !== undefined) return options.url;
    throw usageError(
      "url-missing",
      `Cannot tell where the app is served on ${this.name}`,
      "Pass --url, such as https://agents.example.com",
    );
  }

  /** @throws ToolError `version-not-served`, `version-unknown` */
  async #wait({ options, tool }: DeployContext, url: string, tell: (reason: string) => void): Promise<ServedVersion> {
    const { appVersion, timeoutMs } = options;
    const endsAt = performance.now() + timeoutMs;
    for (;;) {
      const found = await appAt(url, tool.signal);
      if (typeof found !== "string") {
        if (found.version === undefined) throw versionUnknown(url);
        if (appVersion === undefined || found.version === appVersion) return checked(found, found.version);
      }
      const reason = typeof found === "string" ? found : `${found.version} is served`;
      if (performance.now() >= endsAt) throw notServed(url, appVersion, reason, timeoutMs);
      tell(reason);
      await sleep(EVERY_MS, undefined, { signal: tool.signal }).catch(() => tool.signal.throwIfAborted());
    }
  }

  /** Those of versions that this host has served, and does not any more. */
  async #warnOfPinned({ admin, tool }: DeployContext, served: ServedVersion, host: string): Promise<void> {
    for (const { facts, deployment, pinned } of versionsOf(served.name, await listRegistered(admin))) {
      const isHere = deployment.uri !== undefined && new URL(deployment.uri).host === host;
      if (!isHere || pinned === 0 || facts === undefined || facts.version === served.version) continue;
      tool.reporter.warn(
        `${pinned} invocations began on ${facts.version}, which ${host} does not serve any more: they wait until it does again, or until \`move\` takes them to another version`,
      );
    }
  }
}

function checked(facts: AppFacts, version: string): ServedVersion {
  if (isVersion(version)) return { ...facts, version };
  throw usageError(
    "version-invalid",
    `Cannot register the version "${version}": it must be ${VERSION_RULE}`,
    "Change APP_VERSION",
  );
}

function versionUnknown(url: string): ToolError {
  return usageError(
    "version-unknown",
    `Cannot register ${url}: its /health names no version`,
    "Start the app with APP_VERSION, such as the image's tag or the commit, another one for each change of the code",
  );
}

function notServed(url: string, version: string | undefined, reason: string, timeoutMs: number): ToolError {
  return new ToolError({
    code: "version-not-served",
    message: `${url} does not serve ${version ?? "the app"} within ${timeoutMs / 1_000} s: ${reason}`,
    hint: "Start it there, and run this again",
    exitCode: EXIT.remote,
    details: { url, version, reason },
  });
}
