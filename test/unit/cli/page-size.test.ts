import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { judgePage, PAGE_BUDGET_KIB, sizeOfPage } from "../../../cli/checks/page-size.ts";

async function folderOf(files: Readonly<Record<string, Buffer | string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "page-size-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

test("the page weighs what its scripts, styles and markup weigh after gzip", async () => {
  const folder = await folderOf({ "index.html": "x".repeat(9_000), "a.js": "y".repeat(9_000), "b.css": "z", c: "w" });
  expect(sizeOfPage(folder)).toBeLessThan(200);
  expect(judgePage(sizeOfPage(folder)).ok).toBe(true);
});

test("a page over its budget fails, and so does none", async () => {
  const large = await folderOf({ "a.js": randomBytes((PAGE_BUDGET_KIB + 1) * 1_024) });
  expect(judgePage(sizeOfPage(large))).toMatchObject({ ok: false });
  expect(judgePage(sizeOfPage(await folderOf({ ".assetsignore": "x" })))).toMatchObject({ ok: false });
});
