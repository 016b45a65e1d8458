import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { getRuntimeKey } from "hono/adapter";
import { createRouter, json, problems } from "./router.ts";
import { settingsOf, shownVersionOf } from "./settings.ts";

/** What `GET /health` tells besides the platform. */
export interface HealthInfo {
  readonly name: string;
  /** More facts, such as which model is used; read at each request. */
  readonly info: () => Readonly<Record<string, unknown>>;
}

const healthSchema = z
  .looseObject({
    status: z.literal("ok"),
    name: z.string(),
    version: z
      .string()
      .nullable()
      .openapi({ description: "APP_VERSION, else the Worker's version id, or Deno Deploy's revision" }),
    runtime: z.string().openapi({ example: "workerd" }),
  })
  .openapi("Health");

const route = createRoute({
  method: "get",
  path: "/health",
  operationId: "getHealth",
  summary: "Liveness",
  description: "Touches nothing but this isolate.",
  tags: ["operations"],
  responses: { 200: json(healthSchema, "The app runs"), ...problems(400) },
});

/** `GET /health`: liveness. It touches nothing but this isolate. */
export function healthRoute({ name, info }: HealthInfo): OpenAPIHono {
  return createRouter().openapi(route, (context) =>
    context.json(
      {
        status: "ok" as const,
        name,
        version: shownVersionOf(settingsOf(context)),
        runtime: getRuntimeKey(),
        ...info(),
      },
      200,
    ),
  );
}
