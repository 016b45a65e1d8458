/**
 * Bundles that are made once in a run of tests. wrangler takes two seconds of a core for each, and many test files serve
 * the same Worker.
 *
 * Only where the environment variable `WORKER_BUNDLES` names a folder for them: whoever sets it says that no source
 * changes while the folder is used, and removes it afterwards. Entries outside of the working directory are bundled each
 * time, since tests write those.
 */
import { createHash } from "node:crypto";
import { cp, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { join, relative, resolve } from "node:path";

/** What a bundle depends on. Vars and certificates are not in it. */
interface Bundled {
  readonly entry: string;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
}

/** Copies the bundle that was kept of this Worker to `out`; false when there is none. */
export async function takeKeptBundle(source: Bundled, out: string): Promise<boolean> {
  const kept = placeOf(source);
  if (kept === undefined || !(await exists(kept.path))) return false;
  await cp(kept.path, out, { recursive: true });
  return true;
}

/** Keeps the bundle in `out`. Of those who bundle the same Worker at the same time, the first one's is kept. */
export async function keepBundle(source: Bundled, out: string): Promise<void> {
  const kept = placeOf(source);
  if (kept === undefined) return;
  const copy = await mkdtemp(join(kept.folder, "copy-"));
  await cp(out, copy, { recursive: true });
  try {
    await rename(copy, kept.path);
  } catch (error) {
    await rm(copy, { recursive: true, force: true });
    if (!(await exists(kept.path))) throw error;
  }
}

function placeOf({
  entry,
  compatibilityDate,
  compatibilityFlags,
}: Bundled): { folder: string; path: string } | undefined {
  const folder = process.env["WORKER_BUNDLES"];
  const path = resolve(entry);
  if (folder === undefined || folder === "" || relative(process.cwd(), path).startsWith("..")) return undefined;
  const facts = JSON.stringify([path, compatibilityDate, compatibilityFlags]);
  return { folder, path: join(folder, createHash("sha256").update(facts).digest("hex")) };
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
