/** The folder of a new project: it has to be empty, and nothing in it is ever overwritten. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { usageError } from "../tool/tool-error.ts";
import type { ProjectFile } from "./template-files.ts";

/** What may be in an empty folder: a repository that was just made, and what a Mac leaves everywhere. */
const NOTHING = new Set([".git", ".DS_Store"]);
/** How many names of what is in the way are told. */
const SHOWN = 10;

/** @throws ToolError `folder-not-empty`, `not-a-folder` */
export async function requireEmptyFolder(folder: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return;
    throw usageError("not-a-folder", `Cannot make a project in ${folder}: ${messageOf(error)}`, "Name another folder");
  }
  const inTheWay = names.filter((name) => !NOTHING.has(name)).toSorted();
  if (inTheWay.length === 0) return;
  const more = inTheWay.length > SHOWN ? ` and ${inTheWay.length - SHOWN} more` : "";
  throw usageError(
    "folder-not-empty",
    `Cannot make a project in ${folder}: it has ${inTheWay.slice(0, SHOWN).join(", ")}${more}`,
    "Name an empty folder, or one that does not exist yet: restate-edge-agents init my-agents",
  );
}

/**
 * Writes the files.
 *
 * @throws ToolError `file-exists` when one has appeared meanwhile, `not-writable`
 */
export async function writeProject(folder: string, files: readonly ProjectFile[]): Promise<void> {
  for (const { path, text } of files) {
    const target = join(folder, path);
    try {
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, text, { flag: "wx" });
    } catch (error) {
      const exists = error instanceof Error && "code" in error && error.code === "EEXIST";
      const message = `Cannot write ${target}: ${messageOf(error)}`;
      throw usageError(exists ? "file-exists" : "not-writable", message, "Name an empty folder that you may write to");
    }
  }
}

/** A version's host name is `<8 characters>-<name>`, and a label of a host name has at most 63. */
const MAX_NAME = 54;
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** What is wrong with the name of a project; undefined when nothing is. */
export function problemOfName(name: string): string | undefined {
  if (name.length > MAX_NAME)
    return `it has ${name.length} characters, and at most ${MAX_NAME} fit into a version's URL`;
  if (!NAME.test(name))
    return "it has to begin with a letter, and to be of lower-case letters, digits and single dashes";
  return undefined;
}

/** A name after the folder, as near as rules allow. */
export function nameAfter(folder: string): string {
  const words = basename(folder)
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
  const name = words
    .join("-")
    .replace(/^[^a-z]+/, "")
    .slice(0, MAX_NAME)
    .replace(/-$/, "");
  return problemOfName(name) === undefined ? name : "my-agents";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
