import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "../../ship/wrangler.ts";

const MAIN = resolve(import.meta.dirname, "../../../cli/main.ts");

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "config-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(resolve("node_modules/wrangler"), join(folder, "node_modules/wrangler"), "dir");
  await writeFile(join(folder, "wrangler.toml"), 'name = "agents"\nno_such_field = 1\n[env.preview]\n');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Where there is a proxy, wrangler says so as soon as it is loaded. */
const doctor = (...args: string[]) =>
  run(process.execPath, [MAIN, "doctor", "--only", "project", ...args], {
    cwd: folder,
    env: { HTTP_PROXY: "http://127.0.0.1:9", RESTATE_ADMIN_URL: "", RESTATE_INGRESS_URL: "" },
  });

test("wrangler's warnings are not part of what the tool says", async () => {
  const { code, log } = await doctor("--env", "preview");
  expect(code).toBe(0);
  expect(log).toContain("Worker agents-preview (preview)");
  expect(log).not.toMatch(/WARNING|proxy|no_such_field/i);
});

test("its errors are", async () => {
  const { code, log } = await doctor("--env", "staging");
  expect(code).toBe(3);
  expect(log).toMatch(/Cannot read .*No environment found in configuration with name "staging"/s);
});
