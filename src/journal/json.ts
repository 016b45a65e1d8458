/** An object of stored JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** True for an object that is no array. */
export function isJsonObject(json: unknown): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** True when both stand for the same JSON. The order of keys does not count, nor do undefined properties. */
export function sameJson(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one)) {
    return Array.isArray(other) && one.length === other.length && one.every((item, n) => sameJson(item, other[n]));
  }
  if (!isJsonObject(one) || !isJsonObject(other)) return false;
  return (
    Object.keys(one).every((key) => sameJson(one[key], own(other, key))) &&
    Object.keys(other).every((key) => other[key] === undefined || own(one, key) !== undefined)
  );
}

function own(json: JsonObject, key: string): unknown {
  return Object.hasOwn(json, key) ? json[key] : undefined;
}
