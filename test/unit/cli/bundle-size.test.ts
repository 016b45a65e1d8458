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
  const judge = (plain: number, agents: number, whole: number) =>
    judgeSize({ plain: gzipped(plain), agents: gzipped(agents), whole: gzipped(whole) });

  test("is kept by a Worker that just fits", () => {
    const { whole, agents } = BUDGET_KIB;
    expect(judge(whole - 100, whole - 100 + agents, whole)).toMatchObject({
      ok: true,
      note: "3000.0 KiB, gzip 1000.0 KiB, of which ours 60.0 KiB for agents, 40.0 KiB for the HTTP face",
    });
  });

  test("is exceeded by the whole Worker", () => {
    expect(judge(990, 995, 1_001)).toMatchObject({
      ok: false,
      output: expect.stringContaining("The Worker has 1001.0 KiB after gzip, more than 1000 KiB") as string,
    });
  });

  test("is exceeded by what is ours for agents", () => {
    expect(judge(800, 861, 900)).toMatchObject({
      ok: false,
      output: expect.stringContaining("What is ours for agents has 61.0 KiB after gzip") as string,
    });
  });
});
