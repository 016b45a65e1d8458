/** Reads a person's text as what a server has asked for: a flat object of JSON Schema's simple types. */
import { isJsonObject, type JsonObject } from "../journal/json.ts";

/**
 * The content of the answer, or what is wrong with the text. One thing alone may be said as it is, several as a JSON object;
 * without a text the defaults hold, and a single yes or no is a yes.
 */
export function readAnswer(text: string | undefined, schema: JsonObject): JsonObject | string {
  const properties = isJsonObject(schema["properties"]) ? schema["properties"] : {};
  const names = Object.keys(properties);
  const given = givenIn((text ?? "").trim(), names, properties);
  if (given === undefined) return `answer with a JSON object of: ${names.join(", ")}`;
  const content: Record<string, unknown> = {};
  for (const name of names) {
    const property = properties[name];
    const rule = isJsonObject(property) ? property : {};
    const value = Object.hasOwn(given, name) ? given[name] : rule["default"];
    if (value === undefined) continue;
    const read = valueOf(value, rule);
    if (read === undefined) return `"${name}" must be ${describe(rule)}`;
    content[name] = read;
  }
  const required = Array.isArray(schema["required"]) ? (schema["required"] as unknown[]).map(String) : [];
  const missing = required.find((name) => !Object.hasOwn(content, name));
  return missing === undefined ? content : `"${missing}" is missing`;
}

function givenIn(text: string, names: readonly string[], properties: JsonObject): JsonObject | undefined {
  const [name, ...others] = names;
  const single = others.length === 0 ? name : undefined;
  if (text === "") {
    const property = single === undefined ? undefined : properties[single];
    return single !== undefined && isJsonObject(property) && property["type"] === "boolean" ? { [single]: true } : {};
  }
  if (text.startsWith("{")) {
    try {
      const value: unknown = JSON.parse(text);
      if (isJsonObject(value)) return value;
    } catch {
      // A text that happens to begin so.
    }
  }
  return single === undefined ? (names.length === 0 ? {} : undefined) : { [single]: text };
}

function valueOf(value: unknown, rule: JsonObject): unknown {
  const choices = choicesOf(rule);
  switch (rule["type"]) {
    case "boolean":
      return typeof value === "boolean" ? value : YES_OR_NO[String(value).toLowerCase()];
    case "integer":
    case "number": {
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
      const isRight = typeof number === "number" && Number.isFinite(number);
      const { minimum = -Infinity, maximum = Infinity } = rule as {
        readonly minimum?: number;
        readonly maximum?: number;
      };
      if (!isRight || number < minimum || number > maximum) return undefined;
      return rule["type"] === "integer" && !Number.isInteger(number) ? undefined : number;
    }
    case "array": {
      const items = isJsonObject(rule["items"]) ? rule["items"] : {};
      const list = Array.isArray(value) ? value : String(value).split(",");
      const read = list.map((item: unknown) => valueOf(typeof item === "string" ? item.trim() : item, items));
      return read.includes(undefined) ? undefined : read;
    }
    default: {
      if (typeof value !== "string") return undefined;
      if (choices !== undefined) return choices.includes(value) ? value : undefined;
      const { minLength = 0, maxLength = Infinity } = rule as {
        readonly minLength?: number;
        readonly maxLength?: number;
      };
      return value.length >= minLength && value.length <= maxLength ? value : undefined;
    }
  }
}

const YES_OR_NO: Readonly<Record<string, boolean>> = { true: true, yes: true, false: false, no: false };

/** `enum`, or the titled form of it. */
function choicesOf(rule: JsonObject): readonly unknown[] | undefined {
  if (Array.isArray(rule["enum"])) return rule["enum"] as unknown[];
  const titled = rule["oneOf"] ?? rule["anyOf"];
  if (!Array.isArray(titled)) return undefined;
  return titled.map((choice: unknown) => (isJsonObject(choice) ? choice["const"] : undefined));
}

function describe(rule: JsonObject): string {
  const choices = choicesOf(rule) ?? choicesOf(isJsonObject(rule["items"]) ? rule["items"] : {});
  if (choices !== undefined) return `one of ${choices.map(String).join(", ")}`;
  const bounds = ["minimum", "maximum", "minLength", "maxLength"]
    .filter((bound) => rule[bound] !== undefined)
    .map((bound) => `${bound} ${String(rule[bound])}`);
  const type = typeof rule["type"] === "string" ? rule["type"] : "text";
  return [type, ...bounds].join(", ");
}
