import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { inRoot } from "../stack/paths.ts";
import { asOne, type Check } from "./check.ts";
import { hasFiles } from "./find-files.ts";
import { runCommand } from "./run-command.ts";
import { toolOf } from "./tools.ts";

/** What would be published: it builds, the tool loads, and every resolver finds the modules and types. */
export const publishedPackage: Check = {
  name: "package",
  about: "tsdown, the tool runs, publint, are-the-types-wrong",
  run: async () => {
    if (!hasFiles("src/index.ts")) return { status: "skipped", reason: "no src/index.ts yet" };
    const build = await runCommand(toolOf("tsdown"), []);
    if (!build.ok) return asOne([build]);
    const tool = await runCommand(inRoot("dist/cli/main.js"), ["--help"]);
    const folder = mkdtempSync(join(tmpdir(), "restate-edge-agents-"));
    try {
      const pack = await runCommand("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder]);
      if (!pack.ok) return asOne([pack]);
      const tarball = join(folder, readdirSync(folder)[0] ?? "");
      const publint = await runCommand(toolOf("publint"), ["run", tarball, "--strict"]);
      const attw = await runCommand(toolOf("@arethetypeswrong/cli", "attw"), [tarball, "--profile", "esm-only"]);
      return asOne([build, tool, publint, attw]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
