/**
 * `npm test`: every check of the repository, or the named ones: `npm test -- unit lint`. With `--thorough` also the
 * random and repeated tests of which `npm test` does a share each time (test/thorough.ts).
 *
 * All of them run, whatever fails before. What failed is printed in full; the last line is `N passed, N failed`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { CHECKS, CHECKS_ON_REQUEST } from "./checks/all.ts";
import { type Check, groupsOf, type Outcome } from "./checks/check.ts";
import { stopRunningCommands } from "./checks/run-command.ts";
import { chooseSeed } from "../test/thorough.ts";

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    void stopRunningCommands().then(() => process.exit(130));
  });
}

function select(names: readonly string[]): readonly Check[] {
  const known = [...CHECKS, ...CHECKS_ON_REQUEST];
  const unknown = names.filter((name) => !known.some((check) => check.name === name));
  if (unknown.length > 0) {
    console.error(`Cannot run ${unknown.join(", ")}: the checks are ${known.map((check) => check.name).join(", ")}`);
    process.exit(2);
  }
  return names.length === 0 ? CHECKS : known.filter((check) => names.includes(check.name));
}

async function runCheck(check: Check): Promise<Outcome> {
  try {
    return await check.run();
  } catch (error) {
    const output = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { status: "ran", passed: 0, failed: 1, output };
  }
}

function print(check: Check, outcome: Outcome, ms: number): void {
  const name = check.name.padEnd(13);
  if (outcome.status === "skipped") {
    console.log(`- ${name} skipped: ${outcome.reason}`);
    return;
  }
  const { passed, failed, output, note } = outcome;
  const counts = `${passed} passed, ${failed} failed`.padEnd(22);
  const mark = failed === 0 ? "✓" : "✗";
  console.log(`${mark} ${name} ${counts} ${(ms / 1000).toFixed(1).padStart(6)} s  ${note ?? check.about}`);
  if (failed > 0) console.log(`\n${output}\n`);
}

const args = process.argv.slice(2);
if (args.includes("--thorough")) process.env["THOROUGH"] = "1";
const checks = select(args.filter((arg) => arg !== "--thorough"));
chooseSeed();

// Nothing changes the sources during a run: each Worker is bundled once (src/testing/kept-bundles.ts).
const bundles = mkdtempSync(join(tmpdir(), "restate-edge-agents-bundles-"));
process.env["WORKER_BUNDLES"] = bundles;
process.on("exit", () => rmSync(bundles, { recursive: true, force: true }));

let passed = 0;
let failed = 0;
for (const group of groupsOf(checks)) {
  await Promise.all(
    group.map(async (check) => {
      const start = performance.now();
      const outcome = await runCheck(check);
      print(check, outcome, performance.now() - start);
      if (outcome.status === "skipped") return;
      passed += outcome.passed;
      failed += outcome.failed;
    }),
  );
}
process.exitCode = failed === 0 ? 0 : 1;
console.log(`${passed} passed, ${failed} failed`);
