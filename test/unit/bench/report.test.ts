import { describe, expect, test } from "vitest";
import { readArguments } from "../../../bench/harness/arguments.ts";
import { renderResults, replaceResults } from "../../../bench/harness/report.ts";
import type { SubjectResult, WorkloadResult } from "../../../bench/harness/result.ts";
import { bytes, renderWorkload, significant } from "../../../bench/harness/table.ts";

const REFERENCES = { plain: "plain", official: "official" };

function subject(name: string, median: number, more: Partial<SubjectResult> = {}): SubjectResult {
  const figure = { median, min: median / 2, max: median * 2 };
  return { name, label: `The ${name}`, figure, samples: [median], requests: 22, uploadedBytes: 157_000, ...more };
}

const RESULT: WorkloadResult = {
  title: "20 calls",
  shape: { name: "sequential", steps: 20, parallel: 1, toolMs: 0, resultBytes: 100, readOnly: false },
  kind: "run",
  concurrency: 1,
  runs: 1,
  rounds: 7,
  machine: { cpus: 2, cpuModel: "a CPU", memoryGiB: 8, system: "Linux 6.1", node: "24.0.0" },
  subjects: [subject("plain", 50), subject("ours", 200, { storedBytes: 900, cpuMs: 12.5 }), subject("official", 800)],
  skipped: [{ name: "peer", label: "A peer", reason: "cannot start: no database\nand a long log" }],
};

describe("a table", () => {
  test("has ratios to the references, and says what was skipped and why", () => {
    expect(renderWorkload(RESULT, REFERENCES)).toBe(
      [
        "### 20 calls",
        "",
        "|              | ms a run, median (min–max) | to plain | to official | requests | uploaded | stored | CPU ms | peak memory |",
        "| ------------ | -------------------------: | -------: | ----------: | -------: | -------: | -----: | -----: | ----------: |",
        "| The plain    |                50 (25–100) |       1× |       0.06× |       22 |   157 KB |      – |      – |           – |",
        "| The ours     |              200 (100–400) |       4× |       0.25× |       22 |   157 KB |  900 B |   12.5 |           – |",
        "| The official |             800 (400–1600) |      16× |          1× |       22 |   157 KB |      – |      – |           – |",
        "",
        "- skipped: A peer: cannot start: no database",
      ].join("\n"),
    );
  });

  test("names subjects that were skipped for the same reason in one line", () => {
    const skipped = ["a", "b"].map((name) => ({ name, label: `The ${name}`, reason: "no database" }));
    expect(renderWorkload({ ...RESULT, skipped }, REFERENCES)).toMatch(/\n- skipped: The a; The b: no database$/);
  });

  test("has no ratio to a reference that did not run", () => {
    const table = renderWorkload({ ...RESULT, subjects: [subject("ours", 200)] }, REFERENCES);
    expect(table).not.toContain("to plain");
    expect(table).not.toContain("to official");
  });

  test("shows what steps cost when it is known", () => {
    const long = subject("ours", 200, { stepMs: { early: 2.5, late: 3 } });
    expect(renderWorkload({ ...RESULT, subjects: [long] }, REFERENCES)).toMatch(/2\.5 \|\s+3 \|$/m);
  });

  test.each([
    [0.049, "0.05"],
    [2, "2"],
    [2.516, "2.52"],
    [99.96, "100"],
    [123.4, "123"],
    [1234.5, "1235"],
    [123_456, "123,456"],
  ])("writes %d as %s", (value, text) => {
    expect(significant(value)).toBe(text);
  });

  test.each([
    [60, "60 B"],
    [8_860, "8.86 KB"],
    [157_000, "157 KB"],
    [2_258_000, "2.26 MB"],
  ])("writes %d bytes as %s", (value, text) => {
    expect(bytes(value)).toBe(text);
  });
});

describe("the page", () => {
  const page =
    "# Benchmarks\n\n<!-- results: written by `npm run bench` -->\nold\n<!-- end of results -->\n\nThe end.\n";

  test("keeps its text and gets the new tables", () => {
    const updated = replaceResults(page, "new tables");
    expect(updated).toMatch(
      /^# Benchmarks\n\n<!-- results.*-->\n\nnew tables\n\n<!-- end of results -->\n\nThe end\.\n$/,
    );
    expect(replaceResults(updated, "new tables")).toBe(updated);
  });

  test("without markers is refused", () => {
    expect(() => replaceResults("# Benchmarks\n", "tables")).toThrow("the page lacks");
  });

  test("names each machine once", () => {
    const text = renderResults([RESULT, { ...RESULT, rounds: 9 }], REFERENCES);
    expect(text.match(/Measured on 2 cores \(a CPU\), 8 GiB, Linux 6\.1, Node 24\.0\.0\./g)).toHaveLength(1);
    expect(text).toContain("Medians of 7 or 9 rounds.");
  });
});

describe("the command line", () => {
  const known = { workloads: ["sequential", "parallel"], subjects: ["plain", "ours"] };

  test("without names measures everything in 7 rounds and keeps the results", () => {
    expect(readArguments([], known)).toEqual({ workloads: [], subjects: [], rounds: 7, latencyMs: 0, keeps: true });
  });

  test("tells workloads from subjects", () => {
    expect(readArguments(["ours", "parallel"], known)).toMatchObject({ workloads: ["parallel"], subjects: ["ours"] });
  });

  test.each([[["plain"]], [["--rounds", "6"]], [["--latency", "50"]]])("%j keeps nothing", (parameters) => {
    expect(readArguments(parameters, known).keeps).toBe(false);
  });

  test("refuses unknown names and wrong numbers", () => {
    expect(() => readArguments(["other"], known)).toThrow("Workloads: sequential, parallel. Subjects: plain, ours");
    expect(() => readArguments(["--rounds", "0"], known)).toThrow(
      '--rounds must be a whole number from 1: current value is "0"',
    );
  });
});
