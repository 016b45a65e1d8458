/**
 * What Restate Cloud looks like from outside, on loopback: a real restate-server whose ingress and Admin API are reached
 * through TLS with a bearer token, and which signs its requests to services. Node only.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { distrust, type LoopbackCertificate, loopbackCertificate, trust } from "./certificate.ts";
import { RestateClient } from "./restate-client.ts";
import { RestateIdentity } from "./restate-identity.ts";
import {
  type RestateServerOptions,
  type RestateTestServer,
  type StartedRestate,
  startRestate,
} from "./restate-server.ts";
import { startTlsProxy, type TlsProxy } from "./tls-proxy.ts";

/** How `startRestateCloud` starts it. */
export interface RestateCloudOptions extends RestateServerOptions {
  /** Who signs requests to services. Default: a new identity. */
  readonly identity?: RestateIdentity;
}

interface Parts {
  readonly server: RestateTestServer;
  readonly ingress: TlsProxy;
  readonly admin: TlsProxy;
  readonly tls: LoopbackCertificate;
  readonly tokens: Tokens;
  readonly identity: RestateIdentity;
  /** File from which the server reads its identity when it starts. */
  readonly keyFile: string;
  readonly dispose: () => Promise<void>;
}

interface Tokens {
  readonly full: string;
  readonly ingressOnly: string;
}

/** A restate-server behind the front of a cloud. Its client sends the token; this process trusts its certificate. */
export class RestateCloud extends RestateClient implements StartedRestate {
  /** The server behind the front: no TLS, no token. */
  readonly server: RestateTestServer;
  /** Token for the ingress and the Admin API. */
  declare readonly token: string;
  /** Token of a role that may invoke, but not use the Admin API (403). */
  readonly ingressToken: string;
  /** Certificate (PEM) of the authority that its clients must trust. */
  readonly certificate: string;
  readonly #parts: Parts;
  #identity: RestateIdentity;

  constructor(parts: Parts) {
    super(parts.ingress.url, parts.admin.url, parts.tokens.full, parts.server.encryption);
    this.server = parts.server;
    this.ingressToken = parts.tokens.ingressOnly;
    this.#identity = parts.identity;
    this.certificate = parts.tls.authority;
    this.#parts = parts;
  }

  /** Public key of its signatures, as in `RESTATE_IDENTITY_KEYS`. */
  get identityKey(): string {
    return this.#identity.publicKey;
  }

  get baseDir(): string {
    return this.server.baseDir;
  }

  /** Process id of the server; undefined before its first start. */
  get pid(): number | undefined {
    return this.server.pid;
  }

  /** The last lines that the server printed since it was started. */
  get log(): string {
    return this.server.log;
  }

  /** Starts the server again after `kill()`. */
  start(): Promise<void> {
    return this.server.start();
  }

  /** SIGKILL to the server. Its front stays, and answers 502 and 503. */
  kill(): Promise<void> {
    return this.server.kill();
  }

  /** Kills the server and starts it again. The URLs stay. */
  restart(): Promise<void> {
    return this.server.restart();
  }

  /** Kills the server and starts it again with another identity. */
  async rotateIdentity(identity: RestateIdentity): Promise<void> {
    await this.kill();
    await writeKey(this.#parts.keyFile, identity);
    this.#identity = identity;
    await this.start();
  }

  /** Ends it all and removes its temporary data. */
  async stop(): Promise<void> {
    const { ingress, admin, dispose } = this.#parts;
    await Promise.all([ingress.close(), admin.close(), this.server.stop()]);
    distrust(this.certificate);
    await dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/**
 * Starts it on free loopback ports.
 *
 * @throws Error with the tail of the server's log when it does not become healthy within a minute.
 *
 * @example
 * ```ts
 * await using cloud = await startRestateCloud();
 * const vars = { RESTATE_IDENTITY_KEYS: cloud.identityKey, RESTATE_INGRESS_URL: cloud.ingressUrl, RESTATE_AUTH_TOKEN: cloud.token };
 * await using worker = await serveWorker({ entry: "entry/worker.ts", vars, trustedCertificates: [cloud.certificate] });
 * ```
 */
export async function startRestateCloud(options: RestateCloudOptions = {}): Promise<RestateCloud> {
  const { identity = new RestateIdentity(), ...rest } = options;
  const folder = await mkdtemp(join(tmpdir(), "restate-cloud-"));
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const keyFile = join(folder, "identity.pem");
  await writeKey(keyFile, identity);
  const env = { RESTATE_REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE: keyFile, ...rest.env };
  try {
    const tls = await loopbackCertificate();
    const server = await startRestate({ ...rest, env });
    const tokens: Tokens = { full: newToken(), ingressOnly: newToken() };
    const [ingress, admin] = await Promise.all([
      startTlsProxy({
        tls,
        port: portOf(server.ingressUrl),
        judge: (token) => judge(token, [tokens.full, tokens.ingressOnly]),
      }),
      startTlsProxy({
        tls,
        port: portOf(server.adminUrl),
        judge: (token) => (token === tokens.ingressOnly ? 403 : judge(token, [tokens.full])),
      }),
    ]);
    trust(tls.authority);
    return new RestateCloud({ server, ingress, admin, tls, tokens, identity, keyFile, dispose });
  } catch (error) {
    await dispose();
    throw error;
  }
}

function writeKey(path: string, identity: RestateIdentity): Promise<void> {
  return writeFile(path, identity.privateKeyPem, { mode: 0o600 });
}

function judge(token: string | undefined, known: readonly string[]): 200 | 401 {
  return token !== undefined && known.includes(token) ? 200 : 401;
}

/** As Restate Cloud's: `key_`, the key's id, a dot, the secret. */
function newToken(): string {
  return `key_${randomBytes(12).toString("hex")}.${randomBytes(24).toString("base64url")}`;
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
