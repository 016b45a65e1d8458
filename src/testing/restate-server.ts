import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answers, type Child, freePort, startChild, waitUntil } from "./child.ts";

/** How `startRestate` starts the server. */
export interface RestateServerOptions {
  /** Folder of its data. Default: a temporary one, removed by `stop()`. */
  readonly baseDir?: string;
  /** More configuration as environment variables, such as `RESTATE_DEFAULT_NUM_PARTITIONS`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Replays the journal for every step, also on bidirectional endpoints. Default false. */
  readonly alwaysReplay?: boolean;
}

/** One row of an invocation's journal. */
export interface JournalRow {
  readonly index: number;
  readonly entry_type: string;
  readonly name?: string;
  /** The entry without its payload, as Restate shows it. */
  readonly raw?: string;
  /** ISO 8601 */
  readonly appended_at?: string;
}

/** What an invocation ended with. */
export interface CallResult {
  readonly status: number;
  readonly body: unknown;
}

/** A real restate-server on free loopback ports, with its own data. */
export class RestateTestServer {
  readonly ingressUrl: string;
  readonly adminUrl: string;
  readonly baseDir: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #ownsBaseDir: boolean;
  #child: Child | undefined;

  constructor(ports: Ports, baseDir: string, ownsBaseDir: boolean, options: RestateServerOptions) {
    this.ingressUrl = `http://127.0.0.1:${ports.ingress}`;
    this.adminUrl = `http://127.0.0.1:${ports.admin}`;
    this.baseDir = baseDir;
    this.#ownsBaseDir = ownsBaseDir;
    this.#env = { ...configuration(ports, options), ...options.env };
  }

