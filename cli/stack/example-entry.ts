/** Which Worker of examples/ is served. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * The entry that `--examples [story]` names, relative to the folder; undefined without `--examples`.
 *
 * @param root Absolute path of the repository.
 * @throws {Error} For a story that is no app of its own; the message names those that are.
 */
export function exampleEntry(root: string, args: readonly string[]): string | undefined {
  const at = args.indexOf("--examples");
  if (at < 0) return undefined;
  const story = args.slice(at + 1).find((arg) => !arg.startsWith("-"));
  if (story === undefined) return "examples/worker.ts";
  const apps = readdirSync(join(root, "examples"))
    .filter((name) => existsSync(join(root, "examples", name, "worker.ts")))
    .toSorted();
  if (apps.includes(story)) return `examples/${story}/worker.ts`;
  const all = "npm run examples, without a name, serves the others";
  throw new Error(`No example "${story}" is an app of its own: ${apps.join(", ")} are; ${all}`);
}
