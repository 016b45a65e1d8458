/**
 * The files of a project that are uploaded.
 *
 * - F1 In a git repository: what git tracks or would, so what `.gitignore` names stays here. Elsewhere: everything.
 * - F2 Never, not even when git tracks it: secrets, what is installed or built again there, and the tools' own folders.
 */
import { execFile } from "node:child_process";
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { usageError } from "../tool/tool-error.ts";
import type { Asset } from "./api-shapes.ts";

/** The platform takes 1 GB; all of it goes in one request as JSON, so far less is sensible. */
export const LARGEST_BYTES = 100_000_000;
const MOST_FILES = 10_000;

const GIT_MS = 30_000;
/** Megabytes of file names. */
const MOST_NAMES = 16_000_000;

/** F2, of each part of a path. */
const NEVER_FOLDERS: ReadonlySet<string> = new Set([
  ".git",
  ".restate",
  ".restate-edge-agents",
  ".wrangler",
  ".deno",
  "node_modules",
]);
/** F2, of a file's name. Examples of settings are for everybody. */
const NEVER_FILES =
  /^(?:\.env|\.dev\.vars|\.secrets)(?:\..*)?$|^\.npmrc$|^\.netrc$|^id_(?:rsa|ed25519)|\.(?:pem|key|p12|pfx)$/i;
const EXAMPLE = /\.(?:example|sample|template)$/i;

/** True for a file that never leaves this machine. */
export function isNeverUploaded(path: string): boolean {
  const parts = path.split("/");
  const name = parts.at(-1) ?? "";
  return parts.slice(0, -1).some((part) => NEVER_FOLDERS.has(part)) || (NEVER_FILES.test(name) && !EXAMPLE.test(name));
}

/**
 * The files, by their paths.
 *
 * @param without More files that stay here, such as that of `--secrets-file`: relative to the folder.
 * @throws ToolError `project-too-large`
 */
export async function projectFiles(
  folder: string,
  without: readonly string[] = [],
): Promise<Readonly<Record<string, Asset>>> {
  const stay = new Set(without);
  const paths = ((await inGit(folder)) ?? (await inFolder(folder, ""))).filter(
    (path) => !isNeverUploaded(path) && !stay.has(path),
  );
  const found: [string, Asset][] = [];
  let bytes = 0;
  for (const path of [...new Set(paths)].sort()) {
    // Not what git knows and somebody removed; not a link, which may lead out of the project.
    const file = await lstat(join(folder, path)).catch(() => undefined);
    if (file?.isFile() !== true) continue;
    bytes += file.size;
    if (bytes > LARGEST_BYTES || found.length >= MOST_FILES) throw tooLarge(folder);
    found.push([path, assetOf(await readFile(join(folder, path)))]);
  }
  return Object.fromEntries(found);
}

/** How many bytes they are. */
export function bytesOf(assets: Readonly<Record<string, Asset>>): number {
  return Object.values(assets).reduce(
    (sum, { content, encoding }) => sum + Buffer.byteLength(content, encoding === "base64" ? "base64" : "utf8"),
    0,
  );
}

/** Text as it is; what is no UTF-8 in base64. */
function assetOf(bytes: Buffer): Asset {
  try {
    const content = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return { kind: "file", encoding: "utf-8", content };
  } catch {
    return { kind: "file", encoding: "base64", content: bytes.toString("base64") };
  }
}

/** F1. Undefined where there is no repository, or no git. */
function inGit(folder: string): Promise<string[] | undefined> {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", "."];
  return new Promise((resolve) => {
    execFile("git", args, { cwd: folder, timeout: GIT_MS, maxBuffer: MOST_NAMES }, (error, stdout) => {
      resolve(error === null ? stdout.split("\0").filter((path) => path !== "") : undefined);
    });
  });
}

async function inFolder(folder: string, below: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (!entry.isDirectory()) found.push(path);
    else if (!NEVER_FOLDERS.has(entry.name)) found.push(...(await inFolder(folder, path)));
  }
  return found;
}

function tooLarge(folder: string): Error {
  return usageError(
    "project-too-large",
    `Cannot upload ${folder}: it has more than ${LARGEST_BYTES / 1_000_000} MB or ${MOST_FILES} files`,
    "Name what is not needed there in .gitignore, or run this in the folder of the app",
  );
}
