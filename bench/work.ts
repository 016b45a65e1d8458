/** What the one tool of the bench does, in every subject. Imports nothing, so that each may bundle it. */

/** Input of the tool `work`. */
export interface Work {
  /** Counts the tool calls of a run, from 0. */
  readonly n: number;
  /** How long it takes, in milliseconds. */
  readonly ms: number;
  /** Length of its result, in characters. */
  readonly bytes: number;
}

/** Waits, and returns a string of the wanted length. */
export async function work({ ms, bytes }: Work): Promise<string> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  return "x".repeat(bytes);
}
