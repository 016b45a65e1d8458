/**
 * What Cloudflare looks like to wrangler and to Restate, on loopback: the part of its API that wrangler uses for Workers, and a
 * network in which each uploaded version is served by workerd under its own host name.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { request as send } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Account } from "./account.ts";
import { wildcardCertificate } from "./certificate.ts";
import { type CloudflareApi, type RecordedCall, startApi } from "./api.ts";
import type { FailureOrder, OrderedFailure } from "./failures.ts";
import { type Front, startFront } from "./front.ts";
import { startTails, type Tails } from "./tails.ts";
import { WorkerHost } from "./worker-host.ts";
import type { Version, WorkerScript } from "./worker-script.ts";

export type { FailureOrder, OrderedFailure } from "./failures.ts";
export type { RecordedCall } from "./api.ts";
export type { Version, WorkerScript } from "./worker-script.ts";

interface Parts {
  readonly account: Account;
  readonly api: CloudflareApi;
  readonly front: Front;
  readonly host: WorkerHost;
  readonly tails: Tails;
  readonly certificate: string;
  readonly token: string;
  readonly folder: string;
}

/** A request through the front. */
export interface FrontRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A running look-alike, with one account. */
export class Cloudflare {
  /** For HTTP_PROXY: through it, and only through it, Workers are reached. */
  readonly proxyUrl: string;
  readonly apiUrl: string;
  /** Certificate (PEM) of the authority that clients of Workers over TLS must trust. */
  readonly certificate: string;
  /** The API's only token. */
  readonly token: string;
  /** Environment for wrangler, and for whoever calls Workers. */
  readonly env: Readonly<Record<string, string>>;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.proxyUrl = parts.front.url;
    this.apiUrl = parts.api.url;
    this.certificate = parts.certificate;
    this.token = parts.token;
    this.env = {
      CLOUDFLARE_API_BASE_URL: this.apiUrl,
      CLOUDFLARE_API_TOKEN: this.token,
      CLOUDFLARE_ACCOUNT_ID: parts.account.id,
      ...this.proxyEnv,
    };
  }

  /** Environment for whoever calls Workers, without the account. */
  get proxyEnv(): Readonly<Record<string, string>> {
    return {
      HTTP_PROXY: this.proxyUrl,
      HTTPS_PROXY: this.proxyUrl,
      NO_PROXY: "127.0.0.1,localhost",
      NODE_USE_ENV_PROXY: "1",
    };
  }

  /** Every call of the API, in order. */
  get calls(): readonly RecordedCall[] {
    return this.#parts.api.calls;
  }

  /** Calls of routes that the look-alike does not have. */
  get unknownCalls(): readonly RecordedCall[] {
    return this.calls.filter(({ known }) => !known);
  }

  /** The last lines that Workers printed: the Worker's name, the version's number, the text. */
  get workerLog(): readonly string[] {
    return this.#parts.host.log;
  }

  /** From now on the calls that match fail. */
  fail(order: FailureOrder): OrderedFailure {
    return this.#parts.api.failures.add(order);
  }

  /** Those who listen to Workers' logs. */
  get tails(): Pick<Tails, "listened" | "send"> {
    return this.#parts.tails;
  }

  /** Workers trust the certificate (PEM). Before the first request to one. */
  trust(certificate: string): void {
    this.#parts.host.trust(certificate);
  }

  /** A Worker of the account; undefined when there is none. */
  worker(name: string): WorkerScript | undefined {
    return this.#parts.account.workers.get(name);
  }

  /** Names of all Workers. */
  get workerNames(): readonly string[] {
    return [...this.#parts.account.workers.keys()];
  }

  /** The Worker's own address, where the promoted version answers. */
  urlOf(worker: string): string {
    return `http://${this.#parts.account.hostOf(worker)}`;
  }

  /** Address of one version. */
  versionUrl(worker: string, { id }: Pick<Version, "id">): string {
    return `http://${id.slice(0, 8)}${this.#parts.account.previewSuffix(worker)}`;
  }

  /** For the tool's `--version-url`. */
  get versionUrlTemplate(): string {
    return `http://{prefix}-{worker}.${this.#parts.account.subdomain}.workers.dev`;
  }

  /** Requests an address behind the front. */
  fetch(url: string, { method = "GET", headers = {}, body }: FrontRequest = {}): Promise<Response> {
    const { hostname, port } = new URL(this.proxyUrl);
    return new Promise((resolve, reject) => {
      const request = send({
        host: hostname,
        port,
        method,
        path: url,
        headers: { ...headers, host: new URL(url).host },
      });
      request.on("error", reject);
      request.on("response", (answer) => {
        const status = answer.statusCode ?? 0;
        const noBody = status === 204 || status === 304;
        const fields = Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)]);
        const stream = Readable.toWeb(answer) as ReadableStream<Uint8Array>;
        resolve(new Response(noBody ? null : stream, { status, headers: fields }));
      });
      request.end(body);
    });
  }

  /** Ends everything that it serves. */
  async stop(): Promise<void> {
    const { api, front, host, tails, folder } = this.#parts;
    await Promise.all([api.close(), front.close(), tails.close(), host.dispose()]);
    await rm(folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/**
 * Starts it on free loopback ports.
 *
 * @example
 * ```ts
 * await using cloudflare = await startCloudflare();
 * // wrangler versions upload, with cloudflare.env; then:
 * const version = cloudflare.worker("agents")?.latest;
 * await cloudflare.fetch(`${cloudflare.versionUrl("agents", version)}/health`);
 * ```
 */
export async function startCloudflare(): Promise<Cloudflare> {
  const folder = await mkdtemp(join(tmpdir(), "cloudflare-test-"));
  const token = randomBytes(20).toString("base64url");
  const host = new WorkerHost(folder);
  const tails = await startTails();
  const account = new Account({
    id: randomBytes(16).toString("hex"),
    subdomain: "acme",
    tailUrl: tails.url,
    onDelete: ({ versions }) => {
      void host.dispose((gone) => versions.some(({ id }) => id === gone));
    },
  });
  const tls = await wildcardCertificate(`${account.subdomain}.workers.dev`);
  const [api, front] = await Promise.all([
    startApi(account, token),
    startFront(async (name) => {
      const found = account.at(name);
      return found === undefined ? undefined : host.urlOf(found.worker, found.version);
    }, tls),
  ]);
  return new Cloudflare({ account, api, front, host, tails, certificate: tls.authority, token, folder });
}
