/** Reads an error's fields back from the journal. What is missing or of the wrong type makes the error unrestorable. */
export class ErrorFields {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(fields: Readonly<Record<string, unknown>>) {
    this.#fields = fields;
  }

  string(name: string): string {
    return this.optionalString(name) ?? missing(name);
  }

  number(name: string): number {
    return this.optionalNumber(name) ?? missing(name);
  }

  strings(name: string): string[] {
    const value = this.#fields[name];
    return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : missing(name);
  }

  numbers(name: string): Readonly<Record<string, number>> {
    const value = this.#fields[name];
    if (typeof value !== "object" || value === null) return missing(name);
    const entries = Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === "number");
    return Object.fromEntries(entries);
  }

  objects(name: string): ErrorFields[] {
    const value = this.#fields[name];
    const isObject = (item: unknown): item is Record<string, unknown> => typeof item === "object" && item !== null;
    return Array.isArray(value) && value.every(isObject) ? value.map((item) => new ErrorFields(item)) : missing(name);
  }

  texts(name: string): Record<string, string> {
    const value = this.#fields[name];
    const isTexts =
      typeof value === "object" && value !== null && Object.values(value).every((text) => typeof text === "string");
    return isTexts ? (value as Record<string, string>) : missing(name);
  }

  optionalString(name: string): string | undefined {
    const value = this.#fields[name];
    return typeof value === "string" ? value : undefined;
  }

  optionalNumber(name: string): number | undefined {
    const value = this.#fields[name];
    return typeof value === "number" ? value : undefined;
  }
}

function missing(name: string): never {
  throw new TypeError(`The journaled error has no field "${name}"`);
}

/** The entries of `fields` that are set, as one object: absent facts are absent, not undefined. */
export function definedFields<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
