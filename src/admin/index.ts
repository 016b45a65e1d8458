/** Public names of restate-edge-agents/admin: a typed client of Restate's Admin API. */
export { AdminClient } from "./admin-client.ts";
export type { AdminOptions } from "./admin-http.ts";
export type {
  Deployment,
  DeploymentChanges,
  DetailedDeployment,
  HttpRegistration,
  LambdaRegistration,
  RegisteredDeployment,
} from "./deployments/deployment-schemas.ts";
export type { DrainStatus } from "./deployments/deployments.ts";
export type { Invocation } from "./invocations/invocation.ts";
export type { InvocationFilter } from "./invocations/invocation-filter.ts";
export type { InvocationPage, PageRequest } from "./invocations/invocation-page.ts";
export type { JournalEntry, JournalPage } from "./timeline/journal.ts";
export type { KafkaCluster, NewKafkaCluster } from "./kafka/kafka-clusters.ts";
export type { LimitRule, RuleChange, RuleDeletion } from "./flow-control/limits.ts";
export { registerWithReport } from "./deployments/registration-report.ts";
export type { RegistrationReport } from "./deployments/registration-report.ts";
export type { ServerVersion } from "./server.ts";
export type { Handler, Service, ServiceSettings } from "./deployments/service-schemas.ts";
export type { ObjectPage, ObjectState } from "./state/state.ts";
export type { NewSubscription, Subscription } from "./kafka/subscriptions.ts";
export type { Timeline, TimelineStep } from "./timeline/timeline.ts";
export type { VirtualQueue } from "./flow-control/virtual-queues.ts";
