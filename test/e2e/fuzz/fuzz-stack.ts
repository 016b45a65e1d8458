/** The app in workerd with every setting, a Restate that signs behind it, and something in Restate to ask for. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoopbackServer } from "../../../src/testing/http-server.ts";
import { type RestateTestServer, startRestate } from "../../../src/testing/restate-server.ts";
import { type ServedEndpoint, serveWorker } from "../../../src/testing/serve.ts";
import { RestateIdentity } from "../../../src/testing/restate-identity.ts";
import { type RecordingProxy, startRecordingProxy } from "./recording-proxy.ts";
import { startSacrifice } from "./sacrifice.ts";

/** Values that no answer and no line of the log may hold. */
export const SECRETS = {
  ADMIN_TOKEN: "canary-admin-0b6f3a1d9e5c4287",
  AGENT_API_KEYS: "canary-agent-5e1f7c2ab3d94068",
  RESTATE_AUTH_TOKEN: "canary-restate-9a2d4f6b8c0e1357",
  OTEL_EXPORTER_OTLP_HEADERS: "x-key=canary-otel-71b2c3d4e5f60987",
} as const;

/** What is in Restate before the first request. */
export interface Seeded {
  /** Completed invocations of `Echo/say`. */
  readonly completed: readonly string[];
  /** Invocations that may be cancelled, killed and purged: of `Sacrifice/run`, which never succeeds. */
  readonly sacrificed: readonly string[];
  /** The app itself. Losing it would end the test. */
  readonly deployment: string;
  /** Deployments that may be lost. */
  readonly sacrificedDeployments: readonly string[];
}

interface Parts {
  readonly restate: RestateTestServer;
  readonly worker: ServedEndpoint;
  readonly sacrifice: LoopbackServer;
  readonly ingress: RecordingProxy;
  readonly identity: RestateIdentity;
  readonly folder: string;
}

export class FuzzStack {
  readonly restate: RestateTestServer;
  readonly worker: ServedEndpoint;
  readonly sacrifice: LoopbackServer;
  /** Between the app and Restate's ingress: what the app sent. */
  readonly ingress: RecordingProxy;
  readonly identity: RestateIdentity;
  readonly #folder: string;

  private constructor({ restate, worker, sacrifice, ingress, identity, folder }: Parts) {
    this.restate = restate;
    this.worker = worker;
    this.sacrifice = sacrifice;
    this.ingress = ingress;
    this.identity = identity;
    this.#folder = folder;
  }

  /** `entry`: the Worker, of `test/fixtures`. */
  static async start(entry = "fuzz/worker.ts"): Promise<FuzzStack> {
    const folder = await mkdtemp(join(tmpdir(), "fuzz-test-"));
    const identity = new RestateIdentity();
    const pem = join(folder, "identity.pem");
    await writeFile(pem, identity.privateKeyPem);
    const [restate, sacrifice] = await Promise.all([
      startRestate({ env: { RESTATE_REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE: pem } }),
      startSacrifice(),
    ]);
    const ingress = await startRecordingProxy(restate.ingressUrl);
    const worker = await serveWorker({
      entry: new URL(`../../fixtures/${entry}`, import.meta.url).pathname,
      vars: {
        ...SECRETS,
        ENVIRONMENT: "production",
        RESTATE_IDENTITY_KEYS: identity.publicKey,
        RESTATE_INGRESS_URL: ingress.url,
        RESTATE_ADMIN_URL: restate.adminUrl,
      },
    });
    return new FuzzStack({ restate, worker, sacrifice, ingress, identity, folder });
  }

  get port(): number {
    return Number(new URL(this.worker.url).port);
  }

  /** Values that may be nowhere in an answer, by their names. */
  get canaries(): Readonly<Record<string, string>> {
    return {
      ...SECRETS,
      RESTATE_IDENTITY_KEYS: this.identity.publicKey,
      RESTATE_INGRESS_URL: new URL(this.ingress.url).host,
      RESTATE_ADMIN_URL: new URL(this.restate.adminUrl).host,
    };
  }

  async seed(): Promise<Seeded> {
    await this.restate.register(`${this.worker.url}/restate`, { http11: true });
    for (const n of [1, 2, 3]) await this.restate.register(`${this.sacrifice.url}/d${n}`, { http11: true });
    const completed = await Promise.all([1, 2, 3, 4].map((n) => this.restate.send("Echo/say", { n })));
    await Promise.all(completed.map((id) => this.restate.waitForStatus(id, "completed")));
    const sacrificed = await Promise.all(
      Array.from({ length: 40 }, (_, n) => this.restate.send(`SacrificeObject/k${n}/run`, { n })),
    );
    const rows = await this.restate.query<{ id: string; endpoint: string }>("SELECT id, endpoint FROM sys_deployment");
    const isOurs = ({ endpoint }: { readonly endpoint: string }): boolean => endpoint.startsWith(this.worker.url);
    return {
      completed,
      sacrificed,
      deployment: rows.find(isOurs)?.id ?? "",
      sacrificedDeployments: rows.filter((row) => !isOurs(row)).map(({ id }) => id),
    };
  }

  async stop(): Promise<void> {
    await Promise.all([this.worker.stop(), this.restate.stop(), this.sacrifice.close(), this.ingress.close()]);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
