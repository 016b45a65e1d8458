import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startChild } from "../../src/testing/child.ts";
import { waitUntil } from "../../src/testing/wait.ts";

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly optional?: boolean } | undefined>>;
}

/**
 * Installs what a bench-only package's lock file names, unless it is there.
 *
 * @throws Error with npm's output when it cannot be installed within 5 minutes.
 */
export async function installPackage(folder: string): Promise<void> {
  if (await isInstalled(folder)) return;
  console.error(`Installing ${folder.split("/").slice(-2).join("/")} …`);
  const script = process.env["npm_execpath"];
  const [command, args] = script?.endsWith(".js") === true ? [process.execPath, [script]] : ["npm", []];
  const flags = ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
  const child = startChild({ label: "npm install", command, args: [...args, ...flags], env: {}, cwd: folder });
  try {
    await waitUntil("Cannot install the packages", () => !child.alive, { timeoutMs: 300_000, everyMs: 50 });
  } finally {
    await child.kill();
  }
  if (child.exit !== "exit code 0") throw new Error(`Cannot install the packages: npm: ${child.exit}\n${child.log()}`);
}

async function isInstalled(folder: string): Promise<boolean> {
  const installed = join(folder, "node_modules/.package-lock.json");
  if (!existsSync(installed)) return false;
  const [wanted, found] = await Promise.all([readLock(join(folder, "package-lock.json")), readLock(installed)]);
  return Object.entries(wanted.packages).every(
    ([path, wants]) => path === "" || wants?.optional === true || found.packages[path]?.version === wants?.version,
  );
}

async function readLock(path: string): Promise<LockFile> {
  return JSON.parse(await readFile(path, "utf8")) as LockFile;
}
