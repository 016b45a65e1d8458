import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { serverVersionSchema } from "../../src/admin/server.ts";
import { createRouter, json } from "../router.ts";
import { ADMIN_PROBLEMS, ADMIN_SECURITY, adminClient } from "./admin-context.ts";

const get = createRoute({
  tags: ["admin"],
  security: ADMIN_SECURITY,
  operationId: "getRestateVersion",
  summary: "Get the version of Restate and which of its features are on",
  method: "get",
  path: "/",
  responses: { 200: json(serverVersionSchema, "The version"), ...ADMIN_PROBLEMS },
});

/** `/version` */
export function versionRoutes(): OpenAPIHono {
  const router = createRouter();
  router.openapi(get, async (context) => context.json(await adminClient(context).version(), 200));
  return router;
}
