/** A tool's input as people see it: JSON, and not more of it than a page can show. */

/** Most characters of the JSON text that are kept. */
export const MAX_INPUT: number = 64 * 1024;
/** Most characters of it that a list shows. */
export const MAX_LISTED_INPUT: number = 2 * 1024;

/** What is shown of an input. */
export interface ShownInput {
  readonly input: unknown;
  readonly inputTruncated?: boolean | undefined;
}

/** The input as JSON, or the beginning of its text when that has more than `maxLength` characters. */
export function shownInput(input: unknown, maxLength: number): ShownInput {
  const text = textOf(input);
  if (text.length > maxLength) return { input: text.slice(0, maxLength).toWellFormed(), inputTruncated: true };
  return { input: JSON.parse(text) as unknown };
}

function textOf(input: unknown): string {
  try {
    // A schema may make of JSON what is none, such as a bigint.
    if (input === undefined) return "null";
    return JSON.stringify(input, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  } catch {
    return JSON.stringify("This input cannot be shown");
  }
}
