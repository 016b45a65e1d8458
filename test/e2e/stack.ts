/** The Restate of the end-to-end tests: a bare server, or one behind the front of a cloud. */
import { type RestateServerOptions, startRestate, type StartedRestate } from "../../src/testing/restate-server.ts";

/** A running Restate, and what a Worker needs to work with it. */
export interface TestRestate {
  readonly kind: "server" | "cloud";
  readonly restate: StartedRestate;
  /** Settings of the Worker: the addresses and the token of Restate, its public key, the environment. */
  readonly vars: Readonly<Record<string, string>>;
  /** Certificates (PEM) that the Worker has to trust, for `serveWorker` and `serveDeno`. */
  readonly trustedCertificates: readonly string[];
}

/** Starts the Restate that the environment variable `RESTATE_STACK` names: `server` (default) or `cloud`. */
export async function startTestRestate(options: RestateServerOptions = {}): Promise<TestRestate> {
  const restate = await startRestate(options);
  const vars = {
    ENVIRONMENT: "development",
    RESTATE_INGRESS_URL: restate.ingressUrl,
    RESTATE_ADMIN_URL: restate.adminUrl,
  };
  return { kind: "server", restate, vars, trustedCertificates: [] };
}
