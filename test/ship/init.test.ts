/** A new project as its user sees it: the packed tool makes it in an empty folder, npm installs it, and its commands work. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { waitUntil } from "../../src/testing/wait.ts";
import { shareOf } from "../thorough.ts";

const run = promisify(execFile);
const repository = new URL("../../", import.meta.url).pathname;

/** What npm tells the scripts that it runs would mislead the npm that we run. */
const MISLEADING =
  /^(npm_(config_local_prefix|lifecycle_|package_|command|execpath)|INIT_CWD|VITEST|NODE_ENV|WORKER_BUNDLES)/;
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !MISLEADING.test(name))),
  PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"]}`,
  NO_COLOR: "1",
  WRANGLER_SEND_METRICS: "false",
};

let folder: string;
/** What npm would publish, unpacked. */
let packed: string;
let tarball: string;

/** Builds and packs beside the repository, whose own `dist` may be in use. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "init-test-"));
  packed = join(folder, "tool/packed");
  await mkdir(packed, { recursive: true });
  // The dependencies of the tool, not those of the projects.
  await symlink(join(repository, "node_modules"), join(folder, "tool/node_modules"));
  const tsdown = join(repository, "node_modules/tsdown/dist/run.mjs");
  await run(process.execPath, [tsdown, "--out-dir", join(packed, "dist"), "--logLevel", "warn"], { cwd: repository });
  for (const name of ["package.json", "README.md", "CHANGELOG.md", "LICENSE"]) {
    await cp(join(repository, name), join(packed, name));
  }
  tarball = join(packed, (await npm(packed, "pack", "--ignore-scripts", "--silent")).trim());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function npm(cwd: string, ...args: readonly string[]): Promise<string> {
  const shell = process.platform === "win32";
  const { stdout } = await run("npm", args, { cwd, env, shell, timeout: 240_000 });
  return stripVTControlCharacters(stdout);
}

async function newProject(name: string, ...flags: readonly string[]): Promise<string> {
  const main = join(packed, "dist/cli/main.js");
  await run(process.execPath, [main, "init", name, "--package", tarball, "--yes", ...flags], { cwd: folder, env });
  const project = join(folder, name);
  await npm(project, "install", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error");
  return project;
}

/** `npm start` until it has printed its lines, and what the line with `part` answers. Then Ctrl-C, and all is over. */
async function startAndCall(project: string, part: string): Promise<string> {
  const child = spawn("npm", ["start"], { cwd: project, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const { pid = 0 } = child;
  const ended = once(child, "exit");
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (log += String(chunk)));
  const ctrlC = async (): Promise<void> => {
    // As a terminal does it: to npm, its shell and the tool at once.
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, "SIGINT");
    await ended;
  };
  onTestFinished(ctrlC);
  const isServing = (): boolean => {
    if (child.exitCode !== null) throw new Error(`npm start has ended:\n${log}`);
    return log.includes("Ctrl-C ends it all");
  };
  await waitUntil("npm start does not serve", isServing, { timeoutMs: 120_000, everyMs: 100 });
  const line = log.split("\n").find((text) => text.includes("curl") && text.includes(part)) ?? "";
  const { stdout } = await run("sh", ["-c", line], { env });
  await ctrlC();
  await waitUntil("npm start leaves processes behind", async () => (await processesOf(project)) === "", {
    timeoutMs: 20_000,
    everyMs: 100,
  });
  return stdout;
}

/** Programs that run out of the project. */
async function processesOf(project: string): Promise<string> {
  const { stdout } = await run("ps", ["-eo", "pid,args"]);
  return stdout
    .split("\n")
    .filter((line) => line.includes(`${project}/`))
    .join("\n");
}

const kinds = shareOf(["Workers", "Deno"], 2, "new projects");

test.runIf(kinds.includes("Workers"))(
  "a project for Workers: installs, compiles, passes its test, starts, answers, and builds for a deployment",
  async () => {
    const project = await newProject("my-agents");
    expect(await npm(project, "run", "types")).not.toContain("error");
    expect(await npm(project, "test")).toMatch(/Tests\s+2 passed/);

    expect(await startAndCall(project, "/agents/WeatherAgent/run")).toContain("Berlin");

    const wrangler = join(project, "node_modules/.bin/wrangler");
    const { stdout } = await run(wrangler, ["deploy", "--dry-run"], { cwd: project, env });
    expect(stdout).toContain("--dry-run: exiting now");
  },
);

test.runIf(kinds.includes("Deno"))(
  "a project for Deno: installs, compiles, passes its test on Deno, starts and answers",
  async () => {
    const project = await newProject("agents-on-deno", "--deno");
    expect(await npm(project, "run", "types")).not.toContain("error");
    expect(await npm(project, "test")).toMatch(/Tests\s+2 passed/);
    expect(await startAndCall(project, "/restate/call/WeatherAgent/run")).toContain("Berlin");
  },
);
