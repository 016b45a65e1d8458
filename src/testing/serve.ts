import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { ChildInit } from "./child.ts";
import { denoBinary, workerdBinary, wranglerScript } from "./packages.ts";
import { freePort } from "./ports.ts";
import { ServedEndpoint, type ServedEndpointInit, type Vars } from "./served-endpoint.ts";
import { onFreePorts } from "./start-server.ts";
import { bundleWorker, type WorkerSource, writeWorkerdConfig, writeWranglerConfig } from "./worker-bundle.ts";

export type { ServedEndpoint } from "./served-endpoint.ts";

/** How an app is served. */
export interface ServeOptions {
  /** Path of the module that is served: its default export has `fetch`. */
  readonly entry: string;
  /** Vars and secrets: bindings and `process.env` on Workers, the environment on Deno. */
  readonly vars?: Vars;
  /** Path that answers 2xx once the app serves. Default `/health`. */
  readonly healthPath?: string;
  /** Certificates (PEM) that the app trusts besides the public ones, such as those of a TLS server on loopback. */
  readonly trustedCertificates?: readonly string[];
}

/** How a Worker is served. */
export interface ServeWorkerOptions extends ServeOptions {
  /**
   * `workerd` (default): bundled by wrangler once, run by workerd; starting again takes a fraction of a second.
   * `wrangler`: `wrangler dev`, which starts within seconds and is what developers use.
   */
  readonly mode?: "workerd" | "wrangler";
  /** Default `2026-10-01`. From `2025-04-01` on, `process.env` holds the vars. */
  readonly compatibilityDate?: string;
  /** Default `["nodejs_compat"]`. */
  readonly compatibilityFlags?: readonly string[];
}

/** How an app is served by Deno. */
export interface ServeDenoOptions extends ServeOptions {
  /** Path of the `deno.json`. Default: the one that Deno finds itself, above the entry. */
  readonly config?: string;
  /** What the app may do. Default: network, environment, the host's name. */
  readonly permissions?: readonly string[];
}

/**
 * Serves a Worker in a process of its own. It may call loopback addresses, and speaks HTTP/1.1: register it with
 * `http11`.
 *
 * @throws Error with the tool's log when it cannot be bundled within a minute, or does not serve within 30 seconds.
 */
export async function serveWorker(options: ServeWorkerOptions): Promise<ServedEndpoint> {
  const folder = await mkdtemp(join(tmpdir(), "worker-test-"));
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const source: WorkerSource = {
    entry: options.entry,
    vars: options.vars ?? {},
    compatibilityDate: options.compatibilityDate ?? "2026-10-01",
    compatibilityFlags: options.compatibilityFlags ?? ["nodejs_compat"],
    trustedCertificates: options.trustedCertificates ?? [],
  };
  try {
    const child = options.mode === "wrangler" ? await wranglerDev(folder, source) : await workerdServe(folder, source);
    return await serve(options, child, { http11: true, dispose });
  } catch (error) {
    await dispose();
    throw error;
  }
}

/**
 * Serves an app with `deno serve`, over cleartext HTTP/2: bidirectional.
 *
 * @throws Error with Deno's log when it does not serve within 30 seconds.
 */
export async function serveDeno(options: ServeDenoOptions): Promise<ServedEndpoint> {
  const { config, permissions = ["--allow-net", "--allow-env", "--allow-sys=hostname"] } = options;
  const folder = await mkdtemp(join(tmpdir(), "deno-test-"));
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const certificates = await certificateFile(folder, options.trustedCertificates ?? []);
  const flags = [
    ...permissions,
    "--no-prompt",
    ...(certificates === undefined ? [] : ["--cert", certificates]),
    ...(config === undefined ? [] : ["--config", resolve(config)]),
  ];
  const child = async (port: number, vars: Vars): Promise<ChildInit> => ({
    label: "deno serve",
    command: denoBinary(),
    args: ["serve", ...flags, "--host", "127.0.0.1", "--port", String(port), options.entry],
    env: vars,
  });
  try {
    return await serve(options, child, { http11: false, dispose });
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** One file of all; undefined for none. */
async function certificateFile(folder: string, certificates: readonly string[]): Promise<string | undefined> {
  if (certificates.length === 0) return undefined;
  const path = join(folder, "trusted.pem");
  await writeFile(path, certificates.join("\n"));
  return path;
}

type StartOnPort = (port: number, vars: Vars) => Promise<ChildInit>;

async function workerdServe(folder: string, source: WorkerSource): Promise<StartOnPort> {
  const out = await bundleWorker(folder, source);
  return async (port, vars) => ({
    label: "workerd",
    command: workerdBinary(),
    args: ["serve", await writeWorkerdConfig(out, { ...source, vars }), `--socket-addr=http=127.0.0.1:${port}`],
    env: {},
  });
}

async function wranglerDev(folder: string, source: WorkerSource): Promise<StartOnPort> {
  const certificates = await certificateFile(folder, source.trustedCertificates);
  const inspector = await freePort();
  const flags = ["--ip", "127.0.0.1", "--inspector-port", String(inspector), "--show-interactive-dev-session=false"];
  const configuration = (vars: Vars): Promise<string> => writeWranglerConfig(folder, { ...source, vars });
  return async (port, vars) => ({
    label: "wrangler dev",
    command: process.execPath,
    args: [wranglerScript(), "dev", "--config", await configuration(vars), ...flags, "--port", String(port)],
    // wrangler hands the certificates that Node trusts on to workerd.
    env: certificates === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificates },
    cwd: folder,
  });
}

function serve(
  { healthPath = "/health", vars = {} }: ServeOptions,
  child: StartOnPort,
  rest: Pick<ServedEndpointInit, "http11" | "dispose">,
): Promise<ServedEndpoint> {
  return onFreePorts(1, async ([port = 0]) => {
    const childOf = (now: Vars): Promise<ChildInit> => child(port, now);
    const endpoint = new ServedEndpoint({ port, child: childOf, vars, healthPath, ...rest });
    await endpoint.start();
    return endpoint;
  });
}
