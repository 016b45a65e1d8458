/** Finds the tools that the test kit starts. They are the user's dev dependencies, not ours. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { dirname, join } from "node:path";

/** The project under test first, then what is installed beside this package. */
const ROOTS = [join(process.cwd(), "package.json"), import.meta.url];

/**
 * Folder of an installed package, looked for from `from` (default: the working directory, then this package).
 *
 * @throws Error that says what to install.
 */
export function packageFolder(name: string, from?: string): string {
  const roots = from === undefined ? ROOTS : [join(from, "package.json")];
  for (const root of roots) {
    try {
      return dirname(createRequire(root).resolve(`${name}/package.json`));
    } catch {
      // Not installed there.
    }
  }
  throw new Error(
    `Cannot find the package ${name}, looked for from ${roots.join(" and ")}: npm install --save-dev ${name}`,
  );
}

/**
 * The executable of restate-server itself. Its npm package wraps it into a Node process, which would be the one that a
 * SIGKILL hits.
 */
export function restateServerBinary(from?: string): string {
  const wrapper = packageFolder("@restatedev/restate-server", from);
  const binary = packageFolder(`@restatedev/restate-server-${platform()}-${arch()}`, wrapper);
  return existing("@restatedev/restate-server", join(binary, "bin", "restate-server"));
}

/** The executable of the workerd that the installed wrangler uses. */
export function workerdBinary(): string {
  const workerd = packageFolder("workerd", packageFolder("wrangler"));
  const cpu = arch() === "x64" ? "64" : arch();
  const binary = join(packageFolder(`@cloudflare/workerd-${platform()}-${cpu}`, workerd), "bin", "workerd");
  return existing("workerd", binary);
}

/** wrangler's command line, a script for Node. */
export function wranglerScript(from?: string): string {
  return existing("wrangler", join(packageFolder("wrangler", from), "bin", "wrangler.js"));
}

/** The executable of Deno: its npm package puts it beside its wrapper when it is installed. */
export function denoBinary(from?: string): string {
  const deno = packageFolder("deno", from);
  const installed = join(deno, "deno");
  if (existsSync(installed)) return installed;
  const libc = platform() === "linux" ? "-glibc" : "";
  return existing("deno", join(packageFolder(`@deno/${platform()}-${arch()}${libc}`, deno), "deno"));
}

function existing(name: string, path: string): string {
  if (!existsSync(path))
    throw new Error(`Cannot start ${name}: there is no ${path}. Was it installed for this platform?`);
  return path;
}
