/**
 * What this machine remembers of uploads, for going on after an interruption: a hint, never the truth. A version's address
 * is told once, by the upload; Restate has it from the registration on.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

/** A version that was uploaded from here. */
export interface RememberedVersion {
  readonly app: string;
  readonly fingerprint: string;
  readonly version: string;
  readonly url: string;
  readonly worker?: string | undefined;
  /** True once it has passed its smoke invocation. */
  readonly tried?: boolean | undefined;
}

/** Below the project's folder; it ignores itself in git. */
export const STATE_FOLDER = ".restate-edge-agents";
const FILE = "versions.json";
const KEPT = 20;

const versionsSchema: z.ZodType<RememberedVersion[]> = z.array(
  z.object({
    app: z.string(),
    fingerprint: z.string(),
    version: z.string(),
    url: z.string(),
    worker: z.string().optional(),
    tried: z.boolean().optional(),
  }),
);

/** All of them, the newest first. A file that cannot be read remembers nothing. */
export async function rememberedVersions(folder: string): Promise<readonly RememberedVersion[]> {
  try {
    return versionsSchema.parse(JSON.parse(await readFile(join(folder, STATE_FOLDER, FILE), "utf8")));
  } catch {
    return [];
  }
}

/** Whether the version has passed its smoke invocation, as far as this machine remembers. */
export async function wasTried(folder: string, version: string): Promise<boolean> {
  return (await rememberedVersions(folder)).some((one) => one.version === version && one.tried === true);
}

/** Adds a version, or replaces what was remembered of it. */
export async function remember(folder: string, version: RememberedVersion): Promise<void> {
  const others = (await rememberedVersions(folder)).filter((one) => one.version !== version.version);
  const path = join(folder, STATE_FOLDER);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, ".gitignore"), "*\n");
  const file = join(path, FILE);
  const draft = `${file}.${process.pid}`;
  // Whole or not at all: a process may end while it writes.
  await writeFile(draft, `${JSON.stringify([version, ...others].slice(0, KEPT), undefined, 2)}\n`);
  await rename(draft, file);
}
