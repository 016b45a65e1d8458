/** The parts of an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1), as strictly as this app uses them. */
import { z } from "zod";

const METHODS = ["get", "put", "post", "delete", "patch"] as const;

/** JSON Schema 2020-12: the keywords that a document may use. Anything else is a typing error, or OpenAPI 3.0. */
const schema: z.ZodType<JsonSchema> = z.lazy(() =>
  z.union([
    z.strictObject({ $ref: z.string().startsWith("#/components/schemas/"), description: z.string().optional() }),
    z.strictObject({
      type: z.union([typeName, typeName.array().min(1)]).optional(),
      enum: z.array(z.unknown()).min(1).optional(),
      const: z.unknown().optional(),
      properties: z.record(z.string(), schema).optional(),
      required: z.string().array().optional(),
      additionalProperties: z.union([z.boolean(), schema]).optional(),
      propertyNames: schema.optional(),
      items: schema.optional(),
      minItems: z.int().optional(),
      maxItems: z.int().optional(),
      minLength: z.int().optional(),
      maxLength: z.int().optional(),
      minimum: z.number().optional(),
      maximum: z.number().optional(),
      exclusiveMinimum: z.number().optional(),
      exclusiveMaximum: z.number().optional(),
      pattern: z.string().refine(isPattern).optional(),
      format: z.string().optional(),
      oneOf: schema.array().min(1).optional(),
      anyOf: schema.array().min(1).optional(),
      allOf: schema.array().min(1).optional(),
      not: schema.optional(),
      default: z.unknown().optional(),
      description: z.string().optional(),
      example: z.unknown().optional(),
      examples: z.array(z.unknown()).optional(),
    }),
  ]),
);
const typeName = z.enum(["null", "boolean", "object", "array", "number", "integer", "string"]);

/** A schema, as far as it is read here. */
export interface JsonSchema {
  readonly $ref?: string | undefined;
  readonly type?: string | readonly string[] | undefined;
  readonly [keyword: string]: unknown;
}

const content = z.record(z.string().regex(/^[\w*]+\/[\w+.*-]+$/), z.strictObject({ schema: schema.optional() }));

const parameter = z.strictObject({
  name: z.string(),
  in: z.enum(["path", "query", "header"]),
  required: z.boolean().optional(),
  description: z.string().optional(),
  schema,
});

const response = z.strictObject({
  description: z.string().min(1),
  headers: z.record(z.string(), z.strictObject({ description: z.string().optional(), schema })).optional(),
  content: content.optional(),
});

const operation = z.strictObject({
  operationId: z.string().regex(/^[a-z][A-Za-z]+$/),
  summary: z.string().min(1),
  description: z.string().min(1).optional(),
  tags: z.string().array().min(1),
  security: z.record(z.string(), z.string().array()).array().optional(),
  parameters: parameter.array().optional(),
  requestBody: z
    .strictObject({ required: z.boolean().optional(), description: z.string().optional(), content })
    .optional(),
  responses: z.record(z.string().regex(/^([1-5]\d\d|default)$/), response),
});

const document = z.strictObject({
  openapi: z.string().regex(/^3\.1\.\d$/),
  info: z.strictObject({ title: z.string(), version: z.string(), description: z.string().optional() }),
  tags: z.strictObject({ name: z.string(), description: z.string() }).array(),
  paths: z.record(z.string().startsWith("/"), z.partialRecord(z.enum(METHODS), operation)),
  components: z.strictObject({
    schemas: z.record(z.string().regex(/^[\w.-]+$/), schema),
    securitySchemes: z.record(
      z.string(),
      z.strictObject({ type: z.literal("http"), scheme: z.literal("bearer"), description: z.string() }),
    ),
    parameters: z.strictObject({}).optional(),
  }),
  webhooks: z.strictObject({}).optional(),
});

/** An OpenAPI document that was read. */
export type OpenApiDocument = z.output<typeof document>;

/** An operation, and where it is. */
export interface Operation extends z.output<typeof operation> {
  readonly method: string;
  /** Template, such as `/agents/{service}/{handler}`. */
  readonly path: string;
}

/**
 * Reads a document.
 *
 * @throws ZodError for what OpenAPI 3.1 does not know.
 */
export function readDocument(json: unknown): OpenApiDocument {
  return document.parse(json);
}

/** All operations, in order. */
export function operationsOf({ paths }: OpenApiDocument): Operation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const found = item[method];
      return found === undefined ? [] : [{ ...found, method: method.toUpperCase(), path }];
    }),
  );
}

/**
 * Checks values against a schema of the document.
 *
 * @param closed Objects may have no members that the schema does not name, unless it allows others in so many words:
 *   an answer should hold nothing that is not described.
 */
export function validatorOf({ components }: OpenApiDocument, wanted: JsonSchema, closed = false): z.ZodType {
  const whole = { ...wanted, $defs: components.schemas };
  const text = JSON.stringify(closed ? withoutOthers(whole) : whole);
  return z.fromJSONSchema(
    JSON.parse(text.replaceAll("#/components/schemas/", "#/$defs/")) as z.core.JSONSchema.JSONSchema,
  );
}

/** Parts of `allOf` each describe some members only: they stay open. */
function withoutOthers(part: unknown, isShared = false): unknown {
  if (Array.isArray(part)) return part.map((inner) => withoutOthers(inner, isShared));
  if (part === null || typeof part !== "object") return part;
  const entries = Object.entries(part).map(([keyword, value]) => [keyword, withoutOthers(value, keyword === "allOf")]);
  const isOpen = isShared || !("properties" in part) || "additionalProperties" in part;
  return { ...Object.fromEntries(entries), ...(isOpen ? {} : { additionalProperties: false }) } as unknown;
}

function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern, "u") instanceof RegExp;
  } catch {
    return false;
  }
}
