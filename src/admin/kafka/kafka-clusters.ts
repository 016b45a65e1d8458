import { z } from "zod";
import type { AdminHttp } from "../admin-http.ts";
import { type SchemaInfo, schemaInfoSchema, textsSchema } from "../info.ts";
import { ask, command, type Command, type Operation } from "../operation.ts";
import { type Subscription, subscriptionSchema } from "./subscriptions.ts";

/** How a Kafka cluster is reached. */
export interface KafkaCluster {
  /** A host name; subscriptions name it. */
  readonly name: string;
  /** Properties of librdkafka. Restate answers secret ones as `***`. */
  readonly properties: Readonly<Record<string, string>>;
  /** ISO 8601 */
  readonly createdAt: string;
  readonly info?: readonly SchemaInfo[] | undefined;
}

const cluster = {
  name: z.string(),
  properties: textsSchema,
  createdAt: z.string(),
  info: schemaInfoSchema.array().optional(),
};

/** Reads `KafkaCluster`. */
export const kafkaClusterSchema: z.ZodType<KafkaCluster> = z.object(cluster);

/** A cluster with its subscriptions, when they were asked for. */
export interface DetailedKafkaCluster extends KafkaCluster {
  readonly subscriptions: readonly Subscription[];
}

/** Reads `DetailedKafkaCluster`. */
export const detailedKafkaClusterSchema: z.ZodType<DetailedKafkaCluster> = z.object({
  ...cluster,
  subscriptions: subscriptionSchema.array(),
});

/** What can be changed of a cluster. */
export interface KafkaClusterSettings {
  /** All of them: `bootstrap.servers` or `metadata.broker.list`, and what else librdkafka needs. */
  readonly properties: Readonly<Record<string, string>>;
}

/** What a cluster is made of. */
export interface NewKafkaCluster extends KafkaClusterSettings {
  readonly name: string;
}

/** A host name (RFC 1123). */
export const KAFKA_CLUSTER_NAME: RegExp =
  /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

/** Restate shows secrets so; written back they would be lost. */
const HIDDEN = "***";

const properties: z.ZodType<Readonly<Record<string, string>>> = textsSchema.refine(
  (values) => !Object.values(values).includes(HIDDEN),
  `must not hold ${HIDDEN}, as which secrets are shown: send the secrets too`,
);

/** Reads `KafkaClusterSettings`. */
export const kafkaClusterSettingsSchema: z.ZodType<KafkaClusterSettings> = z.strictObject({ properties });

/** Reads `NewKafkaCluster`. */
export const newKafkaClusterSchema: z.ZodType<NewKafkaCluster> = z.strictObject({
  name: z.string().regex(KAFKA_CLUSTER_NAME, "must be a host name"),
  properties,
});

/** What `kafkaClusters` of the client calls. */
export const KAFKA_CLUSTER_OPERATIONS: {
  readonly list: Operation<{ readonly clusters: readonly KafkaCluster[] }>;
  readonly create: Operation<KafkaCluster, NewKafkaCluster>;
  readonly get: Operation<DetailedKafkaCluster, never, "includeSubscriptions">;
  readonly update: Operation<KafkaCluster, KafkaClusterSettings>;
  readonly remove: Command<never, "force">;
} = {
  list: { method: "GET", path: "/kafka-clusters", answer: z.object({ clusters: kafkaClusterSchema.array() }) },
  create: { method: "POST", path: "/kafka-clusters", body: newKafkaClusterSchema, answer: kafkaClusterSchema },
  get: {
    method: "GET",
    path: "/kafka-clusters/{cluster_name}",
    query: ["includeSubscriptions"],
    answer: detailedKafkaClusterSchema,
  },
  update: {
    method: "PATCH",
    path: "/kafka-clusters/{cluster_name}",
    body: kafkaClusterSettingsSchema,
    answer: kafkaClusterSchema,
  },
  remove: { method: "DELETE", path: "/kafka-clusters/{cluster_name}", query: ["force"] },
};

/** Kafka clusters that subscriptions read from. Those of the server's configuration file cannot be changed. */
export class KafkaClusters {
  readonly #http: AdminHttp;

  constructor(http: AdminHttp) {
    this.#http = http;
  }

  async list(): Promise<readonly KafkaCluster[]> {
    const { clusters } = await ask(this.#http, KAFKA_CLUSTER_OPERATIONS.list);
    return clusters;
  }

  create(cluster: NewKafkaCluster): Promise<KafkaCluster> {
    return ask(this.#http, KAFKA_CLUSTER_OPERATIONS.create, { body: cluster });
  }

  get(name: string): Promise<DetailedKafkaCluster> {
    return ask(this.#http, KAFKA_CLUSTER_OPERATIONS.get, { params: [name], query: { includeSubscriptions: true } });
  }

  /** Replaces its properties. */
  update(name: string, settings: KafkaClusterSettings): Promise<KafkaCluster> {
    return ask(this.#http, KAFKA_CLUSTER_OPERATIONS.update, { params: [name], body: settings });
  }

  /** @param options `force`: also with subscriptions, which then fail. */
  remove(name: string, { force = false }: { readonly force?: boolean } = {}): Promise<void> {
    return command(this.#http, KAFKA_CLUSTER_OPERATIONS.remove, { params: [name], query: { force } });
  }
}
