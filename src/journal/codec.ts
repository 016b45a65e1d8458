/**
 * What a step's result looks like in the journal: JSON, readable in Restate's UI. What JSON cannot hold is an object
 * with one tag:
 *
 * | value | stored as |
 * |---|---|
 * | `Uint8Array` (`Buffer` too), `ArrayBuffer` | `{"$bytes":"<base64>"}`, `{"$buffer":"<base64>"}` |
 * | `Date`, `URL` | `{"$date":"<ISO 8601>"}`, `{"$url":"<href>"}` |
 * | `bigint` | `{"$bigint":"<decimal>"}` |
 * | `NaN`, `±Infinity`, `-0` | `{"$number":"NaN"}` … |
 * | `Map`, `Set` | `{"$map":[[key,value]…]}`, `{"$set":[…]}` |
 * | `undefined` in an array | `{"$undefined":true}`; as a property it is dropped; on its own it is no bytes at all |
 * | a user's object with one key that begins with `$` | `{"$object":{…}}` |
 *
 * Stored forms are a contract: new tags may be added, none may change.
 */
import { readMessage, readProperty, readString } from "../errors/read-error.ts";
import { UnserializableValueError } from "../errors/unserializable-value-error.ts";
import type { StepCodec } from "./step-host.ts";

/** Largest stored value. Restate's own limit for an entry is 32 MiB. */
export const MAX_STORED_BYTES: number = 30 * 1024 * 1024;
const MAX_DEPTH = 500;
const CHUNK = 0x8000;

/** Stores any value that `encodeValue` accepts. */
export const jsonCodec: StepCodec<unknown> = {
  contentType: "application/json",
  encode: encodeValue,
  decode: decodeValue,
};

/** @throws UnserializableValueError when `value` holds something that cannot be stored, with its path. */
export function encodeValue(value: unknown): Uint8Array {
  if (value === undefined) return new Uint8Array();
  const stored = tagged(value, "$", []);
  const bytes = reading("$", () => new TextEncoder().encode(JSON.stringify(stored)));
  if (bytes.length > MAX_STORED_BYTES) {
    throw new UnserializableValueError(`${bytes.length} bytes, more than the limit of ${MAX_STORED_BYTES}`, "$");
  }
  return bytes;
}

/** The value that `encodeValue` stored. */
export function decodeValue(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  const text = new TextDecoder().decode(bytes);
  const value: unknown = JSON.parse(text);
  return text.includes('"$') ? untagged(value) : value;
}

function tagged(value: unknown, path: string, parents: readonly object[]): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "undefined":
      return { $undefined: true };
    case "bigint":
      return { $bigint: value.toString() };
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: Object.is(value, -0) ? "-0" : String(value) };
    case "object":
      return value === null ? null : taggedObject(value, path, parents);
    case "function":
    case "symbol":
      throw new UnserializableValueError(`a ${typeof value}`, path);
  }
}

function taggedObject(value: object, path: string, parents: readonly object[]): unknown {
  if (parents.includes(value)) throw new UnserializableValueError("a circular reference", path);
  if (parents.length >= MAX_DEPTH)
    throw new UnserializableValueError(`nested more than ${MAX_DEPTH} levels deep`, path);
  const inside = [...parents, value];
  if (Array.isArray(value)) return Array.from(value, (item, index) => tagged(item, `${path}[${index}]`, inside));
  const special = taggedBuiltIn(value, path, inside);
  if (special !== undefined) return special;
  const own = reading(path, () => (hasToJson(value) ? { json: value.toJSON("") } : undefined));
  if (own !== undefined) return tagged(own.json, path, inside);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    throw new UnserializableValueError(`an instance of ${className(prototype)}`, path);
  }
  return taggedEntries(value, path, inside);
}

function taggedBuiltIn(value: object, path: string, inside: readonly object[]): object | undefined {
  if (value instanceof Uint8Array) return { $bytes: toBase64(value) };
  if (value instanceof ArrayBuffer) return { $buffer: toBase64(new Uint8Array(value)) };
  if (value instanceof Date) return taggedDate(value, path);
  if (value instanceof URL) return { $url: value.href };
  if (value instanceof Map) {
    const entry = ([key, item]: [unknown, unknown], index: number): unknown[] => [
      tagged(key, `${path}.key(${index})`, inside),
      tagged(item, `${path}.value(${index})`, inside),
    ];
    return { $map: [...(value as Map<unknown, unknown>)].map(entry) };
  }
  if (value instanceof Set)
    return { $set: [...value].map((item, index) => tagged(item, `${path}.item(${index})`, inside)) };
  return undefined;
}

function taggedDate(date: Date, path: string): object {
  if (Number.isNaN(date.getTime())) throw new UnserializableValueError("an invalid date", path);
  return { $date: date.toISOString() };
}

function taggedEntries(value: object, path: string, inside: readonly object[]): object {
  const entries = reading(path, () => Object.entries(value))
    .filter(([, item]) => item !== undefined)
    .map(([key, item]) => [key, tagged(item, `${path}.${key}`, inside)] as const);
  const plain = fromEntries(entries);
  return entries.length === 1 && entries[0]?.[0].startsWith("$") === true ? { $object: plain } : plain;
}

/** A getter or `toJSON` that throws would throw again: it must not make the step repeat its effect (G1). */
function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UnserializableValueError(`not readable (${readMessage(error)})`, path);
  }
}

function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return "toJSON" in value && typeof value.toJSON === "function";
}

function className(prototype: unknown): string {
  return readString(readProperty(prototype, "constructor"), "name") ?? "a class";
}

/** `Object.fromEntries`, and `JSON.parse`, make `__proto__` an own property; assignment would not. */
function fromEntries(entries: Iterable<readonly [string, unknown]>): object {
  return Object.fromEntries(entries) as object;
}

function untagged(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(untagged);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value as Record<string, unknown>);
  const [only] = entries;
  if (entries.length === 1 && only?.[0].startsWith("$") === true) return untag(only[0], only[1]);
  return fromEntries(entries.map(([key, item]) => [key, untagged(item)] as const));
}

function untag(tag: string, content: unknown): unknown {
  switch (tag) {
    case "$bytes":
      return fromBase64(content as string);
    case "$buffer":
      return fromBase64(content as string).buffer;
    case "$date":
      return new Date(content as string);
    case "$url":
      return new URL(content as string);
    case "$bigint":
      return BigInt(content as string);
    case "$number":
      return Number(content);
    case "$map":
      return new Map((content as [unknown, unknown][]).map(([key, item]) => [untagged(key), untagged(item)]));
    case "$set":
      return new Set((content as unknown[]).map(untagged));
    case "$undefined":
      return undefined;
    case "$object":
      return fromEntries(Object.entries(content as object).map(([key, item]) => [key, untagged(item)] as const));
    default:
      throw new Error(
        `Cannot read a stored value: its tag "${tag}" was written by a newer version of restate-edge-agents`,
      );
  }
}

function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let start = 0; start < bytes.length; start += CHUNK) {
    binary += String.fromCharCode(...bytes.subarray(start, start + CHUNK));
  }
  return btoa(binary);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
