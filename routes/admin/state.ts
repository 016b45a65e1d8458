/** `/admin/state`: the state of virtual objects and workflows. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { ObjectPage, ObjectState, StateReplaced } from "../../src/admin/state/state.ts";
import type { StoredValue } from "../../src/admin/state/stored-value.ts";
import { HttpProblem } from "../problem.ts";
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
const service = pathParameter("service", /^(?:[A-Za-z]|_[A-Za-z0-9])[A-Za-z0-9_.-]{0,254}$/, "ChatSession");
const object = service.extend({ key: searched(4096).openapi({ param: { name: "key", in: "path" }, example: "ada" }) });
const scope = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,36}$/)
  .optional()
  .openapi({ description: "On servers with scoped virtual objects" });

/** Text that is compared with what Restate stores. */
function searched(maxLength: number): z.ZodString {
  return z
    .string()
    .min(1)
    .max(maxLength)
    .refine((value) => !/\p{Cc}/u.test(value) && value.isWellFormed(), "must have no control characters");
}

const ANY_JSON: ("array" | "boolean" | "null" | "number" | "object" | "string")[] = [
  "array",
  "boolean",
  "null",
  "number",
  "object",
  "string",
];

/** What JSON.parse() made; z.json() would recurse, and a body may be nested more deeply than the stack. */
const anyJson = z
  .unknown()
  .refine((value) => value !== undefined, "must be there")
  .openapi({ type: ANY_JSON, description: "Any JSON, of at most 1,000 levels" });

const valueSchema: z.ZodType<StoredValue> = z
  .union([
    z.strictObject({ json: anyJson }),
    z.strictObject({
      base64: z.base64(),
      keyId: z
        .string()
        .optional()
        .openapi({ description: "It is encrypted with this key, which the app does not have" }),
    }),
  ])
  .openapi("StoredValue");

const values = z.record(z.string().min(1).max(4096), valueSchema);

/** Zod leaves this name out of records, and what is left out of a state is deleted. */
const newValues = z.preprocess((given, context) => {
  if (typeof given === "object" && given !== null && Object.hasOwn(given, "__proto__")) {
    context.addIssue("a value of the name __proto__ cannot be written");
  }
  return given;
}, values);

const stateSchema: z.ZodType<ObjectState> = z
  .object({ service: z.string(), key: z.string(), version: z.string(), values })
  .openapi("ObjectState");

const pageSchema: z.ZodType<ObjectPage> = z
  .object({
    objects: z.object({ key: z.string(), values: z.int(), bytes: z.int() }).array(),
    next: z.string().optional().openapi({ description: "Send it as `after` for the next page" }),
  })
  .openapi("ObjectPage");

const replacedSchema: z.ZodType<StateReplaced> = z
  .object({ version: z.string(), applied: z.boolean() })
  .openapi("StateReplaced");

const ETAG_HEADER = {
  etag: { description: "Version of the state, for `if-match`", schema: { type: "string" } },
} as const;

const keys = createRoute({
  ...about,
  operationId: "listObjects",
  summary: "List the keys of a virtual object or workflow that have state",
  method: "get",
  path: "/{service}",
  request: {
    params: service,
    query: z.strictObject({
      after: searched(4096).optional().openapi({ description: "`next` of the page before" }),
      limit: z
        .string()
        .regex(/^\d{1,4}$/, "must be a whole number")
        .transform(Number)
        .pipe(z.int().min(1).max(1000))
        .optional()
        .openapi({ type: "integer", minimum: 1, maximum: 1000, default: 100 }),
      scope,
    }),
  },
  responses: { 200: json(pageSchema, "A page of keys"), ...ADMIN_PROBLEMS },
});

const get = createRoute({
  ...about,
  operationId: "getObjectState",
  summary: "Read the state of an object",
  description: "Values are JSON where they are JSON, otherwise base64. An object without state has no values.",
  method: "get",
  path: "/{service}/{key}",
  request: { params: object, query: z.strictObject({ scope }) },
  responses: { 200: { ...json(stateSchema, "The state"), headers: ETAG_HEADER }, ...ADMIN_PROBLEMS },
});

const value = createRoute({
  ...about,
  operationId: "getObjectValue",
  summary: "Read one value of an object's state",
  method: "get",
  path: "/{service}/{key}/values/{name}",
  request: {
    params: object.extend({
      name: searched(4096).openapi({ param: { name: "name", in: "path" }, example: "messages" }),
    }),
    query: z.strictObject({ scope }),
  },
  responses: { 200: json(valueSchema, "The value"), ...ADMIN_PROBLEMS },
});

const replace = createRoute({
  ...about,
  operationId: "replaceObjectState",
  summary: "Replace the state of an object",
  description:
    "All of it: a value that is left out is deleted. With `if-match` only while the state still has that version; otherwise 409 `state-changed`. 202: Restate applies it when the object's running invocation has ended.",
  method: "put",
  path: "/{service}/{key}",
  request: {
    params: object,
    query: z.strictObject({ scope }),
    headers: z.object({
      "if-match": z
        .string()
        .regex(/^"[A-Za-z0-9_-]{43}"$/, "must be the etag of the state")
        .optional(),
    }),
    body: jsonBody(z.strictObject({ values: newValues }).openapi("StateReplacement")),
  },
  responses: {
    200: { ...json(replacedSchema, "It is replaced"), headers: ETAG_HEADER },
    202: json(replacedSchema, "It will be replaced"),
    ...ADMIN_PROBLEMS,
    ...BODY_PROBLEMS,
  },
});

/** To be mounted at `/state`. */
export function stateRoutes(): OpenAPIHono {
  const router = createRouter();
  router.openapi(keys, async (context) => {
    const { limit = 100, ...query } = context.req.valid("query");
    const page = await adminClient(context).state.objects(context.req.valid("param").service, { ...query, limit });
    return context.json(page, 200);
  });
  router.openapi(get, async (context) => {
    const { service: name, key } = context.req.valid("param");
    const state = await adminClient(context).state.get(name, key, context.req.valid("query"));
    return context.json(state, 200, { etag: `"${state.version}"` });
  });
  router.openapi(value, async (context) => {
    const { service: name, key, name: valueName } = context.req.valid("param");
    const found = await adminClient(context).state.value(name, key, valueName, context.req.valid("query"));
    if (found !== undefined) return context.json(found, 200);
    throw new HttpProblem("not-found", 404, `${name}/${key} has no such value`);
  });
  router.openapi(replace, async (context) => {
    const { service: name, key } = context.req.valid("param");
    const version = context.req.valid("header")["if-match"]?.slice(1, -1);
    const replaced = await adminClient(context).state.replace(name, key, context.req.valid("json").values, {
      version,
      scope: context.req.valid("query").scope,
    });
    if (!replaced.applied) return context.json(replaced, 202);
    return context.json(replaced, 200, { etag: `"${replaced.version}"` });
  });
  return router;
}
