import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { BUDGET_KIB, judgeSize, sizeOfBundle } from "../../../cli/checks/bundle-size.ts";

const folder = mkdtempSync(join(tmpdir(), "bundle-size-"));
afterAll(() => rmSync(folder, { recursive: true }));

const gzipped = (kib: number) => ({ bytes: 3 * kib * 1_024, gzip: kib * 1_024 });

test("modules count, each compressed by itself; source maps and metafiles do not", () => {
  const files = { "worker.js": "a".repeat(5_000), "shared.wasm": "b".repeat(3_000) };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  for (const name of ["worker.js.map", "bundle-meta.json", "README.md"]) writeFileSync(join(folder, name), "other");
  const gzip = Object.values(files).reduce((sum, content) => sum + gzipSync(content).length, 0);
  expect(sizeOfBundle(folder)).toEqual({ bytes: 8_000, gzip });
});

describe("the budget", () => {
  test("is kept by a Worker that just fits", () => {
    const verdict = judgeSize(gzipped(BUDGET_KIB.whole), gzipped(BUDGET_KIB.whole - BUDGET_KIB.ours));
    expect(verdict).toMatchObject({ ok: true, note: "3000.0 KiB, gzip 1000.0 KiB, of which ours 100.0 KiB" });
  });

  test("is exceeded by the whole Worker", () => {
    const { ok, output } = judgeSize(gzipped(1_001), gzipped(990));
    expect({ ok, output }).toMatchObject({
      ok: false,
      output: expect.stringContaining("The Worker has 1001.0 KiB after gzip, more than 1000 KiB") as string,
    });
  });

  test("is exceeded by what is ours", () => {
    const { ok, output } = judgeSize(gzipped(900), gzipped(799));
    expect({ ok, output }).toMatchObject({
      ok: false,
      output: expect.stringContaining("What is ours in the Worker has 101.0 KiB after gzip") as string,
    });
  });
});
