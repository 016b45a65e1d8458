/** Every operation that the client of the Admin API sends, for comparing them with a server's `/openapi`. */
import { DEPLOYMENT_OPERATIONS } from "./deployments/deployments.ts";
import { INVOCATION_OPERATIONS } from "./invocations/invocation-operations.ts";
import { KAFKA_CLUSTER_OPERATIONS } from "./kafka/kafka-clusters.ts";
import { LIMIT_OPERATIONS } from "./flow-control/limits.ts";
import type { AnyOperation } from "./operation.ts";
import { SERVER_OPERATIONS } from "./server.ts";
import { SERVICE_OPERATIONS } from "./deployments/services.ts";
import { STATE_OPERATIONS } from "./state/state-operations.ts";
import { SUBSCRIPTION_OPERATIONS } from "./kafka/subscriptions.ts";
import { VIRTUAL_QUEUE_OPERATIONS } from "./flow-control/virtual-queues.ts";

/** By group. */
export const ADMIN_OPERATIONS: Readonly<Record<string, Readonly<Record<string, AnyOperation>>>> = {
  server: SERVER_OPERATIONS,
  deployments: DEPLOYMENT_OPERATIONS,
  services: SERVICE_OPERATIONS,
  subscriptions: SUBSCRIPTION_OPERATIONS,
  kafkaClusters: KAFKA_CLUSTER_OPERATIONS,
  limits: LIMIT_OPERATIONS,
  invocations: INVOCATION_OPERATIONS,
  state: STATE_OPERATIONS,
  virtualQueues: VIRTUAL_QUEUE_OPERATIONS,
};
