/** The Restate of the end-to-end tests: a bare server, or one behind the front of a cloud. */
import { startRestateCloud } from "../../src/testing/restate-cloud.ts";
import { encryptionVars, testEncryption } from "./encryption-vars.ts";
import { type RestateServerOptions, type StartedRestate, startRestate } from "../../src/testing/restate-server.ts";

/**
 * - `server`: reached over HTTP without a token, unsigned; the Worker is in development.
 * - `cloud`: reached over TLS with a token, signs its requests; the Worker is in production.
 */
export type RestateKind = "server" | "cloud";

/** A running Restate, and what a Worker needs to work with it. */
export interface TestRestate {
  readonly kind: RestateKind;
  readonly restate: StartedRestate;
  /** Settings of the Worker: the addresses and the token of Restate, its public key, the environment. */
  readonly vars: Readonly<Record<string, string>>;
  /** Certificates (PEM) that the Worker has to trust, for `serveWorker` and `serveDeno`. */
  readonly trustedCertificates: readonly string[];
}

/** What the environment variable `RESTATE_STACK` names. Default: `server`. */
const KIND: RestateKind = process.env["RESTATE_STACK"] === "cloud" ? "cloud" : "server";

/** Starts one of `kind`. Default: of the kind that this run of the tests is about. */
export async function startTestRestate(options: RestateServerOptions = {}, kind = KIND): Promise<TestRestate> {
  return kind === "cloud" ? cloud(options) : server(options);
}

async function server(options: RestateServerOptions): Promise<TestRestate> {
  const restate = await startRestate({ encryption: testEncryption(), ...options });
  const vars = {
    ENVIRONMENT: "development",
    RESTATE_INGRESS_URL: restate.ingressUrl,
    RESTATE_ADMIN_URL: restate.adminUrl,
    ...encryptionVars(),
  };
  return { kind: "server", restate, vars, trustedCertificates: [] };
}

async function cloud(options: RestateServerOptions): Promise<TestRestate> {
  const restate = await startRestateCloud(options);
  const vars = {
    ENVIRONMENT: "production",
    RESTATE_INGRESS_URL: restate.ingressUrl,
    RESTATE_ADMIN_URL: restate.adminUrl,
    RESTATE_AUTH_TOKEN: restate.token,
    RESTATE_IDENTITY_KEYS: restate.identityKey,
  };
  return { kind: "cloud", restate, vars, trustedCertificates: [restate.certificate] };
}
