/** What the walk calls operations with. An operation that is missing here, and takes something, fails the walk. */
import { approvalId, shardOf } from "../../../src/approvals/approval-id.ts";
import { approvalLink } from "../../../src/index.ts";
import { waitUntil } from "../../../src/testing/wait.ts";
import { type ServedEndpoint, serveWorker } from "../../../src/testing/serve.ts";
import { startTestRestate, type TestRestate } from "../stack.ts";

const API_KEY = "an-api-key-of-the-walk";
const ADMIN_TOKEN = "an-admin-token-of-the-walk";
const APPROVAL_LINK_SECRET = "a secret of the walk that is long enough";
/** Limits and virtual queues need them. */
const FLOW_CONTROL = {
  RESTATE_EXPERIMENTAL_ENABLE_PROTOCOL_V7: "true",
  RESTATE_EXPERIMENTAL_ENABLE_VQUEUES: "true",
};

/** What one call of an operation is made of; not encoded. */
export interface Arguments {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** The query as it is sent, instead of `query`. */
  readonly rawQuery?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Instead of a body. */
  readonly form?: Readonly<Record<string, string>>;
}

/** Makes what an operation needs, and tells what to call it with. */
type Prepare = () => Arguments | Promise<Arguments>;

export class WalkWorld {
  readonly #stack: TestRestate;
  readonly #worker: ServedEndpoint;
  #made = 0;

  private constructor(stack: TestRestate, worker: ServedEndpoint) {
    this.#stack = stack;
    this.#worker = worker;
  }

  static async start(): Promise<WalkWorld> {
    const stack = await startTestRestate({ env: FLOW_CONTROL });
    const worker = await serveWorker({
      entry: new URL("../../fixtures/walk/worker.ts", import.meta.url).pathname,
      vars: { ...stack.vars, AGENT_API_KEYS: API_KEY, ADMIN_TOKEN, APPROVAL_LINK_SECRET },
      trustedCertificates: stack.trustedCertificates,
    });
    await stack.restate.register(`${worker.url}/restate`, { http11: true });
    return new WalkWorld(stack, worker);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#stack.restate.stop(), this.#worker.stop()]);
  }

  get url(): string {
    return this.#worker.url;
  }

  /** The token for a path. */
  authorization(path: string): Readonly<Record<string, string>> {
    return { authorization: `Bearer ${path.startsWith("/admin") ? ADMIN_TOKEN : API_KEY}` };
  }

