import { createRequire } from "node:module";
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
  wrangler: inRoot("node_modules/wrangler/bin/wrangler.js"),
} as const;

/**
 * The restate-server of this platform. Its npm command is a wrapper that passes signals on to it: a signal to both would
 * arrive twice, and the second one cuts its shutdown short.
 */
export function restateServerPath(): string {
  const platform = `${process.platform}-${process.arch}`;
  try {
    return createRequire(import.meta.url).resolve(`@restatedev/restate-server-${platform}/bin/restate-server`);
  } catch {
    throw new Error(`Cannot start restate-server: its npm package has no build for ${platform}`);
  }
}
