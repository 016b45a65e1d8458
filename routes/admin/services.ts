import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import {
  handlerSchema,
  serviceSchema,
  type ServiceSettings,
  serviceSettingsSchema,
} from "../../src/admin/deployments/service-schemas.ts";
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
const service = pathParameter("service", /^(?:[A-Za-z]|_[A-Za-z0-9])[A-Za-z0-9_.-]{0,254}$/, "WeatherAgent");
const handler = pathParameter("handler", /^(?:[A-Za-z]|_[A-Za-z0-9])\w{0,254}$/, "run");
const serviceAndHandler = service.extend(handler.shape);

const settings: z.ZodType<ServiceSettings> = serviceSettingsSchema
  .refine((changes) => Object.values(changes).some((value) => value !== undefined), "must change something")
  .openapi("ServiceSettings");

const list = createRoute({
  ...about,
  operationId: "listServices",
  summary: "List services",
  method: "get",
  path: "/",
  responses: { 200: json(z.object({ services: serviceSchema.array() }), "All services"), ...ADMIN_PROBLEMS },
});

const get = createRoute({
  ...about,
  operationId: "getService",
  summary: "Get a service",
  method: "get",
  path: "/{service}",
  request: { params: service },
  responses: { 200: json(serviceSchema, "The service, as its latest deployment describes it"), ...ADMIN_PROBLEMS },
});

const modify = createRoute({
  ...about,
  operationId: "modifyService",
  summary: "Change settings of a service",
  description: "Until its next registration. Durations are such as `10m`, `1 day` or `PT10M`.",
  method: "patch",
  path: "/{service}",
  request: { params: service, body: jsonBody(settings) },
  responses: { 200: json(serviceSchema, "The service"), ...ADMIN_PROBLEMS, ...BODY_PROBLEMS },
});

const handlers = createRoute({
  ...about,
  operationId: "listHandlers",
  summary: "List the handlers of a service",
  method: "get",
  path: "/{service}/handlers",
  request: { params: service },
  responses: { 200: json(z.object({ handlers: handlerSchema.array() }), "Its handlers"), ...ADMIN_PROBLEMS },
});

const getHandler = createRoute({
  ...about,
  operationId: "getHandler",
  summary: "Get a handler",
  method: "get",
  path: "/{service}/handlers/{handler}",
  request: { params: serviceAndHandler },
  responses: { 200: json(handlerSchema, "The handler"), ...ADMIN_PROBLEMS },
});

const openapi = createRoute({
  ...about,
  operationId: "getServiceOpenapi",
  summary: "Get the OpenAPI document of a service at Restate's ingress",
  method: "get",
  path: "/{service}/openapi",
  request: { params: service },
  responses: { 200: json(z.record(z.string(), z.unknown()), "An OpenAPI document"), ...ADMIN_PROBLEMS },
});

/** `/services` */
export function serviceRoutes(): OpenAPIHono {
  const router = createRouter();
  router.openapi(list, async (context) =>
    context.json({ services: [...(await adminClient(context).services.list())] }, 200),
  );
  router.openapi(get, async (context) =>
    context.json(await adminClient(context).services.get(context.req.valid("param").service), 200),
  );
  router.openapi(modify, async (context) => {
    const { service } = context.req.valid("param");
    return context.json(await adminClient(context).services.modify(service, context.req.valid("json")), 200);
  });
  router.openapi(handlers, async (context) => {
    const { service } = context.req.valid("param");
    return context.json({ handlers: [...(await adminClient(context).services.handlers(service))] }, 200);
  });
  router.openapi(getHandler, async (context) => {
    const { service, handler } = context.req.valid("param");
    return context.json(await adminClient(context).services.handler(service, handler), 200);
  });
  router.openapi(openapi, async (context) =>
    context.json(await adminClient(context).services.openapi(context.req.valid("param").service), 200),
  );
  return router;
}
