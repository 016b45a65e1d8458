/** What a reader gets of a value: as JSON has it, live and from the journal alike. */

/** `value` as JSON has it; null for what JSON cannot say. */
export function plainJson(value: unknown): unknown {
  const text = jsonText(value);
  return text === undefined ? null : JSON.parse(text);
}

/** `value` as JSON, with the keys of its objects in order: equal for what is equal. */
export function orderedJson(value: unknown): string {
  return jsonText(value, (_, part: unknown) => (isRecord(part) ? inOrder(part) : part)) ?? "null";
}

function jsonText(value: unknown, replace = (_: string, part: unknown): unknown => part): string | undefined {
  try {
    const sayable = (key: string, part: unknown): unknown =>
      replace(key, typeof part === "bigint" ? String(part) : part);
    // Nothing is written for undefined, functions and symbols, whatever its type says.
    const text: string | undefined = JSON.stringify(value, sayable);
    return text;
  } catch {
    return undefined; // It refers to itself.
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function inOrder(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
