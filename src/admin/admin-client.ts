/** Restate's Admin API (1.7), typed. */
import { AdminHttp, type AdminOptions } from "./admin-http.ts";
import { Deployments } from "./deployments/deployments.ts";
import { Invocations } from "./invocations/invocations.ts";
import { KafkaClusters } from "./kafka/kafka-clusters.ts";
import { Limits } from "./flow-control/limits.ts";
import { ask, command } from "./operation.ts";
import { type ClusterHealth, SERVER_OPERATIONS, type ServerVersion } from "./server.ts";
import { Services } from "./deployments/services.ts";
import { ObjectStates } from "./state/state.ts";
import { Subscriptions } from "./kafka/subscriptions.ts";
import { VirtualQueues } from "./flow-control/virtual-queues.ts";

/**
 * A client of one Restate's Admin API. Names are ours, see wire.ts; what they mean is Restate's.
 *
 * Every method throws `RestateRefusedError` with Restate's status, message (its first line, up to 500 characters) and code;
 * `RestateUnreachableError` (503); `RestateUnauthorizedError` (502); `RestateUnexpectedError` (502) for an answer of another
 * shape, and for an error that is not Restate's.
 *
 * @example
 * ```ts
 * const admin = new AdminClient({ url: "http://127.0.0.1:9070" });
 * await admin.deployments.register({ uri: "https://v2-agents.example.workers.dev/restate" });
 * ```
 */
export class AdminClient {
  readonly deployments: Deployments;
  readonly services: Services;
  readonly invocations: Invocations;
  readonly state: ObjectStates;
  readonly subscriptions: Subscriptions;
  readonly kafkaClusters: KafkaClusters;
  readonly limits: Limits;
  readonly virtualQueues: VirtualQueues;
  readonly #http: AdminHttp;

  constructor(options: AdminOptions) {
    const http = new AdminHttp(options);
    this.#http = http;
    this.deployments = new Deployments(http);
    this.services = new Services(http);
    this.invocations = new Invocations(http);
    this.state = new ObjectStates(http);
    this.subscriptions = new Subscriptions(http);
    this.kafkaClusters = new KafkaClusters(http);
    this.limits = new Limits(http);
    this.virtualQueues = new VirtualQueues(http);
  }

  version(): Promise<ServerVersion> {
    return ask(this.#http, SERVER_OPERATIONS.version);
  }

  /** Returns when the server is healthy, and throws otherwise. */
  health(): Promise<void> {
    return command(this.#http, SERVER_OPERATIONS.health);
  }

  /** Restate calls this deprecated. */
  clusterHealth(): Promise<ClusterHealth> {
    return ask(this.#http, SERVER_OPERATIONS.clusterHealth);
  }
}
