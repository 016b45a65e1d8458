import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Check, Outcome } from "./check.ts";
import { hasFiles } from "./find-files.ts";
import { runCommand } from "./run-command.ts";
import { toolOf } from "./tools.ts";

/** A project of vitest.config.ts, its tests in `test/<folder>`, as a check. Its tests are counted one by one. */
export function vitestProject(name: string, about: string, folder: string = name): Check {
  return {
    name,
    about,
    run: async () => {
      const pattern = `test/${folder}/**/*.test.ts`;
      if (!hasFiles(pattern)) return { status: "skipped", reason: `no ${pattern} yet` };
      return runProject(name);
    },
  };
}

async function runProject(name: string): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "restate-edge-agents-"));
  try {
    const report = join(folder, "report.json");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const { ok, output } = await runCommand(toolOf("vitest"), ["run", "--project", name, ...reporters]);
    const { passed, failed } = countTests(report);
    // A file that does not load, or an error outside of a test, fails the run without failing a test.
    return { status: "ran", passed, failed: ok ? failed : Math.max(failed, 1), output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function countTests(path: string): { passed: number; failed: number } {
  try {
    const report: unknown = JSON.parse(readFileSync(path, "utf8"));
    return { passed: numberOf(report, "numPassedTests"), failed: numberOf(report, "numFailedTests") };
  } catch {
    return { passed: 0, failed: 0 };
  }
}

function numberOf(report: unknown, name: string): number {
  if (typeof report !== "object" || report === null) return 0;
  const value: unknown = Reflect.get(report, name);
  return typeof value === "number" ? value : 0;
}
