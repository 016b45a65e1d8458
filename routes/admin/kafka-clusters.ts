import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import {
  detailedKafkaClusterSchema,
  KAFKA_CLUSTER_NAME,
  kafkaClusterSchema,
  kafkaClusterSettingsSchema,
  newKafkaClusterSchema,
} from "../../src/admin/kafka/kafka-clusters.ts";
import { createRouter, json, problems } from "../router.ts";
import {
  ADMIN_PROBLEMS,
  ADMIN_SECURITY,
  adminClient,
  BODY_PROBLEMS,
  jsonBody,
  pathParameter,
  querySwitch,
} from "./admin-context.ts";

const about = { tags: ["admin"], security: ADMIN_SECURITY };
const name = pathParameter("name", KAFKA_CLUSTER_NAME, "my-cluster");

const list = createRoute({
  ...about,
  operationId: "listKafkaClusters",
  summary: "List Kafka clusters",
  description: "Restate hides secret properties: `***`.",
  method: "get",
  path: "/",
  responses: { 200: json(z.object({ clusters: kafkaClusterSchema.array() }), "All clusters"), ...ADMIN_PROBLEMS },
});

const create = createRoute({
  ...about,
  operationId: "createKafkaCluster",
  summary: "Make a Kafka cluster known",
  method: "post",
  path: "/",
  request: { body: jsonBody(newKafkaClusterSchema) },
  responses: { 201: json(kafkaClusterSchema, "The cluster"), ...ADMIN_PROBLEMS, ...BODY_PROBLEMS },
});

const get = createRoute({
  ...about,
  operationId: "getKafkaCluster",
  summary: "Get a Kafka cluster with its subscriptions",
  method: "get",
  path: "/{name}",
  request: { params: name },
  responses: { 200: json(detailedKafkaClusterSchema, "The cluster"), ...ADMIN_PROBLEMS },
});

const update = createRoute({
  ...about,
  operationId: "updateKafkaCluster",
  summary: "Replace the properties of a Kafka cluster",
  method: "patch",
  path: "/{name}",
  request: { params: name, body: jsonBody(kafkaClusterSettingsSchema) },
  responses: { 200: json(kafkaClusterSchema, "The cluster"), ...ADMIN_PROBLEMS, ...BODY_PROBLEMS },
});

const remove = createRoute({
  ...about,
  operationId: "deleteKafkaCluster",
  summary: "Delete a Kafka cluster",
  description: "Restate refuses (409) while subscriptions name it, unless `force` is true.",
  method: "delete",
  path: "/{name}",
  request: { params: name, query: z.strictObject({ force: querySwitch }) },
  responses: { 204: { description: "It is deleted" }, ...ADMIN_PROBLEMS, ...problems(409) },
});

/** `/kafka-clusters` */
export function kafkaClusterRoutes(): OpenAPIHono {
  const router = createRouter();
  router.openapi(list, async (context) =>
    context.json({ clusters: [...(await adminClient(context).kafkaClusters.list())] }, 200),
  );
  router.openapi(create, async (context) =>
    context.json(await adminClient(context).kafkaClusters.create(context.req.valid("json")), 201),
  );
  router.openapi(get, async (context) =>
    context.json(await adminClient(context).kafkaClusters.get(context.req.valid("param").name), 200),
  );
  router.openapi(update, async (context) => {
    const { name } = context.req.valid("param");
    return context.json(await adminClient(context).kafkaClusters.update(name, context.req.valid("json")), 200);
  });
  router.openapi(remove, async (context) => {
    const { force = false } = context.req.valid("query");
    await adminClient(context).kafkaClusters.remove(context.req.valid("param").name, { force });
    return context.body(null, 204);
  });
  return router;
}
