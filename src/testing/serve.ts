import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { answers, type Child, type ChildInit, freePort, startChild, waitUntil } from "./child.ts";

const require = createRequire(import.meta.url);

/** How an app is served. */
export interface ServeOptions {
  /** Path of the module that is served: its default export has `fetch`. */
  readonly entry: string;
  /** Vars and secrets: bindings and `process.env` on Workers, the environment on Deno. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Path that answers 2xx once the app serves. Default `/health`. */
  readonly healthPath?: string;
}

/** An app that is served by a real runtime in a process of its own. */
export class ServedEndpoint {
  readonly url: string;
  readonly #init: ChildInit;
  readonly #health: string;
  readonly #dispose: () => Promise<void>;
  #child: Child | undefined;

  constructor(url: string, init: ChildInit, healthPath: string, dispose: () => Promise<void>) {
    this.url = url;
    this.#init = init;
    this.#health = url + healthPath;
    this.#dispose = dispose;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get log(): string {
    return this.#child?.log() ?? "";
  }

  /** Starts it, or starts it again on the same port. */
  async start(): Promise<void> {
    this.#child = startChild(this.#init);
    await waitUntil(`Cannot serve ${this.url}`, () => answers(this.#health), { child: this.#child });
  }

  /** SIGKILL: as if the isolate's machine had died. */
  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  /** Ends it and removes its temporary files. */
  async stop(): Promise<void> {
    await this.#child?.stop();
    await this.#dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/**
 * Serves a Worker: bundled by wrangler once, run by workerd. Starting again takes a fraction of a second.
 * Speaks HTTP/1.1: register it with `http11`.
 */
export async function serveWorker(options: ServeOptions): Promise<ServedEndpoint> {
  const folder = await mkdtemp(join(tmpdir(), "worker-test-"));
  const port = await freePort();
  await bundle(options.entry, folder);
  await writeFile(join(folder, "out", "config.capnp"), await workerdConfig(folder, port, options));
  const wrangler = dirname(require.resolve("wrangler/package.json"));
  const workerd = dirname(require.resolve("workerd/package.json", { paths: [wrangler] }));
  const init: ChildInit = {
    label: "workerd",
    command: join(workerd, "bin", "workerd"),
    args: ["serve", join(folder, "out", "config.capnp")],
    env: {},
  };
  return served(`http://127.0.0.1:${port}`, init, options, () => rm(folder, { recursive: true, force: true }));
}

/** Serves an app with `deno serve`: HTTP/2, bidirectional. */
export async function serveDeno(options: ServeOptions): Promise<ServedEndpoint> {
  const port = await freePort();
  const init: ChildInit = {
    label: "deno serve",
    command: process.execPath,
    args: [
      require.resolve("deno/bin.cjs"),
      "serve",
      "--allow-net",
      "--allow-env",
      "--allow-sys=hostname",
      "--no-prompt",
      "--host",
      "127.0.0.1",
      "--port",
      String(port),
      options.entry,
    ],
    env: options.vars ?? {},
  };
  return served(`http://127.0.0.1:${port}`, init, options, async () => {});
}

async function served(
  url: string,
  init: ChildInit,
  { healthPath = "/health" }: ServeOptions,
  dispose: () => Promise<void>,
): Promise<ServedEndpoint> {
  const endpoint = new ServedEndpoint(url, init, healthPath, dispose);
  await endpoint.start();
  return endpoint;
}

const COMPATIBILITY_DATE = "2026-10-01";

async function bundle(entry: string, folder: string): Promise<void> {
  const config = join(folder, "wrangler.json");
  await writeFile(
    config,
    JSON.stringify({
      name: "test",
      main: resolve(entry),
      compatibility_date: COMPATIBILITY_DATE,
      compatibility_flags: ["nodejs_compat"],
    }),
  );
  const wrangler = require.resolve("wrangler/package.json").replace(/package\.json$/, "bin/wrangler.js");
  const args = [wrangler, "deploy", "--config", config, "--dry-run", "--outdir", join(folder, "out")];
  const child = startChild({ label: "wrangler", command: process.execPath, args, env: {} });
  await waitUntil("Cannot bundle", () => !child.alive, { timeoutMs: 60_000 });
  const files = await readdir(join(folder, "out")).catch(() => []);
  if (!files.some((file) => file.endsWith(".js"))) throw new Error(`Cannot bundle ${entry}:\n${child.log()}`);
}

async function workerdConfig(folder: string, port: number, { entry, vars = {} }: ServeOptions): Promise<string> {
  const main = basename(entry).replace(/\.\w+$/, ".js");
  const files = await readdir(join(folder, "out"));
  const modules = [
    `(name = "${main}", esModule = embed "${main}")`,
    ...files.filter((file) => file.endsWith(".wasm")).map((file) => `(name = "./${file}", wasm = embed "${file}")`),
  ];
  const bindings = Object.entries(vars).map(([name, value]) => `(name = "${name}", text = ${JSON.stringify(value)})`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [${modules.join(", ")}],
  bindings = [${bindings.join(", ")}],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  compatibilityFlags = ["nodejs_compat"],
);
`;
}
