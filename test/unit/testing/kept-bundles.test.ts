import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keepBundle, takeKeptBundle } from "../../../src/testing/kept-bundles.ts";

const worker = { entry: "entry/worker.ts", compatibilityDate: "2026-10-01", compatibilityFlags: ["nodejs_compat"] };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kept-bundles-"));
  vi.stubEnv("WORKER_BUNDLES", await made("kept"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function made(name: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  for (const [file, text] of Object.entries(files)) await writeFile(join(path, file), text);
  return path;
}

test("a bundle that was kept is taken instead of another one being made", async () => {
  const out = join(folder, "out");
  expect(await takeKeptBundle(worker, out)).toBe(false);
  await keepBundle(worker, await made("first", { "worker.js": "1", "a.wasm": "2" }));
  expect(await takeKeptBundle(worker, out)).toBe(true);
  expect(await readdir(out)).toEqual(["a.wasm", "worker.js"]);
  expect(await readFile(join(out, "worker.js"), "utf8")).toBe("1");
});

test("who takes it may add files of its own: the next one does not see them", async () => {
  const first = await made("first", { "worker.js": "1" });
  await keepBundle(worker, first);
  await writeFile(join(first, "config.capnp"), "the first one's");
  await takeKeptBundle(worker, join(folder, "second"));
  await writeFile(join(folder, "second", "config.capnp"), "the second one's");
  await takeKeptBundle(worker, join(folder, "third"));
  expect(await readdir(join(folder, "third"))).toEqual(["worker.js"]);
});

test.each([
  ["another entry", { ...worker, entry: "entry/deno.ts" }],
  ["another date", { ...worker, compatibilityDate: "2025-01-01" }],
  ["other flags", { ...worker, compatibilityFlags: [] }],
])("%s is another bundle", async (_what, other) => {
  await keepBundle(worker, await made("first", { "worker.js": "1" }));
  expect(await takeKeptBundle(other, join(folder, "out"))).toBe(false);
});

test("of those who bundle the same Worker at once the first is kept, and nothing else is left", async () => {
  const bundles = await Promise.all(["1", "2", "3"].map((text) => made(text, { "worker.js": text })));
  await Promise.all(bundles.map((bundle) => keepBundle(worker, bundle)));
  expect(await readdir(join(folder, "kept"))).toHaveLength(1);
  expect(await takeKeptBundle(worker, join(folder, "out"))).toBe(true);
});

test("an entry that a test has written is bundled each time", async () => {
  const written = { ...worker, entry: join(folder, "worker.ts") };
  await keepBundle(written, await made("first", { "worker.js": "1" }));
  expect(await takeKeptBundle(written, join(folder, "out"))).toBe(false);
});

test.each([undefined, ""])("nothing is kept when the folder is %j", async (named) => {
  vi.stubEnv("WORKER_BUNDLES", named);
  await keepBundle(worker, await made("first", { "worker.js": "1" }));
  expect(await takeKeptBundle(worker, join(folder, "out"))).toBe(false);
});
