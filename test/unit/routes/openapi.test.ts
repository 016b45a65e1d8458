import type { Hono } from "hono";
import { afterEach, expect, test, vi } from "vitest";
import { createEdgeApp, type EdgeAppOptions } from "../../../routes/index.ts";
import {
  type JsonSchema,
  type Operation,
  operationsOf,
  type OpenApiDocument,
  readDocument,
  validatorOf,
} from "../../e2e/openapi/document.ts";
import { echoService } from "../endpoint/echo-service.ts";

afterEach(() => vi.unstubAllEnvs());

const app = (options: Partial<EdgeAppOptions> = {}): Hono =>
  createEdgeApp({ services: [echoService], publicServices: [echoService], log: false, ...options });

async function documentOf(one: Hono = app()): Promise<OpenApiDocument> {
  const answer = await one.request("/openapi.json");
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
  return readDocument(await answer.json());
}

const described = await documentOf();
const operations = operationsOf(described);
const schemasOf = ({ parameters = [], requestBody, responses }: Operation): JsonSchema[] => [
  ...parameters.map(({ schema }) => schema),
  ...[requestBody, ...Object.values(responses)].flatMap((part) =>
    Object.values(part?.content ?? {}).flatMap(({ schema }) => (schema === undefined ? [] : [schema])),
  ),
];

test("the document has the structure of OpenAPI 3.1, and operations", () => {
  expect(described.openapi).toBe("3.1.0");
  expect(operations.length).toBeGreaterThan(40);
});

test("every operation has an id of its own", () => {
  const ids = operations.map(({ operationId }) => operationId);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
});

test("every reference leads to a schema", () => {
  const references = JSON.stringify(described).match(/(?<="\$ref":")[^"]+/g) ?? [];
  expect(references.length).toBeGreaterThan(100);
  const known = Object.keys(described.components.schemas).map((name) => `#/components/schemas/${name}`);
  expect(references.filter((reference) => !known.includes(reference))).toEqual([]);
});

test.each(operations.map((operation) => [operation.operationId, operation] as const))(
  "%s declares its path's parameters, how to get in, and what it answers",
  (_id, operation) => {
    const { path, parameters = [], responses, security = [], tags } = operation;
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = parameters.filter((parameter) => parameter.in === "path");
    expect(declared.map(({ name }) => name)).toEqual(inPath);
    expect(declared.every(({ required }) => required === true)).toBe(true);
    const names = parameters.map(({ name, in: place }) => `${place} ${name}`);
    expect(new Set(names).size).toBe(names.length);
    const scheme = path.startsWith("/admin/") ? "adminToken" : path.startsWith("/agents/") ? "apiKey" : undefined;
    expect(security).toEqual(scheme === undefined ? [] : [{ [scheme]: [] }]);
    if (scheme !== undefined) {
      expect(Object.keys(described.components.securitySchemes)).toContain(scheme);
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(["400", "401", "404", "503"]));
    }
    expect(Object.keys(responses).some((status) => status.startsWith("2"))).toBe(true);
    for (const [status, { content = {} }] of Object.entries(responses)) {
      if (Number(status) >= 400) expect(content).toHaveProperty(["application/problem+json"]);
    }
    for (const tag of tags) expect(described.tags.map(({ name }) => name)).toContain(tag);
  },
);

/** The schema and all that it is made of. */
function partsOf(schema: JsonSchema): JsonSchema[] {
  const inner = Object.entries(schema).flatMap(([keyword, value]): unknown[] => {
    if (value === null || typeof value !== "object" || keyword === "example" || keyword === "enum") return [];
    // `properties` maps names to schemas; other keywords hold a schema or a list of them.
    return keyword === "properties" || Array.isArray(value)
      ? Object.values<unknown>(value as Record<string, unknown>)
      : [value];
  });
  return [schema, ...inner.filter((part) => typeof part === "object").flatMap((part) => partsOf(part as JsonSchema))];
}

test("every example is valid, and every schema can be read", () => {
  let examples = 0;
  for (const schema of [...operations.flatMap(schemasOf), ...Object.values(described.components.schemas)]) {
    validatorOf(described, schema);
    for (const part of partsOf(schema)) {
      if (part["example"] === undefined) continue;
      examples += 1;
      const { error } = validatorOf(described, part).safeParse(part["example"]);
      expect.soft(error, JSON.stringify(part)).toBeUndefined();
    }
  }
  expect(examples).toBeGreaterThan(40);
});

test("what is routed is described, and what is described is routed", () => {
  const routed = app().routes.filter(({ method }) => method !== "ALL");
  const paths = routed.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(\{[^/]*\})?/g, "{$1}")}`);
  expect([...new Set(paths)].toSorted()).toEqual(operations.map(({ method, path }) => `${method} ${path}`).toSorted());
});

test("the admin routes are described whether they are open or not, so nobody learns which", async () => {
  const text = async (): Promise<string> => (await app().request("/openapi.json")).text();
  vi.stubEnv("ADMIN_TOKEN", undefined);
  const closed = await text();
  vi.stubEnv("ADMIN_TOKEN", "an-admin-token-of-tests");
  expect(await text()).toBe(closed);
  expect(closed).toContain("/admin/deployments");
});

test("without public services there is no agents API, nor its description", async () => {
  const alone = app({ publicServices: [] });
  expect(operationsOf(await documentOf(alone)).filter(({ path }) => path.startsWith("/agents"))).toEqual([]);
  expect((await alone.request("/agents/Echo/say", { method: "POST" })).status).toBe(404);
});

test("a public service must be one of the services", () => {
  expect(() => app({ services: [] })).toThrow(/publicServices must be among services: current value has "Echo"/);
});

test("the title is the app's name", async () => {
  expect((await documentOf(app({ name: "travel" }))).info.title).toBe("travel");
});
