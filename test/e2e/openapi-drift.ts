/** Compares the operations of our client of the Admin API with what a server's `/openapi` says. */
import { z } from "zod";
import type { AnyOperation } from "../../src/admin/operation.ts";
import { isOpaque, ourName, theirName } from "../../src/admin/wire.ts";

/** JSON Schema, as far as it is looked at. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
}

interface Media {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

interface ServerOperation {
  readonly deprecated?: boolean;
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly requestBody?: Media;
  readonly responses: Readonly<Record<string, Media>>;
}

/** A server's OpenAPI document. */
export interface Document {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, ServerOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** Operations by a name of ours. */
export type Operations = Readonly<Record<string, AnyOperation>>;

/**
 * Every difference, one line each. `absent` are operations that the client has not, such as `DELETE /things/{id}`.
 */
export function drift(operations: Operations, document: Document, absent: readonly string[]): string[] {
  const theirs = new Map<string, ServerOperation>(
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
    ),
  );
  const ours = new Set<string>(Object.values(operations).map(({ method, path }) => `${method} ${path}`));
  const known = new Set([...ours, ...absent]);
  return [
    ...[...theirs.keys()].flatMap((key) => (known.has(key) ? [] : [`${key}: the client has it not`])),
    ...absent.flatMap((key) => (theirs.has(key) ? [] : [`${key}: listed as absent, the server has it not`])),
    ...absent.flatMap((key) => (ours.has(key) ? [`${key}: listed as absent, the client has it`] : [])),
    ...Object.values(operations).flatMap((operation) => {
      const key = `${operation.method} ${operation.path}`;
      const server = theirs.get(key);
      if (server === undefined) return [`${key}: the server has it not`];
      return differences(operation, server, document).map((difference) => `${key}: ${difference}`);
    }),
  ];
}

function differences(operation: AnyOperation, server: ServerOperation, document: Document): string[] {
  const queries = (server.parameters ?? []).flatMap(({ in: where, name }) => (where === "query" ? [name] : []));
  const ours = (operation.query ?? []).map(theirName);
  const body = schemaOf(server.requestBody);
  const answer = ["200", "201"].map((status) => schemaOf(server.responses[status])).find((schema) => schema);
  return [
    ...queries.flatMap((name) => (ours.includes(name) ? [] : [`the client does not know query parameter ${name}`])),
    ...ours.flatMap((name) => (queries.includes(name) ? [] : [`the server does not know query parameter ${name}`])),
    ...whole("request", operation.body, body, document),
    ...(operation.verbatim === true ? [] : whole("answer", operation.answer, answer, document)),
  ];
}

function whole(kind: Kind, ours: z.ZodType | undefined, theirs: Schema | undefined, document: Document): string[] {
  if (ours === undefined) return theirs === undefined ? [] : [`the client has no ${kind}`];
  if (theirs === undefined) return [`the server has no ${kind}`];
  const schema = z.toJSONSchema(ours, { io: "input", unrepresentable: "any" }) as Schema;
  return compare({ kind, document }, schema, theirs, kind);
}

type Kind = "request" | "answer";
interface Comparison {
  readonly kind: Kind;
  readonly document: Document;
}

/** Names are compared both ways; what one side requires, the other must give. */
function compare(comparison: Comparison, ours: Schema, theirs: Schema, at: string): string[] {
  const { kind, document } = comparison;
  const one = merged(ours, document);
  const other = merged(theirs, document);
  if (one.items !== undefined && other.items !== undefined) {
    return compare(comparison, one.items, other.items, `${at}[]`);
  }
  if (one.properties.size === 0 || other.properties.size === 0) return typeDifferences(one.types, other.types, at);
  const names = new Set([...[...one.properties.keys()].map(theirNameIn(other)), ...other.properties.keys()]);
  return [...names].flatMap((name) => {
    const place = `${at}.${name}`;
    const ourSchema = one.properties.get(ourName(name));
    const theirSchema = other.properties.get(name);
    if (ourSchema === undefined) return [`the client does not know ${place}`];
    if (theirSchema === undefined) return [`the server does not know ${place}`];
    const demands = kind === "answer" ? one.required.has(ourName(name)) : other.required.has(name);
    const gives = kind === "answer" ? other.required.has(name) : one.required.has(ourName(name));
    return [
      ...(demands && !gives ? [`${place} is required, but may be absent`] : []),
      ...(isOpaque(ourName(name)) ? [] : compare(comparison, ourSchema, theirSchema, place)),
    ];
  });
}

/** `type` is `ty` in some answers and `type` elsewhere. */
function theirNameIn(other: Merged): (ours: string) => string {
  return (ours) => [...other.properties.keys()].find((name) => ourName(name) === ours) ?? theirName(ours);
}

function typeDifferences(ours: ReadonlySet<string>, theirs: ReadonlySet<string>, at: string): string[] {
  if (ours.size === 0 || theirs.size === 0 || [...ours].some((type) => theirs.has(type))) return [];
  return [`${at} is ${[...ours].join(" or ")} for the client, ${[...theirs].join(" or ")} for the server`];
}

interface Merged {
  readonly properties: ReadonlyMap<string, Schema>;
  readonly required: ReadonlySet<string>;
  readonly types: ReadonlySet<string>;
  readonly items: Schema | undefined;
}

/** A schema with its references and alternatives: all properties; required is what every alternative requires. */
function merged(schema: Schema, document: Document): Merged {
  const alternatives = flatten(schema, document);
  const objects = alternatives.filter(({ properties }) => properties !== undefined);
  const [first, ...others] = objects.map(({ required = [] }) => required);
  return {
    properties: new Map(objects.flatMap(({ properties = {} }) => Object.entries(properties))),
    required: new Set((first ?? []).filter((name) => others.every((names) => names.includes(name)))),
    types: new Set(alternatives.flatMap(({ type = [] }) => type).filter((type) => type !== "null")),
    items: alternatives.find(({ items }) => items !== undefined)?.items,
  };
}

function flatten(schema: Schema, document: Document): Schema[] {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1) ?? "";
    const referred = document.components.schemas[name];
    if (referred === undefined) throw new Error(`The document has no schema ${name}`);
    return flatten(referred, document);
  }
  const alternatives = schema.oneOf ?? schema.anyOf;
  return alternatives === undefined ? [schema] : alternatives.flatMap((one) => flatten(one, document));
}

function schemaOf(media: Media | undefined): Schema | undefined {
  return media?.content?.["application/json"]?.schema;
}
