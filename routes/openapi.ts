import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { createRouter, json, problems } from "./router.ts";

/** Names of the security schemes, for `security` of routes. */
export const API_KEY_SCHEME = "apiKey";
export const ADMIN_TOKEN_SCHEME = "adminToken";

const documentSchema: z.ZodType<Readonly<Record<string, unknown>>> = z
  .looseObject({ openapi: z.string(), info: z.looseObject({}), paths: z.looseObject({}) })
  .openapi("OpenAPI");

const route = createRoute({
  method: "get",
  path: "/openapi.json",
  operationId: "getOpenApi",
  summary: "This document",
  tags: ["operations"],
  responses: { 200: json(documentSchema, "OpenAPI 3.1"), ...problems(400) },
});

const TAGS = [
  { name: "operations", description: "Health, readiness, this document. For anyone." },
  { name: "agents", description: "Invoke agents. For those who have an API key." },
  {
    name: "chat",
    description: "Conversations with agents, as AI SDK clients have them. For those who have an API key.",
  },
  {
    name: "approvals",
    description: "What people are asked before tools run, and their answers. For those who have an API key, or a link.",
  },
  {
    name: "admin",
    description:
      "Operate Restate. For those who have the admin token; without the setting ADMIN_TOKEN these paths answer 404.",
  },
];

/**
 * `GET /openapi.json`: describes every route of `app` from the schemas that validate its requests.
 *
 * The admin routes are always in it. They are the same in every deployment of this package, so they tell a stranger
 * nothing; a document that lists them only where they are open would.
 */
export function openApiRoute(app: OpenAPIHono, name: string): OpenAPIHono {
  let document: Readonly<Record<string, unknown>> | undefined;
  return createRouter().openapi(route, (context) => {
    document ??= describe(app, name);
    return context.json(document, 200);
  });
}

function describe(app: OpenAPIHono, name: string): Readonly<Record<string, unknown>> {
  return {
    ...app.getOpenAPI31Document({
      openapi: "3.1.0",
      info: {
        title: name,
        version: "1",
        description:
          "Errors are application/problem+json (RFC 9457) with a stable `code`. Every answer has an `x-request-id`.",
      },
      tags: TAGS,
    }),
  };
}

/** Registers how callers prove who they are. */
export function registerSecuritySchemes(app: OpenAPIHono): void {
  const { openAPIRegistry } = app;
  openAPIRegistry.registerComponent("securitySchemes", API_KEY_SCHEME, {
    type: "http",
    scheme: "bearer",
    description: "One of the keys in the setting AGENT_API_KEYS",
  });
  openAPIRegistry.registerComponent("securitySchemes", ADMIN_TOKEN_SCHEME, {
    type: "http",
    scheme: "bearer",
    description: "One of the tokens in the setting ADMIN_TOKEN",
  });
}
