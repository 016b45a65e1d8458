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
} from "./deployment-schemas.ts";
export type { DrainStatus } from "./deployments.ts";
export type { Invocation } from "./invocation.ts";
export type { InvocationFilter } from "./invocation-filter.ts";
export type { InvocationPage, PageRequest } from "./invocation-page.ts";
export type { JournalEntry, JournalPage } from "./journal.ts";
export type { KafkaCluster, NewKafkaCluster } from "./kafka-clusters.ts";
export type { LimitRule, RuleChange, RuleDeletion } from "./limits.ts";
export { registerWithReport } from "./registration-report.ts";
export type { RegistrationReport } from "./registration-report.ts";
export type { ServerVersion } from "./server.ts";
export type { Handler, Service, ServiceSettings } from "./service-schemas.ts";
export type { ObjectPage, ObjectState } from "./state.ts";
export type { NewSubscription, Subscription } from "./subscriptions.ts";
export type { Timeline, TimelineStep } from "./timeline.ts";
export type { VirtualQueue } from "./virtual-queues.ts";
