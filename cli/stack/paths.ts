import { fileURLToPath } from "node:url";

/** The folder of the repository. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

/** Absolute path of a file of the repository. */
export function inRoot(path: string): string {
  return `${ROOT}${path}`;
}
