/** Deno Deploy, Restate Cloud, a server that counts effects, and a project to deploy: all on loopback. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { AdminClient } from "../../src/admin/index.ts";
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { type RestateCloud, startRestateCloud } from "../../src/testing/restate-cloud.ts";
import { factsIn } from "../../cli/deployments/metadata.ts";
import { DenoDeploy } from "../deno-deploy/deno-deploy.ts";
import type { LoopbackServer } from "../../src/testing/http-server.ts";
import { startPlainAdmin } from "./plain-admin.ts";
import { type Gate, startGate } from "./gate.ts";
import { run } from "./wrangler.ts";

const REPOSITORY = resolve(import.meta.dirname, "../..");
const MAIN = join(REPOSITORY, "cli/main.ts");

/** The app, and what it is in the layer of shared settings. */
export const APP = "desk";
/** A value that must never be printed. */
export const SECRET = "sk-desk-4711-do-not-print";

/** What a version's code is. */
export interface Code {
  /** Tells versions apart: `Guarded/run` ends with "ended on <code>". */
  readonly code: string;
  /** Statements of the smoke check. */
  readonly check?: string;
  /** True: a module that cannot be parsed. */
  readonly broken?: boolean;
}

/** What the tool printed, as a document. */
export interface Document {
  readonly ok: boolean;
  readonly outcome?: string;
  readonly app?: string;
  readonly version?: string;
  readonly url?: string;
  readonly worker?: string;
  readonly mainUrl?: string;
  readonly deploymentId?: string;
  readonly plan?: readonly string[];
  readonly warnings?: readonly string[];
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
  readonly [more: string]: unknown;
}

/** One run of the tool. */
export interface ToolRun {
  readonly code: number | null;
  readonly document: Document;
  readonly log: string;
}

/** Where the app is. */
export interface Live {
  /** Names of the organization's apps. */
  readonly apps: readonly string[];
  /** Versions that Restate sends new invocations to: one, if all is well. */
  readonly latest: readonly string[];
  /** What answers at the app's own address. */
  readonly main: string | undefined;
}

interface Parts {
  readonly deno: DenoDeploy;
  readonly restate: RestateCloud;
  readonly effects: EffectServer;
  readonly secure: LoopbackServer;
  readonly gates: { readonly admin: Gate; readonly ingress: Gate };
  readonly folder: string;
}

export class DenoWorld implements AsyncDisposable {
  readonly deno: DenoDeploy;
  readonly restate: RestateCloud;
  readonly effects: EffectServer;
  /** What the tool reaches Restate by. */
  readonly gates: Parts["gates"];
  readonly folder: string;
  readonly admin: AdminClient;
  readonly #secure: LoopbackServer;

  private constructor({ deno, restate, effects, secure, gates, folder }: Parts) {
    this.#secure = secure;
    this.deno = deno;
    this.restate = restate;
    this.effects = effects;
    this.gates = gates;
    this.folder = folder;
    this.admin = new AdminClient({ url: restate.server.adminUrl });
  }

  static async start(): Promise<DenoWorld> {
    const deno = await DenoDeploy.start();
    const retry = { initialIntervalMs: 50, maxIntervalMs: 500 };
    const [restate, effects] = await Promise.all([
      startRestateCloud({ env: deno.proxyEnv, retry }),
      startEffectServer(),
    ]);
    const certificate = join(restate.baseDir, "authority.pem");
    await writeFile(certificate, restate.certificate);
    deno.trust(certificate);
    const { adminUrl, ingressUrl } = restate.server;
    const secure = await startPlainAdmin(adminUrl, "acme.deno.net");
    const [admin, ingress] = await Promise.all([startGate(secure.url), startGate(ingressUrl)]);
    const folder = await mkdtemp(join(tmpdir(), "desk-project-"));
    const world = new DenoWorld({ deno, restate, effects, secure, gates: { admin, ingress }, folder });
    world.#settings();
    await world.#project();
    return world;
  }

