import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { newSubscriptionSchema, subscriptionSchema } from "../../src/admin/kafka/subscriptions.ts";
import { createRouter, json } from "../router.ts";
import {
  ADMIN_PROBLEMS,
  ADMIN_SECURITY,
  adminClient,
  BODY_PROBLEMS,
  jsonBody,
  pathParameter,
} from "./admin-context.ts";

const about = { tags: ["admin"], security: ADMIN_SECURITY };
const id = pathParameter("id", /^sub_[0-9A-Za-z]{1,64}$/, "sub_15h68HqISSFGktE8g8DiCHv");
const uri = z.string().min(1).max(1_024).optional();

const list = createRoute({
  ...about,
  operationId: "listSubscriptions",
  summary: "List subscriptions to Kafka topics",
  method: "get",
  path: "/",
  request: { query: z.strictObject({ source: uri, sink: uri }) },
  responses: {
    200: json(z.object({ subscriptions: subscriptionSchema.array() }), "Those with this source and sink"),
    ...ADMIN_PROBLEMS,
  },
});

const create = createRoute({
  ...about,
  operationId: "createSubscription",
  summary: "Let each record of a Kafka topic invoke a handler",
  method: "post",
  path: "/",
  request: { body: jsonBody(newSubscriptionSchema) },
  responses: { 201: json(subscriptionSchema, "The subscription"), ...ADMIN_PROBLEMS, ...BODY_PROBLEMS },
});

const get = createRoute({
  ...about,
  operationId: "getSubscription",
  summary: "Get a subscription",
  method: "get",
  path: "/{id}",
  request: { params: id },
  responses: { 200: json(subscriptionSchema, "The subscription"), ...ADMIN_PROBLEMS },
});

const remove = createRoute({
  ...about,
  operationId: "deleteSubscription",
  summary: "Delete a subscription",
  method: "delete",
  path: "/{id}",
  request: { params: id },
  responses: { 204: { description: "It is deleted" }, ...ADMIN_PROBLEMS },
});

/** `/subscriptions` */
export function subscriptionRoutes(): OpenAPIHono {
  const router = createRouter();
  router.openapi(list, async (context) => {
    const subscriptions = await adminClient(context).subscriptions.list(context.req.valid("query"));
    return context.json({ subscriptions: [...subscriptions] }, 200);
  });
  router.openapi(create, async (context) =>
    context.json(await adminClient(context).subscriptions.create(context.req.valid("json")), 201),
  );
  router.openapi(get, async (context) =>
    context.json(await adminClient(context).subscriptions.get(context.req.valid("param").id), 200),
  );
  router.openapi(remove, async (context) => {
    await adminClient(context).subscriptions.remove(context.req.valid("param").id);
    return context.body(null, 204);
  });
  return router;
}