  /** By operation id: how to call it so that it does what it is for. */
  readonly valid: Readonly<Record<string, Prepare>> = {
    invokeService: () => ({ path: { service: "Walk", handler: "echo" }, body: "hello" }),
    invokeObject: () => ({ path: { object: "Shelf", key: "a/ü %", handler: "put" }, body: "hello" }),
    getInvocationResult: async () => ({ path: { id: await this.#completed() }, query: { wait: "10" } }),
    cancelInvocationOfAgent: async () => ({ path: { id: await this.#waiting() } }),

    listApprovals: () => ({ query: { agent: "walk", state: "pending", limit: "10" } }),
    getApproval: async () => ({ path: { id: await this.#asked() } }),
    answerApproval: async () => ({ path: { id: await this.#asked() }, body: { approved: true, reason: "fine" } }),
    showApproval: async () => this.#linked(),
    answerApprovalByLink: async () => ({ ...(await this.#linked()), form: { decision: "deny", reason: "no" } }),

    registerDeployment: () => ({ body: { uri: this.#otherUri, http11: true, metadata: { of: "the walk" } } }),
    getDeployment: async () => ({ path: { id: await this.#deployment() } }),
    updateDeployment: async () => ({ path: { id: await this.#deployment() }, body: { headers: { "x-walk": "1" } } }),
    deleteDeployment: async () => {
      const id = await this.#deployment();
      // Registered again, the first one is the latest of all services: nothing needs the other one any more.
      await this.#stack.restate.register(`${this.url}/restate`, { http11: true });
      return { path: { id }, query: { force: "true" } };
    },

    getService: () => ({ path: { service: "Walk" } }),
    modifyService: () => ({ path: { service: "Shelf" }, body: { journalRetention: "1h" } }),
    listHandlers: () => ({ path: { service: "Walk" } }),
    getHandler: () => ({ path: { service: "Walk", handler: "echo" } }),
    getServiceOpenapi: () => ({ path: { service: "Walk" } }),

    listInvocations: () => ({ query: { service: "Walk", total: "true", limit: "3" } }),
    getInvocation: async () => ({ path: { id: await this.#completed() } }),
    getInvocationJournal: async () => ({ path: { id: await this.#completed() }, query: { payloads: "true" } }),
    getInvocationTimeline: async () => ({ path: { id: await this.#paused() } }),
    cancelInvocation: async () => ({ path: { id: await this.#waiting() } }),
    killInvocation: async () => ({ path: { id: await this.#waiting() } }),
    pauseInvocation: async () => ({ path: { id: await this.#waiting() } }),
    purgeInvocation: async () => ({ path: { id: await this.#completed() } }),
    purgeJournalOfInvocation: async () => ({ path: { id: await this.#completed() } }),
    resumeInvocation: async () => ({ path: { id: await this.#paused() }, query: { deployment: "latest" } }),
    restartInvocation: async () => ({ path: { id: await this.#completed() } }),
    batchInvocations: async () => ({
      body: { action: "cancel", ids: [await this.#waiting(), await this.#completed()] },
    }),

    listObjects: async () => ({ path: { service: (await this.#shelf()).service }, query: { limit: "5" } }),
    getObjectState: async () => ({ path: await this.#shelf() }),
    getObjectValue: async () => ({ path: { ...(await this.#shelf()), name: "text" } }),
    replaceObjectState: async () => ({
      path: await this.#shelf(),
      body: { values: { text: { json: "new" }, more: { json: [1, null] } } },
    }),

    createSubscription: async () => ({ body: await this.#subscription() }),
    getSubscription: async () => ({ path: { id: await this.#subscribed() } }),
    deleteSubscription: async () => ({ path: { id: await this.#subscribed() } }),
    createKafkaCluster: () => ({ body: this.#cluster() }),
    getKafkaCluster: async () => ({ path: { name: await this.#clustered() } }),
    updateKafkaCluster: async () => {
      const { properties } = this.#cluster();
      return { path: { name: await this.#clustered() }, body: { properties } };
    },
    deleteKafkaCluster: async () => ({ path: { name: await this.#clustered() } }),

    writeLimitRules: () => ({ body: { rules: [{ pattern: "tenant/*", limits: { concurrency: 2 } }] } }),
    deleteLimitRules: () => ({ body: { rules: [{ pattern: "tenant/*" }] } }),
    pauseVirtualQueue: async () => ({ path: { id: await this.#queue() } }),
    resumeVirtualQueue: async () => ({ path: { id: await this.#queue() } }),
  };

  /** The same app at another address, for Restate another deployment. */
  get #otherUri(): string {
    return `${this.url.replace("127.0.0.1", "localhost")}/restate`;
  }

  async #completed(): Promise<string> {
    const id = await this.#stack.restate.send("Walk/echo", "hello");
    await this.#stack.restate.waitForStatus(id, "completed");
    return id;
  }

  async #waiting(): Promise<string> {
    const id = await this.#stack.restate.send("Walk/wait");
    await this.#stack.restate.waitForStatus(id, "suspended");
    return id;
  }

  /** A question that waits for an answer. */
  async #asked(): Promise<string> {
    const id = approvalId("Approvals", crypto.randomUUID());
    await this.#stack.restate.send("Walk/ask", id);
    await waitUntil("Nobody is asked", async () => {
      const { status, body } = await this.#stack.restate.call(`Approvals/${shardOf(id)}/get`, id);
      return status === 200 && body !== null && body !== undefined;
    });
    return id;
  }

  async #linked(): Promise<Arguments> {
    const id = await this.#asked();
    const question = { id, requestedAt: new Date().toISOString() };
    const link = await approvalLink(question, { baseUrl: this.url, secret: APPROVAL_LINK_SECRET });
    return { path: { id }, query: { token: new URL(link).searchParams.get("token") ?? "" } };
  }

  async #paused(): Promise<string> {
    const id = await this.#stack.restate.send("Walk/stumble");
    await this.#stack.restate.waitForStatus(id, "paused");
    return id;
  }

  async #shelf(): Promise<{ readonly service: string; readonly key: string }> {
    const key = `key ${++this.#made}`;
    await this.#stack.restate.call(`Shelf/${encodeURIComponent(key)}/put`, "hello");
    return { service: "Shelf", key };
  }

  async #deployment(): Promise<string> {
    const { deploymentId } = await this.#admin("POST", "/deployments", {
      uri: this.#otherUri,
      http11: true,
      force: true,
    });
    return deploymentId ?? "";
  }

  #cluster(): { readonly name: string; readonly properties: Readonly<Record<string, string>> } {
    return { name: `cluster-${++this.#made}`, properties: { "bootstrap.servers": "127.0.0.1:1" } };
  }

  async #clustered(): Promise<string> {
    const cluster = this.#cluster();
    await this.#admin("POST", "/kafka-clusters", cluster);
    return cluster.name;
  }

  async #subscription(): Promise<{ readonly source: string; readonly sink: string }> {
    return { source: `kafka://${await this.#clustered()}/orders`, sink: "service://Walk/echo" };
  }

  async #subscribed(): Promise<string> {
    return (await this.#admin("POST", "/subscriptions", await this.#subscription())).id ?? "";
  }

  async #queue(): Promise<string> {
    const scope = `scope-${++this.#made}`;
    const { invocationId } = await this.#send(scope);
    await this.#stack.restate.waitForStatus(invocationId, "suspended");
    const { queues = [] } = await this.#admin("GET", "/virtual-queues");
    return queues.find((queue) => queue.scope === scope)?.id ?? "";
  }

  async #send(scope: string): Promise<{ readonly invocationId: string }> {
    const { restate, vars } = this.#stack;
    const token = vars["RESTATE_AUTH_TOKEN"];
    const response = await fetch(`${restate.ingressUrl}/restate/scope/${scope}/send/Walk/wait`, {
      method: "POST",
      ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    });
    return (await response.json()) as { invocationId: string };
  }

  async #admin(method: string, path: string, body?: unknown): Promise<AdminAnswer> {
    const response = await fetch(`${this.url}/admin${path}`, {
      method,
      headers: { ...this.authorization("/admin"), "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as AdminAnswer;
    if (!response.ok) throw new Error(`Cannot prepare: ${method} ${path} answered ${JSON.stringify(answer)}`);
    return answer;
  }
}

/** What is read of the answers of the admin routes. */
interface AdminAnswer {
  readonly id?: string;
  readonly deploymentId?: string;
  readonly queues?: readonly { readonly id: string; readonly scope?: string }[];
}