  /** The next deployment is of this code. */
  async write({ code, check = "", broken = false }: Code): Promise<void> {
    const library = (path: string): string => JSON.stringify(join(REPOSITORY, path));
    await writeFile(join(this.folder, "code.ts"), `Deno.env.set("CODE", ${JSON.stringify(code)});\n`);
    const entry = `import "../code.ts";
import { smokeService, TerminalError } from ${library("src/index.ts")};
import { createEdgeApp } from ${library("routes/index.ts")};
import { guardedServices } from ${library("test/fixtures/guarded/services.ts")};

const smoke = smokeService("smoke.desk", { check: async () => { ${check} } });
export default createEdgeApp({ services: [...guardedServices, smoke] });
${broken ? "const = ;" : ""}
export { TerminalError };
`;
    await mkdir(join(this.folder, "entry"), { recursive: true });
    await writeFile(join(this.folder, "entry/deno.ts"), entry);
  }

  deploy(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<ToolRun> {
    return this.tool(["deploy", "--platform", "deno-deploy", "--timeout", "30", ...args], env);
  }

  async tool(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ToolRun> {
    const all = {
      ...this.deno.env,
      NODE_EXTRA_CA_CERTS: this.deno.certificateFile,
      RESTATE_ADMIN_URL: this.gates.admin.url,
      RESTATE_INGRESS_URL: this.gates.ingress.url,
      ...env,
    };
    const options = { cwd: this.folder, env: all, timeoutMs: 120_000 };
    const { code, stdout, log } = await run(process.execPath, [MAIN, ...args, "--json", "--yes"], options);
    try {
      return { code, log, document: JSON.parse(stdout) as Document };
    } catch (cause) {
      throw new Error(`The tool printed no JSON document (exit code ${code}): ${log}`, { cause });
    }
  }

  async live(): Promise<Live> {
    const [services, deployments] = await Promise.all([this.admin.services.list(), this.admin.deployments.list()]);
    const latest = services.map(({ deploymentId }) => {
      const found = deployments.find(({ id }) => id === deploymentId);
      return factsIn(found?.metadata)?.version ?? "";
    });
    const apps = [...this.deno.organization.apps.keys()].sort();
    return { apps, latest: [...new Set(latest)], main: await this.versionAt(this.deno.urlOf(APP)) };
  }

  /** The version that answers at an address behind the front. */
  async versionAt(url: string): Promise<string | undefined> {
    const { stdout } = await run(
      process.execPath,
      ["-e", `fetch("${url}/health").then((r) => r.json()).then((b) => console.log(b.version)).catch(() => {})`],
      { cwd: this.folder, env: { ...this.deno.proxyEnv, NODE_EXTRA_CA_CERTS: this.deno.certificateFile } },
    );
    return stdout.trim() === "" ? undefined : stdout.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Object.values(this.gates).map((gate: Gate) => gate.close()));
    await this.#secure.close();
    await this.restate.stop();
    await Promise.all([this.effects.close(), this.deno[Symbol.asyncDispose]()]);
    await rm(this.folder, { recursive: true, force: true });
  }

  /** As somebody has made them in the dashboard: what is shared with versions and secret is in a layer. */
  #settings(): void {
    const { organization } = this.deno;
    const layer = organization.addLayer("shared", [
      { key: "OPENAI_API_KEY", value: SECRET, secret: true },
      { key: "RESTATE_AUTH_TOKEN", value: this.restate.token, secret: true },
    ]);
    const variables = {
      ENVIRONMENT: "production",
      RESTATE_IDENTITY_KEYS: this.restate.identityKey,
      RESTATE_INGRESS_URL: this.restate.ingressUrl,
      RESTATE_ADMIN_URL: this.restate.adminUrl,
      EFFECT_URL: this.effects.url,
    };
    const env_vars = Object.entries(variables).map(([key, value]) => ({ key, value, contexts: ["production"] }));
    organization.create({ slug: APP, layers: [layer.id], env_vars });
  }

  async #project(): Promise<void> {
    await this.write({ code: "1" });
    await writeFile(join(this.folder, "deno.json"), JSON.stringify({ nodeModulesDir: "manual", deploy: { app: APP } }));
    await writeFile(join(this.folder, "package.json"), JSON.stringify({ name: APP, private: true, type: "module" }));
    await writeFile(join(this.folder, ".env"), `OPENAI_API_KEY=${SECRET}\n`);
    await writeFile(join(this.folder, ".dev.vars"), `OPENAI_API_KEY=${SECRET}\n`);
    await mkdir(join(this.folder, "node_modules/some-package"), { recursive: true });
    await writeFile(join(this.folder, "node_modules/some-package/index.js"), "export {};\n");
  }
}
