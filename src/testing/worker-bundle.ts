/** A Worker as wrangler would deploy it, and the configuration with which workerd serves it. */
import { readdir, writeFile } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { startChild } from "./child.ts";
import { keepBundle, takeKeptBundle } from "./kept-bundles.ts";
import { wranglerScript } from "./packages.ts";
import { waitUntil } from "./wait.ts";

/** What a Worker is. */
export interface WorkerSource {
  /** Path of its entry. */
  readonly entry: string;
  readonly vars: Readonly<Record<string, string>>;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  /** PEM */
  readonly trustedCertificates: readonly string[];
}

/** Writes wrangler's configuration into `folder`; its path. */
export async function writeWranglerConfig(folder: string, source: WorkerSource): Promise<string> {
  const path = join(folder, "wrangler.json");
  const config = {
    name: "test",
    main: resolve(source.entry),
    compatibility_date: source.compatibilityDate,
    compatibility_flags: source.compatibilityFlags,
    vars: source.vars,
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

/**
 * Bundles the Worker with wrangler, or takes the bundle of an earlier call (`kept-bundles.ts`); the folder of its modules.
 *
 * @throws Error with wrangler's log when it cannot be bundled within a minute.
 */
export async function bundleWorker(folder: string, source: WorkerSource): Promise<string> {
  const out = join(folder, "out");
  if (await takeKeptBundle(source, out)) return out;
  const config = await writeWranglerConfig(folder, source);
  const args = [wranglerScript(), "deploy", "--config", config, "--dry-run", "--outdir", out];
  const child = startChild({ label: "wrangler deploy --dry-run", command: process.execPath, args, env: {} });
  try {
    await waitUntil(`Cannot bundle ${source.entry}`, () => !child.alive, { child, timeoutMs: 60_000 });
  } finally {
    await child.kill();
  }
  if (child.exit !== "exit code 0")
    throw new Error(`Cannot bundle ${source.entry}: wrangler: ${child.exit}\n${child.log()}`);
  await keepBundle(source, out);
  return out;
}

/**
 * Writes workerd's configuration beside the modules; its path. Which address the socket `http` gets is said when workerd
 * is started.
 */
export async function writeWorkerdConfig(out: string, source: WorkerSource): Promise<string> {
  const path = join(out, "config.capnp");
  await writeFile(path, workerdConfig(await readdir(out), source));
  return path;
}

/** Kinds of module, by the ending of the file. */
const MODULE_KINDS: Readonly<Record<string, string>> = {
  ".bin": "data",
  ".html": "text",
  ".js": "esModule",
  ".mjs": "esModule",
  ".sql": "text",
  ".txt": "text",
  ".wasm": "wasm",
};

function workerdConfig(files: readonly string[], source: WorkerSource): string {
  const main = basename(source.entry).replace(/\.\w+$/, ".js");
  const others = files.filter((file) => file !== main && MODULE_KINDS[extname(file)] !== undefined);
  const modules = [
    // The first module is the Worker's entry.
    `(name = ${quote(main)}, esModule = embed ${quote(main)})`,
    ...others.map((file) => `(name = ${quote(`./${file}`)}, ${MODULE_KINDS[extname(file)]} = embed ${quote(file)})`),
  ];
  const bindings = Object.entries(source.vars).map(
    ([name, value]) => `(name = ${quote(name)}, text = ${quote(value)})`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (
      allow = ["public", "private", "local"],
      tlsOptions = (trustBrowserCas = true, trustedCertificates = [${source.trustedCertificates.map(quote).join(", ")}]),
    )),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [${modules.join(", ")}],
  bindings = [${bindings.join(", ")}],
  compatibilityDate = ${quote(source.compatibilityDate)},
  compatibilityFlags = [${source.compatibilityFlags.map(quote).join(", ")}],
);
`;
}

/** A string of Cap'n Proto's text format, which knows JSON's escapes except for `\u`. */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll(/\\u00([\da-f]{2})/g, "\\x$1");
}
