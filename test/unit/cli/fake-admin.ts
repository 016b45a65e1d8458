/** Restate's Admin API and ingress as far as choosing, putting back and pruning deployments asks them, over HTTP. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { metadataOf, type VersionFacts } from "../../../cli/deployments/metadata.ts";
import { AdminClient } from "../../../src/admin/index.ts";

/** A deployment that it knows. */
export interface FakeDeployment {
  readonly id: string;
  readonly facts: Omit<VersionFacts, "app" | "fingerprint">;
  /** Milliseconds since 1970. */
  readonly registeredAt: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A registration that it was asked for. */
export interface Registered {
  readonly uri: string;
  readonly force?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What smoke invocations come to. */
export interface FakeSmoke {
  readonly answer: unknown;
  readonly pinnedTo: string;
}

const SERVICE = "Clerk";
const INVOCATION = "inv_1fjtoLCTZCOa6PB3PEmER3O4YJUE4aQCiR";
const SMOKE = { "restate-edge-agents/smoke": "run" };

export class FakeAdmin implements AsyncDisposable {
  readonly admin: AdminClient;
  readonly url: string;
  deployments: FakeDeployment[] = [];
  /** Id of the deployment that is the latest of its one service. */
  latest = "";
  /** The version that answers at the deployments' URIs. */
  serves = "";
  smoke: FakeSmoke | undefined;
  readonly registrations: Registered[] = [];
  readonly removed: string[] = [];
  /** Runs when a deployment has been removed. */
  onRemoved: (id: string) => void = () => {};
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}`;
    this.admin = new AdminClient({ url: this.url });
  }

  static async start(): Promise<FakeAdmin> {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const address = server.address();
    const fake = new FakeAdmin(server, typeof address === "object" ? (address?.port ?? 0) : 0);
    server.on("request", (request, response) => void fake.#serve(request, response));
    return fake;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = this.#answer(`${request.method} ${request.url}`, await bodyOf(request));
    response.writeHead(answer === undefined ? 404 : 200, {
      "content-type": "application/json",
      "x-restate-id": INVOCATION,
    });
    response.end(JSON.stringify(answer ?? { message: "not here" }));
  }

  #answer(request: string, body: string): unknown {
    const [, id = ""] = /^\w+ \/deployments\/(\w+)/.exec(request) ?? [];
    if (request === "GET /health") return { version: this.serves };
    if (request === "GET /services") return { services: [this.#service(this.latest)] };
    if (request === "GET /deployments") return { deployments: this.deployments.map((one) => this.#wire(one)) };
    if (request.startsWith("GET /deployments/")) {
      const found = this.deployments.find((one) => one.id === id);
      return found && { ...this.#wire(found), services: [this.#service(id)] };
    }
    if (request.startsWith("DELETE /deployments/")) return this.#remove(id);
    if (request === "POST /deployments") return this.#register(JSON.parse(body) as Registered);
    if (request === "POST /query") return { rows: this.#rows(body) };
    if (request.startsWith("POST /restate/send/") || request === `POST /${SERVICE}/run/send`)
      return { invocationId: INVOCATION, status: "Accepted" };
    return request === `GET /restate/output/${INVOCATION}` ? this.smoke?.answer : undefined;
  }

  #register(registration: Registered): unknown {
    this.registrations.push(registration);
    const id = this.deployments.find((one) => this.#uriOf(one) === registration.uri)?.id ?? "dp_new";
    this.latest = id;
    return { id, services: [this.#service(id)] };
  }

  #remove(id: string): unknown {
    this.removed.push(id);
    this.deployments = this.deployments.filter((one) => one.id !== id);
    this.onRemoved(id);
    return {};
  }

  #rows(body: string): unknown[] {
    if (body.includes("GROUP BY")) return [];
    if (body.includes("COUNT(1)")) return [{ count: 0 }];
    const target = { target: `${SERVICE}/run`, target_service_name: SERVICE, target_handler_name: "run" };
    const created = new Date(0).toISOString();
    const pinned = { status: "completed", pinned_deployment_id: this.smoke?.pinnedTo };
    return [{ id: INVOCATION, ...target, created_at: created, ...pinned }];
  }

  #service(deploymentId: string): object {
    const handler = { name: "run", input_description: "", output_description: "" };
    return {
      name: SERVICE,
      ty: "Service",
      deployment_id: deploymentId,
      revision: 1,
      metadata: SMOKE,
      handlers: [handler],
    };
  }

  #uriOf({ facts }: FakeDeployment): string {
    return `${this.url}/restate/v/${facts.version}`;
  }

  #wire(deployment: FakeDeployment): object {
    const { id, facts, registeredAt, metadata } = deployment;
    return {
      id,
      uri: this.#uriOf(deployment),
      http_version: "HTTP/1.1",
      created_at: new Date(registeredAt).toISOString(),
      min_protocol_version: 5,
      max_protocol_version: 6,
      metadata: { ...metadataOf({ app: "agents", fingerprint: "f", ...facts }), ...metadata },
      services: [{ name: SERVICE, revision: 1 }],
    };
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const part of request.setEncoding("utf8")) body += String(part);
  return body;
}
