import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const repository = new URL("../../../", import.meta.url).pathname;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dev-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function dev(cwd: string, ...args: readonly string[]): Promise<{ code: number; document: unknown }> {
  const call = run(process.execPath, [join(repository, "cli/main.ts"), "dev", ...args, "--json"], { cwd });
  const { code, stdout } = await call.then(
    (ended) => ({ code: 0, stdout: ended.stdout }),
    (error: { readonly code: number; readonly stdout: string }) => error,
  );
  return { code, document: JSON.parse(stdout) };
}

test("dev takes the programs of the project that it serves", async () => {
  const { document } = await dev(folder, "--cwd", repository, "--dry-run");
  const under = expect.stringContaining(join(repository, "node_modules/")) as string;
  expect(document).toMatchObject({ ok: true, programs: [under, expect.stringMatching(/wrangler\.js$/)] });
  const deno = await dev(repository, "--deno", "--dry-run");
  expect(deno.document).toMatchObject({ ok: true, programs: [under, expect.stringMatching(/deno$/)] });
});

test("dev says what is missing: a project, or a program in it", async () => {
  expect(await dev(folder)).toMatchObject({ code: 2, document: { error: { code: "project-not-found" } } });
  expect(await dev(folder, "--deno")).toMatchObject({ code: 2, document: { error: { code: "project-not-found" } } });
  const project = join(folder, "project");
  await mkdir(project);
  await writeFile(join(project, "wrangler.toml"), 'name = "acme"');
  const { code, document } = await dev(project);
  expect([code, document]).toMatchObject([2, { error: { code: "program-missing" } }]);
  expect(JSON.stringify(document)).toContain("npm install --save-dev @restatedev/restate-server");
});

test("dev goes on until it is stopped, so it prints no document", async () => {
  const { code, document } = await dev(repository);
  expect([code, document]).toMatchObject([2, { error: { code: "flags-conflict" } }]);
});
