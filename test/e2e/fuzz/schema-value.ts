/** JSON that a schema describes, and JSON that it almost describes. */
import type { JsonSchema, OpenApiDocument } from "./operations.ts";
import type { Random } from "./random.ts";

/** Values for members of these names: what the routes need to get past their validation. */
export type KnownValues = (random: Random, name: string) => unknown;

const MAX_DEPTH = 6;

/** Makes values for the schemas of one document. */
export class SchemaValues {
  readonly #schemas: Readonly<Record<string, JsonSchema>>;
  readonly #known: KnownValues;

  constructor(document: OpenApiDocument, known: KnownValues) {
    this.#schemas = document.components?.schemas ?? {};
    this.#known = known;
  }

  /** A value that the schema allows, as far as it is looked at here: patterns are not. */
  make(random: Random, given: JsonSchema, name = "", depth = 0): unknown {
    const schema = this.#resolved(given);
    const known = this.#known(random, name);
    if (known !== undefined) return known;
    if (schema.const !== undefined) return schema.const;
    if (schema.enum !== undefined) return random.pick(schema.enum);
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices !== undefined) return this.make(random, random.pick(choices), name, depth + 1);
    if (schema.allOf !== undefined) {
      return Object.assign({}, ...schema.allOf.map((part) => this.make(random, part, name, depth + 1))) as unknown;
    }
    return this.#ofType(random, schema, depth);
  }

  #ofType(random: Random, schema: JsonSchema, depth: number): unknown {
    const type = typeof schema.type === "string" ? schema.type : random.pick(schema.type ?? ["object", "string"]);
    switch (type) {
      case "object":
        return this.#object(random, schema, depth);
      case "array": {
        const length = depth > MAX_DEPTH ? 0 : random.int(schema.minItems ?? 0, Math.min(schema.maxItems ?? 3, 5));
        return Array.from({ length }, () => this.make(random, schema.items ?? {}, "", depth + 1));
      }
      case "integer":
        return random.int(schema.minimum ?? 0, Math.min(schema.maximum ?? 1_000, 1_000_000));
      case "number":
        return random.next() * 1_000;
      case "boolean":
        return random.chance(0.5);
      case "null":
        return null;
      default:
        return random.text("abcdefghijklmnopqrstuvwxyz_", random.int(1, Math.min(schema.maxLength ?? 12, 12)));
    }
  }

  #object(random: Random, schema: JsonSchema, depth: number): unknown {
    const { properties = {}, required = [], additionalProperties } = schema;
    const members = Object.entries(properties)
      .filter(([name]) => required.includes(name) || (depth <= MAX_DEPTH && random.chance(0.5)))
      .map(([name, property]) => [name, this.make(random, property, name, depth + 1)] as const);
    if (typeof additionalProperties === "object" && depth <= MAX_DEPTH) {
      const name = random.text("abc_", 3);
      members.push([name, this.make(random, additionalProperties, name, depth + 1)]);
    }
    return Object.fromEntries(members);
  }

  #resolved(schema: JsonSchema): JsonSchema {
    const name = schema.$ref?.split("/").at(-1);
    return name === undefined ? schema : (this.#schemas[name] ?? {});
  }
}

/** Scalars that take the place of what a schema wants. None of them names a host: nothing may be called out to. */
const STRANGERS: readonly unknown[] = [
  null,
  true,
  -1,
  0.5,
  1e308,
  2 ** 53,
  "",
  " ",
  "\u0000",
  "\ud800",
  "' OR 1=1 --",
  "../../x",
  "🦕".repeat(100),
  "x".repeat(10_000),
  [],
  {},
  [[[[[]]]]],
  JSON.parse('{"__proto__":{"x":1}}'),
];

/** Members that say where Restate shall connect to. They keep their values: all of those are loopback. */
const ADDRESSES: ReadonlySet<string> = new Set(["uri", "arn", "url", "bootstrap.servers", "properties", "brokers"]);

/** `value` with one place changed: another type, a member more or less. */
export function mutated(random: Random, value: unknown): unknown {
  if (Array.isArray(value) && value.length > 0 && random.chance(0.8)) {
    const at = random.int(0, value.length - 1);
    return value.map((item: unknown, index) => (index === at ? mutated(random, item) : item));
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const entries = Object.entries(value);
    const open = entries.filter(([name]) => !ADDRESSES.has(name));
    if (random.chance(0.2))
      return { ...value, [random.pick(["extra", "__proto", "id", "\u0000"])]: random.pick(STRANGERS) };
    if (open.length === 0) return value;
    const [chosen] = random.pick(open);
    if (random.chance(0.2)) return Object.fromEntries(entries.filter(([name]) => name !== chosen));
    return Object.fromEntries(entries.map(([name, inner]) => [name, name === chosen ? mutated(random, inner) : inner]));
  }
  return random.pick(STRANGERS);
}
