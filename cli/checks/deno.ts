import { denoBinary } from "../../src/testing/packages.ts";
import { DENO_PERMISSIONS } from "../stack/app-server.ts";
import { ROOT } from "../stack/paths.ts";
import { asOne, type Check } from "./check.ts";
import { hasFiles } from "./find-files.ts";
import { runCommand } from "./run-command.ts";

/** The whole app has to type-check with Deno's resolution of packages, too. */
export const denoTypes: Check = {
  name: "deno-types",
  about: "deno check entry/deno.ts",
  run: async () => {
    if (!hasFiles("entry/deno.ts")) return { status: "skipped", reason: "no entry/deno.ts yet" };
    return asOne([await runCommand(denoBinary(ROOT), ["check", "entry/deno.ts"])]);
  },
};

/** Tests that run on Deno. */
export const denoTests: Check = {
  name: "deno",
  about: "deno test test/deno/",
  run: async () => {
    if (!hasFiles("test/deno/**/*.ts")) return { status: "skipped", reason: "no test/deno/ yet" };
    const { ok, output } = await runCommand(denoBinary(ROOT), [
      "test",
      ...DENO_PERMISSIONS,
      "--allow-read",
      "test/deno/",
    ]);
    const { passed, failed } = countTests(output);
    return { status: "ran", passed, failed: ok ? failed : Math.max(failed, 1), output };
  },
};

/** Reads `ok | 12 passed | 0 failed (1s)`, deno's last line. */
function countTests(output: string): { passed: number; failed: number } {
  const counts = /\| (\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed/.exec(output);
  return { passed: Number(counts?.[1] ?? 0), failed: Number(counts?.[2] ?? 0) };
}
