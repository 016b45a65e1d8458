/** What wrangler would upload: built without uploading, and hashed. */
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { Project } from "../project/project.ts";
import type { Tool } from "../tool/tool.ts";
import { usageError } from "../tool/tool-error.ts";
import { runWrangler } from "./wrangler.ts";

/** A built Worker. */
export interface Bundle {
  /** SHA-256 of its modules, hexadecimal. The same code has the same. */
  readonly hash: string;
  /** Size of what would be uploaded, without source maps; in bytes. */
  readonly bytes: number;
  /** Folders of the Restate SDKs whose code is in it. */
  readonly sdks: readonly string[];
}

const META = "bundle-meta.json";

/** Written beside the modules: the time of the build, and paths of this machine, are in them. */
const NO_MODULE = /(?:\.map|^README\.md|^bundle-meta\.json)$/;

const SDK = /^(.*node_modules\/@restatedev\/restate-sdk(?:-cloudflare-workers)?)\//;

const metaSchema = z.object({
  outputs: z.record(
    z.string(),
    z.object({ inputs: z.record(z.string(), z.object({ bytesInOutput: z.number() })).default({}) }),
  ),
});

/** Builds the project as `wrangler deploy` would. */
export async function buildBundle(tool: Tool, project: Project): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), "restate-edge-agents-bundle-"));
  try {
    await runWrangler(tool, project, { args: ["deploy", "--dry-run", "--outdir", folder, "--metafile"] });
    return { ...(await hashModules(folder)), sdks: sdksIn(await readFile(join(folder, META), "utf8")) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Hashes the modules in a folder: their names and what is in them. */
export function hashModules(folder: string): Promise<Pick<Bundle, "hash" | "bytes">> {
  return hashFiles(folder, (path) => !NO_MODULE.test(path));
}

/** Hashes the files in a folder, or some of them: their names and what is in them. */
export async function hashFiles(
  folder: string,
  counts: (path: string) => boolean = () => true,
): Promise<Pick<Bundle, "hash" | "bytes">> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .filter(counts)
    .sort();
  const hash = createHash("sha256");
  let bytes = 0;
  for (const path of files) {
    const contents = await readFile(join(folder, path));
    bytes += contents.length;
    hash.update(`${path}\0${contents.length}\0`).update(contents);
  }
  return { hash: hash.digest("hex"), bytes };
}

/** Folders of the SDKs that esbuild's metafile names as part of the output. https://esbuild.github.io/api/#metafile */
export function sdksIn(metafile: string): string[] {
  const { outputs } = metaSchema.parse(JSON.parse(metafile));
  const paths = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
  return [...new Set(paths.flatMap((path) => SDK.exec(path)?.[1] ?? []))].sort();
}

/** @throws ToolError `two-sdks` when errors of one SDK would not be known to the other. */
export function requireOneSdk({ sdks }: Bundle): void {
  if (sdks.length < 2) return;
  throw usageError(
    "two-sdks",
    `Cannot deploy a bundle with ${sdks.length} Restate SDKs: ${sdks.join(", ")}`,
    'Import everything of Restate from "restate-edge-agents", and see with `npm ls @restatedev/restate-sdk` who brings the other one',
  );
}
