import { fileURLToPath } from "node:url";

/** Absolute path of a file of the bench. */
export function inBench(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
