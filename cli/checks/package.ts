import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { asOne, type Check } from "./check.ts";
import { hasFiles } from "./find-files.ts";
import { runCommand } from "./run-command.ts";
import { toolOf } from "./tools.ts";

/** What would be published: it builds, and every resolver finds its modules and types. */
export const publishedPackage: Check = {
  name: "package",
  about: "tsdown, publint, are-the-types-wrong, and equal exports for Deno",
  run: async () => {
    if (!hasFiles("src/index.ts")) return { status: "skipped", reason: "no src/index.ts yet" };
    const build = await runCommand(toolOf("tsdown"), []);
    if (!build.ok) return asOne([build]);
    const folder = mkdtempSync(join(tmpdir(), "restate-edge-agents-"));
    try {
      const pack = await runCommand("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder]);
      if (!pack.ok) return asOne([pack]);
      const tarball = join(folder, readdirSync(folder)[0] ?? "");
      const publint = await runCommand(toolOf("publint"), ["run", tarball, "--strict"]);
      const attw = await runCommand(toolOf("@arethetypeswrong/cli", "attw"), [tarball, "--profile", "esm-only"]);
      return asOne([build, publint, attw]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
