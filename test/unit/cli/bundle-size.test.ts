import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { BUDGET_KIB, type BundleSize, judgeSize, sizeOfBundle } from "../../../cli/checks/bundle-size.ts";

const folder = mkdtempSync(join(tmpdir(), "bundle-size-"));
afterAll(() => rmSync(folder, { recursive: true }));

type Quadruple = [BundleSize, BundleSize, BundleSize, BundleSize];
const gzipped = (kib: number) => ({ bytes: 3 * kib * 1_024, gzip: kib * 1_024 });

test("modules count, each compressed by itself; source maps and metafiles do not", () => {
  const files = { "worker.js": "a".repeat(5_000), "shared.wasm": "b".repeat(3_000) };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  for (const name of ["worker.js.map", "bundle-meta.json", "README.md"]) writeFileSync(join(folder, name), "other");
  const gzip = Object.values(files).reduce((sum, content) => sum + gzipSync(content).length, 0);
  expect(sizeOfBundle(folder)).toEqual({ bytes: 8_000, gzip });
});

describe("the budget", () => {
  const judge = (...kib: readonly [plain: number, agents: number, conversations: number, whole: number]) => {
    const [plain, agents, conversations, whole] = kib.map(gzipped) as Quadruple;
    return judgeSize({ plain, agents, conversations, whole });
  };

  test("is kept by a Worker that just fits", () => {
    const { whole, agents, conversations } = BUDGET_KIB;
    const plain = whole - 200;
    expect(judge(plain, plain + agents, plain + agents + conversations, whole)).toMatchObject({
      ok: true,
      note: "3120.0 KiB, gzip 1040.0 KiB, of which ours 60.0 KiB for agents, 40.0 for conversations, 100.0 for the HTTP face",
    });
  });

  test("is exceeded by the whole Worker", () => {
    expect(judge(990, 995, 1_000, 1_041)).toMatchObject({
      ok: false,
      output: expect.stringContaining("The Worker has 1041.0 KiB after gzip, more than 1040 KiB") as string,
    });
  });

  test("is exceeded by what is ours for agents", () => {
    expect(judge(800, 861, 870, 900)).toMatchObject({
      ok: false,
      output: expect.stringContaining("What is ours for agents has 61.0 KiB after gzip") as string,
    });
  });

  test("is exceeded by what is ours for conversations", () => {
    expect(judge(800, 850, 891, 900)).toMatchObject({
      ok: false,
      output: expect.stringContaining("What is ours for conversations has 41.0 KiB after gzip") as string,
    });
  });
});