  /** Process id of the running server. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get log(): string {
    return this.#child?.log() ?? "";
  }

  /** Starts it, or starts it again on the same ports and data. */
  async start(): Promise<void> {
    const require = createRequire(import.meta.url);
    const bin = require.resolve("@restatedev/restate-server/package.json").replace(/package\.json$/, "lib/index.js");
    this.#child = startChild({
      label: "restate-server",
      command: process.execPath,
      args: [bin, "--no-logo", "--base-dir", this.baseDir],
      env: this.#env,
    });
    const healthy = async (): Promise<boolean> =>
      (await answers(`${this.adminUrl}/health`)) &&
      (await answers(`${this.ingressUrl}/restate/health`)) &&
      (await this.#hasPartitions());
    await waitUntil("Cannot start restate-server", healthy, { child: this.#child, timeoutMs: 60_000, everyMs: 50 });
  }

  /** SIGKILL: as if the machine had died. `start()` brings it back with its data. */
  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  /** Ends it and removes its temporary data. */
  async stop(): Promise<void> {
    await this.#child?.stop();
    if (this.#ownsBaseDir) await rm(this.baseDir, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Registers an endpoint. `http11` for servers without cleartext HTTP/2, such as workerd. */
  async register(uri: string, { http11 = false }: { readonly http11?: boolean } = {}): Promise<void> {
    await this.#admin("POST", "/deployments", { uri, use_http_11: http11, force: true });
  }

  /** Invokes a handler (`Service/handler` or `Object/key/handler`) and waits for its answer. */
  async call(target: string, input?: unknown): Promise<CallResult> {
    return this.#ingress("POST", `/restate/call/${target}`, input);
  }

  /** Invokes a handler without waiting; the invocation's id. */
  async send(target: string, input?: unknown): Promise<string> {
    const { body } = await this.#ingress("POST", `/restate/send/${target}`, input);
    return (body as { invocationId: string }).invocationId;
  }

  /** Waits for an invocation's answer. */
  attach(invocationId: string, timeoutMs?: number): Promise<CallResult> {
    return this.#ingress("GET", `/restate/attach/${invocationId}`, undefined, timeoutMs);
  }

  async cancel(invocationId: string): Promise<void> {
    await this.#admin("PATCH", `/invocations/${invocationId}/cancel`);
  }

  async resume(invocationId: string): Promise<void> {
    await this.#admin("PATCH", `/invocations/${invocationId}/resume`);
  }

  async resolveAwakeable(id: string, value: unknown): Promise<void> {
    await this.#ingress("POST", `/restate/awakeables/${id}/resolve`, value);
  }

  /** Rows of a SQL query over Restate's introspection tables. */
  async query<ROW>(sql: string): Promise<ROW[]> {
    const answer = (await this.#admin("POST", "/query", { query: sql })) as { readonly rows: ROW[] };
    return answer.rows;
  }

  /** The status of an invocation, such as `running`, `suspended`, `backing-off`, `paused` or `completed`. */
  async status(invocationId: string): Promise<string | undefined> {
    const rows = await this.query<{ status: string }>(
      `SELECT status FROM sys_invocation WHERE id = '${safe(invocationId)}'`,
    );
    return rows[0]?.status;
  }

  /** The journal of an invocation, in order. */
  async journal(invocationId: string): Promise<JournalRow[]> {
    return this.query<JournalRow>(
      `SELECT index, entry_type, name, entry_lite_json AS raw, appended_at FROM sys_journal WHERE id = '${safe(invocationId)}' ORDER BY index`,
    );
  }

  /** A server that was killed answers before it has found its partitions again. */
  async #hasPartitions(): Promise<boolean> {
    return this.query("SELECT id FROM sys_invocation LIMIT 1").then(
      () => true,
      () => false,
    );
  }

  async #ingress(method: string, path: string, input: unknown, timeoutMs = 120_000): Promise<CallResult> {
    const response = await fetch(this.ingressUrl + path, {
      method,
      signal: AbortSignal.timeout(timeoutMs),
      ...(input === undefined ? {} : { body: JSON.stringify(input), headers: { "content-type": "application/json" } }),
    });
    return { status: response.status, body: parse(await response.text()) };
  }

  async #admin(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(this.adminUrl + path, {
      method,
      signal: AbortSignal.timeout(30_000),
      headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${answer}`);
    return parse(answer);
  }
}

interface Ports {
  readonly ingress: number;
  readonly admin: number;
  readonly node: number;
}

/**
 * Starts a real restate-server: the npm package `@restatedev/restate-server`, no Docker.
 *
 * @throws Error with the tail of its log when it does not become healthy within a minute.
 */
export async function startRestate(options: RestateServerOptions = {}): Promise<RestateTestServer> {
  const [ingress, admin, node] = await Promise.all([freePort(), freePort(), freePort()]);
  const baseDir = options.baseDir ?? (await mkdtemp(join(tmpdir(), "restate-test-")));
  const server = new RestateTestServer({ ingress, admin, node }, baseDir, options.baseDir === undefined, options);
  await server.start();
  return server;
}

function configuration(ports: Ports, { alwaysReplay = false }: RestateServerOptions): Record<string, string> {
  return {
    RESTATE_NODE_NAME: "test",
    RESTATE_LISTEN_MODE: "tcp",
    RESTATE_BIND_ADDRESS: `127.0.0.1:${ports.node}`,
    RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${ports.node}/`,
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ports.ingress}`,
    RESTATE_INGRESS__ADVERTISED_ADDRESS: `http://127.0.0.1:${ports.ingress}/`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${ports.admin}`,
    RESTATE_ADMIN__ADVERTISED_ADDRESS: `http://127.0.0.1:${ports.admin}/`,
    RESTATE_DISABLE_TELEMETRY: "true",
    RESTATE_LOG_FILTER: "warn",
    RESTATE_LOG_DISABLE_ANSI_CODES: "true",
    RESTATE_DEFAULT_NUM_PARTITIONS: "2",
    RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: "256 MiB",
    RESTATE_SHUTDOWN_TIMEOUT: "2s",
    ...(alwaysReplay ? { RESTATE_WORKER__INVOKER__INACTIVITY_TIMEOUT: "0s" } : {}),
  };
}

/** Ids come from Restate; refuse anything that could end the SQL literal. */
function safe(id: string): string {
  if (!/^\w+$/.test(id)) throw new Error(`Not an invocation id: ${id}`);
  return id;
}

function parse(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}
