/**
 * What looks like Deno Deploy, on loopback: its API version 2, and a front that serves uploaded files with Deno under the
 * host names of production (`<app>.acme.deno.net`) and of revisions (`<app>-<revision>.acme.deno.net`).
 *
 * Written after https://api.deno.com/v2/docs as its own client knows it (npm: `@deno/sandbox`), and the platform's guides. What
 * nobody says is not there: limits of how many apps, how long routing takes.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listen, type LoopbackServer, readJson } from "../../src/testing/http-server.ts";
import { wildcardCertificate } from "../cloudflare/certificate.ts";
import { type FailureOrder, Failures, type OrderedFailure } from "../cloudflare/failures.ts";
import { type Front, startFront } from "../cloudflare/front.ts";
import { Organization, type StoredRevision } from "./organization.ts";
import { moment, RevisionHost } from "./revision-host.ts";
import { ApiRefusal, ROUTES } from "./routes.ts";

/** A call of the API: `POST /apps`, without the query. */
export interface RecordedCall {
  readonly name: string;
  readonly authorized: boolean;
  /** False for a route that the look-alike does not have. */
  readonly known: boolean;
}

const PREFIX = "/api/v2";
const STAGE_MS = 30;

export class DenoDeploy implements AsyncDisposable {
  readonly organization = new Organization("acme");
  readonly token: string = `ddo_${randomBytes(20).toString("base64url")}`;
  readonly calls: RecordedCall[] = [];
  readonly #failures = new Failures();
  readonly #host: RevisionHost;
  #api: LoopbackServer | undefined;
  #front: Front | undefined;
  #held: Promise<void> = Promise.resolve();
  readonly #builds = new Set<Promise<void>>();

  /** Certificate (PEM) of the authority that those who call apps must trust. */
  readonly certificate: string;
  /** The same in a file. */
  readonly certificateFile: string;
  readonly #folder: string;

  private constructor(folder: string, certificate: string) {
    this.#folder = folder;
    this.#host = new RevisionHost(join(folder, "revisions"));
    this.certificate = certificate;
    this.certificateFile = join(folder, "authority.pem");
  }

  static async start(): Promise<DenoDeploy> {
    const tls = await wildcardCertificate("acme.deno.net");
    const deploy = new DenoDeploy(await mkdtemp(join(tmpdir(), "deno-deploy-")), tls.authority);
    await writeFile(deploy.certificateFile, tls.authority);
    deploy.#api = await listen((request, response) => deploy.#answer(request, response));
    deploy.#front = await startFront((host) => deploy.#resolve(host), tls);
    return deploy;
  }

  /** Environment for whoever calls apps. */
  get proxyEnv(): Readonly<Record<string, string>> {
    const url = this.#front?.url ?? "";
    return { HTTP_PROXY: url, HTTPS_PROXY: url, NO_PROXY: "127.0.0.1,localhost", NODE_USE_ENV_PROXY: "1" };
  }

  /** Environment of somebody who may deploy. */
  get env(): Readonly<Record<string, string>> {
    return { ...this.proxyEnv, DENO_DEPLOY_TOKEN: this.token, DENO_DEPLOY_ENDPOINT: this.#api?.url ?? "" };
  }

  urlOf(slug: string): string {
    return `https://${this.organization.hostOf(slug)}`;
  }

  /** From now on the calls that match fail. Paths are without the API's prefix. */
  fail(order: FailureOrder): OrderedFailure {
    return this.#failures.add(order);
  }

  /** Apps trust the certificate (PEM) in this file. Before the first request to one. */
  trust(file: string): void {
    this.#host.trusted = file;
  }

  /** From now on builds do not end, until what is returned is called. */
  holdBuilds(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    return resolve;
  }

  /** Waits until no build is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#builds);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.settled();
    await Promise.all([this.#api?.close(), this.#front?.close()]);
    await this.#host.dispose();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #resolve(host: string): Promise<URL | undefined> {
    const found = this.organization.at(host);
    if (found === undefined) return undefined;
    return this.#host.urlOf(found.revision, this.organization.environment(found.revision, found.context));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? "/", "http://127.0.0.1");
    const method = request.method ?? "GET";
    const path = pathname.startsWith(PREFIX) ? pathname.slice(PREFIX.length) : "";
    const route = ROUTES.find((one) => one.method === method && one.pattern.test(path));
    const authorized = request.headers.authorization === `Bearer ${this.token}`;
    this.calls.push({ name: `${method} ${path}`, authorized, known: route !== undefined });
    const body = await readJson(request);
    const how = this.#failures.next(method, path);
    if (how === "hang") return;
    if (how === "cut") {
      response.destroy();
      return;
    }
    if (typeof how === "object") {
      send(response, how.status, { code: "UNKNOWN_ERROR", message: how.message ?? "Something went wrong" });
      return;
    }
    let answer: readonly [number, unknown];
    try {
      if (!authorized) throw new ApiRefusal(401, "UNAUTHORIZED", "The token is invalid");
      if (route === undefined) throw new ApiRefusal(404, "ROUTE_NOT_FOUND", `No route for ${method} ${path}`);
      const id = decodeURIComponent(route.pattern.exec(path)?.[1] ?? "");
      answer = route.handle({ organization: this.organization, id, query, body, build: (one) => this.#begin(one) });
    } catch (error) {
      if (!(error instanceof ApiRefusal)) throw error;
      answer = [error.status, { code: error.code, message: error.message }];
    }
    if (how === "lost") response.destroy();
    else send(response, ...answer);
  }

  #begin(revision: StoredRevision): void {
    const build = this.#build(revision).finally(() => this.#builds.delete(build));
    this.#builds.add(build);
  }

  async #build(revision: StoredRevision): Promise<void> {
    await moment(STAGE_MS);
    revision.status = "building";
    await this.#held;
    const isBuilt = await this.#host.build(revision).catch(() => false);
    await moment(STAGE_MS);
    const app = this.organization.app(revision.app);
    if (isBuilt && revision.production && app !== undefined) app.active = revision;
    revision.status = isBuilt ? "succeeded" : "failed";
    revision.failureReason = isBuilt ? null : "error";
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const isText = typeof body === "string";
  response.writeHead(status, { "content-type": isText ? "application/x-ndjson" : "application/json" });
  response.end(body === undefined ? undefined : isText ? body : JSON.stringify(body));
}
