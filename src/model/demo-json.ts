/** What the demo model answers where a JSON schema says how the answer looks: the smallest value that fits. */

/** What is looked at in a JSON schema. Bounds of texts, formats and references are not. */
interface Schema {
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly unknown[];
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly items?: unknown;
  readonly minItems?: number;
  readonly minimum?: number;
}

/** Of a choice, what the text names, or the first; of texts, the text itself. */
export function demoJson(schema: unknown, text: string): unknown {
  if (!isSchema(schema)) return text;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return choose(schema.enum, text);
  if (schema.anyOf !== undefined) return demoJson(schema.anyOf[0], text);
  switch (typeof schema.type === "string" ? schema.type : schema.type?.[0]) {
    case "object": {
      const { properties = {}, required = [] } = schema;
      return Object.fromEntries(required.map((name) => [name, demoJson(properties[name], text)]));
    }
    case "array":
      return Array.from({ length: Math.max(1, schema.minItems ?? 1) }, () => demoJson(schema.items, text));
    case "number":
    case "integer":
      return Math.max(1, schema.minimum ?? 1);
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return text;
  }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null;
}

function choose(values: readonly unknown[], text: string): unknown {
  const asked = text.toLowerCase();
  return values.find((value) => typeof value === "string" && asked.includes(value.toLowerCase())) ?? values[0];
}
