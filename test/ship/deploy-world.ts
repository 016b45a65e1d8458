/** A project that `deploy` ships, and gates before everything that `deploy` talks to. */
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AdminClient } from "../../src/admin/index.ts";
import { factsIn } from "../../cli/deployments/metadata.ts";
import type { DeployResult } from "../../cli/deploy/deploy.ts";
import type { ClerkProject } from "./clerk-project.ts";
import { type Gate, startGate } from "./gate.ts";
import type { ToolDocument } from "./tool.ts";
import { startWorld, type World } from "./world.ts";

const REPOSITORY = resolve(import.meta.dirname, "../..");
const MAIN = join(REPOSITORY, "cli/main.ts");

/** Name of the app's Worker. */
export const WORKER = "desk";
const SECRETS = "secrets.env";
/** On a busy machine, and while a test holds its request. */
const LONGEST_RUN_MS = 280_000;

/** What is different from one version of the source to the next. */
export interface Source {
  /** Statements of the smoke check. */
  readonly check?: string;
  /** Expression of another service. */
  readonly greeter?: string;
}

/** What stands before Cloudflare's API, the Workers' addresses, and Restate. */
export interface Gates {
  readonly api: Gate;
  readonly network: Gate;
  readonly admin: Gate;
  readonly ingress: Gate;
}

/** One run of `deploy`. */
export interface DeployRun {
  /** Null: it was killed. */
  readonly code: number | null;
  readonly log: string;
  readonly stdout: string;
}

/** A run that is under way, in a process group of its own, as a shell starts it. */
export interface RunningDeploy {
  readonly ended: Promise<DeployRun>;
  /** Settles when it has printed this, or has ended. */
  said(text: string): Promise<void>;
  /** To the whole group, as a terminal and a CI job do. */
  signal(name: NodeJS.Signals): void;
}

/** What `--json` prints. */
export type DeployDocument = ToolDocument & DeployResult;

/** Where the app is. */
export interface Live {
  /** Versions that were uploaded, by their tags; newest last. */
  readonly tags: readonly string[];
  /** Version that Cloudflare has promoted. */
  readonly promoted: string | undefined;
  /** Version that Restate sends new invocations to, one for each service. */
  readonly latest: readonly string[];
  /** Version that answers at the app's own address. */
  readonly main: string | undefined;
}

export class DeployWorld implements AsyncDisposable {
  readonly world: World;
  readonly gates: Gates;
  readonly project: ClerkProject;
  readonly admin: AdminClient;
  #sources = 0;

  private constructor(world: World, gates: Gates, project: ClerkProject) {
    this.world = world;
    this.gates = gates;
    this.project = project;
    this.admin = new AdminClient({ url: world.restate.server.adminUrl });
  }

  static async start(): Promise<DeployWorld> {
    const world = await startWorld();
    const { cloudflare, restate } = world;
    const [api, network, admin, ingress] = await Promise.all([
      startGate(cloudflare.apiUrl),
      startGate(cloudflare.proxyUrl),
      startGate(restate.server.adminUrl),
      startGate(restate.server.ingressUrl),
    ]);
    const project = await world.project(WORKER);
    await writeFile(join(project.folder, SECRETS), `RESTATE_AUTH_TOKEN=${restate.token}\n`);
    return new DeployWorld(world, { api, network, admin, ingress }, project);
  }

  /** Another version of the source. */
  async change({ check = "", greeter = "" }: Source = {}): Promise<void> {
    const library = (path: string): string => JSON.stringify(join(REPOSITORY, path));
    const entry = `import { smokeService } from ${library("src/endpoint/smoke-service.ts")};
import { object, service } from ${library("src/journal/handlers.ts")};
import { createEdgeApp } from ${library("routes/index.ts")};

globalThis.source = ${++this.#sources};
const smoke = smokeService("smoke.desk", { timeoutMs: 2_000, check: async () => { ${check} } });
const greet = async () => "hello";
export default createEdgeApp({ services: [smoke, ${greeter}] });
`;
    await writeFile(join(this.project.folder, "worker.ts"), entry);
  }

  start(args: readonly string[] = []): RunningDeploy {
    const { cloudflare } = this.world;
    const all = [
      "deploy",
      "--version-url",
      cloudflare.versionUrlTemplate,
      "--timeout",
      "30",
      "--secrets-file",
      SECRETS,
      ...args,
    ];
    const child = spawn(process.execPath, [MAIN, ...all], {
      cwd: this.project.folder,
      detached: true,
      env: {
        ...process.env,
        ...this.world.env,
        NO_COLOR: "1",
        FORCE_COLOR: undefined,
        XDG_CONFIG_HOME: `${this.project.folder}/.config`,
        HTTP_PROXY: this.gates.network.url,
        CLOUDFLARE_API_BASE_URL: this.gates.api.url,
        RESTATE_ADMIN_URL: this.gates.admin.url,
        RESTATE_INGRESS_URL: this.gates.ingress.url,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let log = "";
    const said = new EventEmitter();
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      log += text;
      said.emit("more");
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
    const signal = (name: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, name);
      } catch {
        // Nobody of the group is left.
      }
    };
    const timer = setTimeout(() => signal("SIGKILL"), LONGEST_RUN_MS);
    const ended = new Promise<DeployRun>((done) => {
      child.on("close", (code) => {
        clearTimeout(timer);
        done({ code, log, stdout });
      });
    });
    const hasSaid = async (text: string): Promise<void> => {
      const isOver = ended.then(() => true);
      for (let over = false; !over && !stdout.includes(text);) {
        over = await Promise.race([isOver, once(said, "more").then(() => false)]);
      }
    };
    return { ended, signal, said: hasSaid };
  }

  /** As people see it. */
  run(args: readonly string[] = []): Promise<DeployRun> {
    return this.start(args).ended;
  }

  async json(args: readonly string[] = []): Promise<DeployRun & { readonly document: DeployDocument }> {
    const run = await this.run([...args, "--json"]);
    try {
      return { ...run, document: JSON.parse(run.stdout) as DeployDocument };
    } catch (cause) {
      throw new Error(`deploy printed no JSON document (exit code ${run.code}): ${run.log}`, { cause });
    }
  }

  async live(): Promise<Live> {
    const { cloudflare } = this.world;
    const worker = cloudflare.worker(WORKER);
    const [services, deployments] = await Promise.all([this.admin.services.list(), this.admin.deployments.list()]);
    const latest = services.map(({ deploymentId }) => {
      const deployment = deployments.find(({ id }) => id === deploymentId);
      return factsIn(deployment?.metadata)?.version ?? "";
    });
    const health = await cloudflare.fetch(`${cloudflare.urlOf(WORKER)}/health`);
    const body = health.ok ? ((await health.json()) as { readonly version?: string }) : {};
    return {
      tags: worker?.versions.map(({ annotations }) => annotations["workers/tag"] ?? "") ?? [],
      promoted: worker?.promoted?.id,
      latest: [...new Set(latest)],
      main: body.version,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.project[Symbol.asyncDispose]();
    await Promise.all(Object.values(this.gates).map((gate: Gate) => gate.close()));
    await this.world[Symbol.asyncDispose]();
  }
}
