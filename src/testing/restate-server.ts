import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Child } from "./child.ts";
import { restateServerBinary } from "./packages.ts";
import { RestateClient } from "./restate-client.ts";
import { restateConfiguration, type RestatePorts, type RestateServerOptions } from "./restate-configuration.ts";
import { onFreePorts, startServer } from "./start-server.ts";
import { answers } from "./wait.ts";

export type { CallOptions, CallResult, JournalRow } from "./restate-client.ts";
export type { RestateRetryPolicy, RestateServerOptions } from "./restate-configuration.ts";

/** A restate-server that a test starts, kills and stops. */
export interface StartedRestate extends RestateClient {
  readonly baseDir: string;
  readonly pid: number | undefined;
  readonly log: string;
  start(): Promise<void>;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A real restate-server on free loopback ports, with its own data. */
export class RestateTestServer extends RestateClient implements StartedRestate {
  readonly baseDir: string;
  readonly #ports: RestatePorts;
  readonly #env: Readonly<Record<string, string>>;
  readonly #ownsBaseDir: boolean;
  #child: Child | undefined;

  constructor(ports: RestatePorts, baseDir: string, options: RestateServerOptions) {
    super(`http://127.0.0.1:${ports.ingress}`, `http://127.0.0.1:${ports.admin}`, undefined, options.encryption);
    this.baseDir = baseDir;
    this.#ports = ports;
    this.#ownsBaseDir = options.baseDir === undefined;
    this.#env = restateConfiguration(ports, options);
  }

  /** Process id of the server; undefined before its first start. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The last lines that it printed since it was started. */
  get log(): string {
    return this.#child?.log() ?? "";
  }

  /** Starts it, or starts it again on the same ports and data after `kill()`. Does nothing while it runs. */
  async start(): Promise<void> {
    if (this.#child?.alive === true) return;
    const init = {
      label: "restate-server",
      command: restateServerBinary(),
      args: ["--no-logo", "--base-dir", this.baseDir],
      env: this.#env,
    };
    this.#child = await startServer(init, this.#ports.ingress, () => this.#isHealthy(), {
      timeoutMs: 60_000,
      everyMs: 50,
    });
  }

  /** SIGKILL: as if the machine had died. `start()` brings it back with its data. */
  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  /** Kills it if it runs, and starts it again on the same ports and data. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** Ends it and removes its temporary data. */
  async stop(): Promise<void> {
    await this.#child?.stop();
    if (this.#ownsBaseDir) await rm(this.baseDir, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #isHealthy(): Promise<boolean> {
    return (
      (await answers(`${this.adminUrl}/health`)) &&
      (await answers(`${this.ingressUrl}/restate/health`)) &&
      (await this.#hasPartitions())
    );
  }

  /** A server that was killed answers before it has found its partitions again. */
  async #hasPartitions(): Promise<boolean> {
    // All of them: with a LIMIT the first partition would answer for the rest.
    return this.query("SELECT count(*) AS count FROM sys_invocation").then(
      () => true,
      () => false,
    );
  }
}

/**
 * Starts a real restate-server: the npm package `@restatedev/restate-server`, no Docker.
 *
 * @throws Error with the tail of its log when it does not become healthy within a minute.
 *
 * @example
 * ```ts
 * await using restate = await startRestate();
 * await using worker = await serveWorker({ entry: "entry/worker.ts", vars: { ENVIRONMENT: "development" } });
 * await restate.register(`${worker.url}/restate`, { http11: true });
 * const { body } = await restate.call("WeatherAgent/run", "Is it raining in Berlin?");
 * ```
 */
export function startRestate(options: RestateServerOptions = {}): Promise<RestateTestServer> {
  return onFreePorts(3, async ([ingress = 0, admin = 0, node = 0]) => {
    const baseDir = options.baseDir ?? (await mkdtemp(join(tmpdir(), "restate-test-")));
    const server = new RestateTestServer({ ingress, admin, node }, baseDir, options);
    try {
      await server.start();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  });
}
