/** Makes plain JSON of a value: what JSON cannot hold becomes an object with one tag (see codec.ts). */
import { readMessage, readProperty, readString } from "../errors/read-error.ts";
import { UnserializableValueError } from "../errors/unserializable-value-error.ts";
import { toBase64 } from "./base64.ts";

const MAX_DEPTH = 500;

/** Takes binary content out of a value. What it returns stands in the JSON instead; undefined leaves the content. */
export interface BinarySink {
  bytes(bytes: Uint8Array, as: "buffer" | "bytes"): object | undefined;
  text(text: string): object | undefined;
}

/**
 * The JSON of `value`. It shares with `value` what needs no tag; with a `sink` it shares nothing, so it may be kept
 * while other code runs.
 *
 * @throws UnserializableValueError when `value` holds something that cannot be stored, with its path.
 */
export function tagged(value: unknown, sink?: BinarySink): unknown {
  return new Tagger(sink).tag(value);
}

class Tagger {
  readonly #sink: BinarySink | undefined;
  readonly #parents: object[] = [];
  /** Keys and indices from the root to the value at hand. */
  readonly #trail: (number | string)[] = [];

  constructor(sink: BinarySink | undefined) {
    this.#sink = sink;
  }

  tag(value: unknown): unknown {
    switch (typeof value) {
      case "string":
        return this.#sink?.text(value) ?? value;
      case "boolean":
        return value;
      case "undefined":
        return { $undefined: true };
      case "bigint":
        return { $bigint: value.toString() };
      case "number":
        if (Number.isFinite(value) && !Object.is(value, -0)) return value;
        return { $number: Object.is(value, -0) ? "-0" : String(value) };
      case "object":
        return value === null ? null : this.#tagObject(value);
      case "function":
      case "symbol":
        throw this.#unserializable(`a ${typeof value}`);
    }
  }

  #tagObject(value: object): unknown {
    const parents = this.#parents;
    if (parents.includes(value)) throw this.#unserializable("a circular reference");
    if (parents.length >= MAX_DEPTH) throw this.#unserializable(`nested more than ${MAX_DEPTH} levels deep`);
    parents.push(value);
    const json = Array.isArray(value) ? this.#tagArray(value) : (this.#tagBuiltIn(value) ?? this.#tagPlain(value));
    parents.pop();
    return json;
  }

  #tagAt(place: number | string, value: unknown): unknown {
    this.#trail.push(place);
    const json = this.tag(value);
    this.#trail.pop();
    return json;
  }

  #tagArray(items: readonly unknown[]): readonly unknown[] {
    let copy: unknown[] | undefined = this.#sink === undefined && !("toJSON" in items) ? undefined : [];
    for (let index = 0; index < items.length; index += 1) {
      const item = items[index];
      const json = this.#tagAt(index, item);
      if (copy === undefined && json !== item) copy = items.slice(0, index);
      copy?.push(json);
    }
    return copy ?? items;
  }

  #tagBuiltIn(value: object): object | undefined {
    if (value instanceof Uint8Array) return this.#sink?.bytes(value, "bytes") ?? { $bytes: toBase64(value) };
    if (value instanceof ArrayBuffer) {
      const bytes = new Uint8Array(value);
      return this.#sink?.bytes(bytes, "buffer") ?? { $buffer: toBase64(bytes) };
    }
    if (value instanceof Date) {
      if (Number.isNaN(value.getTime())) throw this.#unserializable("an invalid date");
      return { $date: value.toISOString() };
    }
    if (value instanceof URL) return { $url: value.href };
    if (value instanceof Map) {
      const entry = ([key, item]: [unknown, unknown], index: number): unknown[] => [
        this.#tagAt(`key(${index})`, key),
        this.#tagAt(`value(${index})`, item),
      ];
      return { $map: [...(value as Map<unknown, unknown>)].map(entry) };
    }
    if (value instanceof Set) return { $set: [...value].map((item, index) => this.#tagAt(`item(${index})`, item)) };
    return undefined;
  }

  #tagPlain(value: object): unknown {
    const own = this.#reading(() => (hasToJson(value) ? { json: value.toJSON("") } : undefined));
    if (own !== undefined) return this.tag(own.json);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== null && prototype !== Object.prototype) {
      throw this.#unserializable(`an instance of ${className(prototype)}`);
    }
    return this.#tagProperties(value as Readonly<Record<string, unknown>>);
  }

  #tagProperties(value: Readonly<Record<string, unknown>>): object {
    const keys = this.#reading(() => Object.keys(value));
    const items = this.#reading(() => keys.map((key) => value[key]));
    let changed = this.#sink !== undefined;
    let last: string | undefined;
    let count = 0;
    for (let index = 0; index < keys.length; index += 1) {
      const key = keys[index] ?? "";
      const item = items[index];
      if (item === undefined) continue; // As JSON.stringify does.
      const json = this.#tagAt(key, item);
      if (json !== item) {
        items[index] = json;
        changed = true;
      }
      last = key;
      count += 1;
    }
    const looksTagged = count === 1 && last?.startsWith("$") === true;
    if (!changed && !looksTagged) return value;
    // Keeps `__proto__` an own property, which assignment would not.
    const plain: object = Object.fromEntries(keys.map((key, index) => [key, items[index]]));
    return looksTagged ? { $object: plain } : plain;
  }

  /** A getter or `toJSON` that throws would throw again: it must not make the step repeat its effect (G1). */
  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw this.#unserializable(`not readable (${readMessage(error)})`);
    }
  }

  #unserializable(problem: string): UnserializableValueError {
    const steps = this.#trail.map((place) => (typeof place === "number" ? `[${place}]` : `.${place}`));
    return new UnserializableValueError(problem, `$${steps.join("")}`);
  }
}

function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return "toJSON" in value && typeof value.toJSON === "function";
}

function className(prototype: unknown): string {
  return readString(readProperty(prototype, "constructor"), "name") ?? "a class";
}
