import { fileURLToPath } from "node:url";

/** The folder of the repository. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

/** Absolute path of a file of the repository. */
export function inRoot(path: string): string {
  return `${ROOT}${path}`;
}

/** The executables that come with node_modules. */
export const BIN = {
  deno: inRoot("node_modules/deno/deno"),
  restateServer: inRoot("node_modules/.bin/restate-server"),
  wrangler: inRoot("node_modules/wrangler/bin/wrangler.js"),
} as const;
