/** A real Restate, and a Worker with the admin routes whose services it may register. */
import type { StartedRestate } from "../../src/testing/restate-server.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { startTestRestate } from "./stack.ts";

const TOKEN = "admin-token-of-the-tests";
const FLOW_CONTROL = {
  RESTATE_EXPERIMENTAL_ENABLE_PROTOCOL_V7: "true",
  RESTATE_EXPERIMENTAL_ENABLE_VQUEUES: "true",
};

/** An answer of the admin routes. */
export interface AdminAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export class AdminStack {
  readonly restate: StartedRestate;
  readonly worker: ServedEndpoint;

  private constructor(restate: StartedRestate, worker: ServedEndpoint) {
    this.restate = restate;
    this.worker = worker;
  }

  static async start({ flowControl = false }: { readonly flowControl?: boolean } = {}): Promise<AdminStack> {
    const { restate, vars, trustedCertificates } = await startTestRestate({ env: flowControl ? FLOW_CONTROL : {} });
    const worker = await serveWorker({
      entry: new URL("../fixtures/versions/worker.ts", import.meta.url).pathname,
      vars: { ...vars, ADMIN_TOKEN: TOKEN },
      trustedCertificates,
    });
    return new AdminStack(restate, worker);
  }

  async stop(): Promise<void> {
    await Promise.all([this.restate.stop(), this.worker.stop()]);
  }

  /** What to register for a version of the services. */
  uri(version: string): string {
    return `${this.worker.url}/${version}`;
  }

  /** Asks the admin routes: `ask("GET", "/services")`. */
  async ask(method: string, path: string, body?: unknown): Promise<AdminAnswer> {
    const response = await fetch(`${this.worker.url}/admin${path}`, {
      method,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
  }

  /** Registers a version, and answers its deployment's id. */
  async register(version: string, options: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { body } = await this.ask("POST", "/deployments", { uri: this.uri(version), http11: true, ...options });
    const { deploymentId } = body as { readonly deploymentId?: string };
    if (deploymentId === undefined) throw new Error(`Cannot register ${version}: ${JSON.stringify(body)}`);
    return deploymentId;
  }
}
