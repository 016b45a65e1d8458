import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Path of the script behind a command of a package of node_modules. */
export function toolOf(packageName: string, command: string = packageName): string {
  const manifestPath = findManifest(packageName);
  const { bin } = JSON.parse(readFileSync(manifestPath, "utf8")) as { bin?: string | Record<string, string> };
  const path = typeof bin === "string" ? bin : bin?.[command];
  if (path === undefined) throw new Error(`Cannot find the command ${command} of the package ${packageName}`);
  return join(dirname(manifestPath), path);
}

/** Not every package exports its package.json, so look where it lies. */
function findManifest(packageName: string): string {
  return join(import.meta.dirname, "../../node_modules", packageName, "package.json");
}
