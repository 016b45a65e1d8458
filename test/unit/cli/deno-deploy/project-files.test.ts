import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bytesOf, isNeverUploaded, LARGEST_BYTES, projectFiles } from "../../../../cli/deno-deploy/project-files.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "project-files-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

const SECRETS = [
  ".env",
  ".env.production",
  ".dev.vars",
  ".dev.vars.preview",
  ".secrets.env",
  "keys/tls.pem",
  "id_ed25519",
];

test.each(SECRETS)("%s stays here, even where git tracks it", async (path) => {
  await write({ "main.ts": "", [path]: "secret" });
  expect(Object.keys(await projectFiles(folder))).toEqual(["main.ts"]);
  execFileSync("git", ["init", "-q"], { cwd: folder });
  execFileSync("git", ["add", "--all"], { cwd: folder });
  expect(Object.keys(await projectFiles(folder))).toEqual(["main.ts"]);
});

test("what is installed or made again there stays here", async () => {
  const folders = [
    ".git",
    "node_modules",
    ".wrangler",
    ".restate",
    ".restate-edge-agents",
    "packages/one/node_modules",
  ];
  const files = [...folders.map((path) => `${path}/file.js`), "packages/one/main.ts"];
  await write(Object.fromEntries(files.map((path) => [path, ""])));
  expect(Object.keys(await projectFiles(folder))).toEqual(["packages/one/main.ts"]);
});

test("in a repository, what .gitignore names stays here, and what is not committed yet goes", async () => {
  execFileSync("git", ["init", "-q"], { cwd: folder });
  await write({ ".gitignore": "dist\n*.log\n", "dist/out.js": "", "a.log": "", "main.ts": "", "new.ts": "" });
  execFileSync("git", ["add", "main.ts"], { cwd: folder });
  expect(Object.keys(await projectFiles(folder))).toEqual([".gitignore", "main.ts", "new.ts"]);
});

test("a file that was removed, and a link, are left out; the file of --secrets-file, too", async () => {
  execFileSync("git", ["init", "-q"], { cwd: folder });
  await write({ "main.ts": "", "gone.ts": "", "prod.vars": "A=b" });
  await symlink("/etc/passwd", join(folder, "link"));
  execFileSync("git", ["add", "--all"], { cwd: folder });
  await rm(join(folder, "gone.ts"));
  expect(Object.keys(await projectFiles(folder, ["prod.vars"]))).toEqual(["main.ts"]);
});

test("text goes as it is, with its byte order mark; what is no text in base64", async () => {
  await write({ "a.ts": "\uFEFFgrün\r\n", "b.bin": new Uint8Array([0xff, 0x00, 0xfe]) });
  const assets = await projectFiles(folder);
  expect(assets).toEqual({
    "a.ts": { kind: "file", encoding: "utf-8", content: "\uFEFFgrün\r\n" },
    "b.bin": { kind: "file", encoding: "base64", content: "/wD+" },
  });
  expect(bytesOf(assets)).toBe(13);
});

test("examples of settings are for everybody", () => {
  expect(
    [".env.example", ".dev.vars.example", "src/env.ts", "environment.ts", "keys.ts"].filter(isNeverUploaded),
  ).toEqual([]);
});

test("a project that is too large is refused, with what to do", async () => {
  await write({ "large.bin": Buffer.alloc(LARGEST_BYTES + 1) });
  await expect(projectFiles(folder)).rejects.toMatchObject({
    code: "project-too-large",
    hint: expect.stringContaining(".gitignore") as string,
  });
});
