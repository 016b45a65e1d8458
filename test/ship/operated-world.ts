/** A Restate and versions of an app, as `deploy` leaves them, for the commands that operate them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { metadataOf, type Platform } from "../../cli/deployments/metadata.ts";
import { AdminClient } from "../../src/admin/index.ts";
import { type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import { type JobsControl, type JobsVersion, serveJobs } from "./jobs-version.ts";
import { run, type RunResult } from "./wrangler.ts";

const MAIN = resolve(import.meta.dirname, "../../cli/main.ts");

/** What a deployment was registered as. */
export interface VersionOptions {
  readonly app?: string;
  readonly platform?: Platform;
  readonly gitSha?: string;
  readonly worker?: string;
  /** False: as somebody else's tool registers it. Default true. */
  readonly withMetadata?: boolean;
  /** Name of its handlers' first step. */
  readonly begin?: string;
}

/** A registered version. */
export interface RegisteredJobs extends JobsVersion {
  /** Id of its deployment. */
  readonly id: string;
}

export class OperatedWorld implements AsyncDisposable {
  readonly restate: RestateTestServer;
  readonly admin: AdminClient;
  readonly control: JobsControl = { broken: new Set(), held: new Map() };
  readonly #folder: string;
  readonly #versions: JobsVersion[] = [];

  private constructor(restate: RestateTestServer, folder: string) {
    this.restate = restate;
    this.admin = new AdminClient({ url: restate.adminUrl });
    this.#folder = folder;
  }

  static async start(): Promise<OperatedWorld> {
    return new OperatedWorld(await startRestate(), await mkdtemp(join(tmpdir(), "operated-")));
  }

  /** Serves a version and registers it: it is the latest then. */
  async deploy(version: string, options: VersionOptions = {}): Promise<RegisteredJobs> {
    const served = await serveJobs(version, this.control, options.begin);
    this.#versions.push(served);
    const { app = "jobs", platform = "url", gitSha, worker, withMetadata = true } = options;
    const facts = { app, platform, version, fingerprint: "f", gitSha, worker };
    const metadata = withMetadata ? metadataOf(facts) : {};
    const { id } = await this.admin.deployments.register({ uri: served.uri, http11: true, metadata });
    return Object.assign(served, { id });
  }

  /** Runs the tool in a folder without a project, for the app `jobs`. @param adminUrl Default: Restate's own. */
  tool(args: readonly string[], input?: string, adminUrl: string = this.restate.adminUrl): Promise<RunResult> {
    const app = ["status", "prune", "rollback", "move", "logs"].includes(args[0] ?? "") ? ["--app", "jobs"] : [];
    const env = { RESTATE_ADMIN_URL: adminUrl, RESTATE_INGRESS_URL: this.restate.ingressUrl };
    const options = {
      cwd: this.#folder,
      env: { ...env, RESTATE_AUTH_TOKEN: "" },
      ...(input === undefined ? {} : { input }),
    };
    return run(process.execPath, [MAIN, ...args, ...app], options);
  }

  /** The same with `--json`: the document, and the exit code. */
  async json(
    args: readonly string[],
    adminUrl?: string,
  ): Promise<{ readonly code: number | null; readonly document: Document }> {
    const { code, stdout, log } = await this.tool([...args, "--json"], undefined, adminUrl);
    try {
      return { code, document: JSON.parse(stdout) as Document };
    } catch {
      throw new Error(`The tool printed no JSON: ${log}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const release of this.control.held.values()) release();
    await this.restate.stop();
    for (const version of this.#versions) await version[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** What the tool prints with `--json`. */
export type Document = Readonly<Record<string, unknown>>;
