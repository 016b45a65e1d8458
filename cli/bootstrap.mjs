/**
 * Runs a script of this repository on the Node that the repository brings along, whatever Node started it.
 *
 *     node cli/bootstrap.mjs cli/dev.ts --some-flag
 *
 * Plain JavaScript for Node 18, without dependencies: it installs what is missing and then hands over to
 * the Node in `node_modules`, which runs TypeScript as it is.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const node = join(root, "node_modules/node/bin", process.platform === "win32" ? "node.exe" : "node");

/** @param {string} path */
const packagesIn = (path) => JSON.parse(readFileSync(join(root, path), "utf8")).packages;

/** True when every package of the lock file is in node_modules in that version. Packages for other machines are optional. */
function isInstalled() {
  if (!existsSync(node)) return false;
  try {
    const installed = packagesIn("node_modules/.package-lock.json");
    return Object.entries(packagesIn("package-lock.json")).every(
      ([path, { version, optional }]) => path === "" || optional === true || installed[path]?.version === version,
    );
  } catch {
    return false;
  }
}

function install() {
  console.error("Installing dependencies …");
  // npm sets npm_execpath for its scripts: the same npm installs, also where several are on the PATH.
  const npm = process.env.npm_execpath;
  // Not `npm ci`: it refuses a lock file that does not name the optional packages of every other platform. `npm install`
  // takes the locked versions, too, and `--no-save` leaves the lock file alone.
  const flags = ["install", "--no-save", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"];
  // An install has to bring the development tools, also where NODE_ENV=production is set.
  const options = { cwd: root, stdio: ["ignore", 2, 2], env: { ...process.env, NODE_ENV: "development" } };
  const result = npm?.endsWith(".js")
    ? spawnSync(process.execPath, [npm, ...flags], options)
    : spawnSync("npm", flags, { ...options, shell: process.platform === "win32" });
  if (result.status === 0 && existsSync(node)) return;
  console.error("Cannot install dependencies: npm install failed; see its output above");
  process.exit(1);
}

const [script, ...args] = process.argv.slice(2);
if (script === undefined) {
  console.error("Cannot start: name a script, as in `node cli/bootstrap.mjs cli/dev.ts`");
  process.exit(2);
}
if (!isInstalled()) install();

const child = spawn(node, [join(root, script), ...args], { cwd: root, stdio: "inherit" });
// A terminal sends SIGINT to the child too; other signals reach only this process and are passed on.
process.on("SIGINT", () => {});
for (const signal of /** @type {const} */ (["SIGTERM", "SIGHUP"])) process.on(signal, () => child.kill(signal));

// npm does not pass every signal on: it may end, with its shell, and leave us behind. Nothing may outlive it.
const parent = process.ppid;
if (process.env.npm_lifecycle_event !== undefined) {
  setInterval(() => {
    if (process.ppid !== parent) child.kill("SIGTERM");
  }, 500).unref();
}

child.on("error", (error) => {
  console.error(`Cannot start ${script}: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
});
