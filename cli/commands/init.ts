import { existsSync } from "node:fs";
import { relative, resolve } from "node:path";
import { type Answers, ask, checkName } from "../init/ask.ts";
import { install } from "../init/install.ts";
import { type PackageManifest, packageManifest, projectManifest, specifiersOf } from "../init/manifest.ts";
import { nameAfter, requireEmptyFolder, writeProject } from "../init/project-folder.ts";
import { type Platform, templateFiles } from "../init/template-files.ts";
import type { CommandDefinition } from "../tool/command.ts";
import type { Tool } from "../tool/tool.ts";
import { usageError } from "../tool/tool-error.ts";

interface InitFlags {
  readonly name?: string;
  readonly deno?: boolean;
  readonly package?: string;
  readonly install: boolean;
  readonly ci: boolean;
}

interface InitResult {
  /** Absolute path. */
  readonly folder: string;
  readonly name: string;
  readonly platform: Platform;
  /** Files of the project, relative to its folder. */
  readonly files: readonly string[];
  /** False after a dry run. */
  readonly written: boolean;
  readonly installed: boolean;
  /** Commands to go on with. */
  readonly next: readonly string[];
}

export const init: CommandDefinition<InitFlags, InitResult> = {
  name: "init",
  about: "a new project in an empty folder, with an agent that works without any key",
  declare: (command) =>
    command
      .argument("[folder]", "where; made when it does not exist", ".")
      .option("--name <name>", "name of the project and of its Worker; default: after the folder")
      .option("--deno", "for Deno instead of Cloudflare Workers")
      .option("--no-deno", "for Cloudflare Workers, without asking")
      .option("--package <spec>", "what npm installs as restate-edge-agents, such as a tarball; default: this version")
      .option("--ci", "with a GitHub Actions workflow that deploys it to Workers", false)
      .option("--install", "run npm install, too", false),
  run: async (tool, flags, [argument = "."]) => {
    const folder = resolve(tool.flags.cwd, argument);
    await requireEmptyFolder(folder);
    const { name, platform } = await answers(tool, flags, folder);
    if (flags.ci && platform === "deno") {
      throw usageError("flags-conflict", "Cannot add a workflow: --ci is for Workers", "Leave out --ci or --deno");
    }
    const own = packageManifest();
    const packageSpec = packageSpecOf(tool, flags, folder, own);
    const files = [
      { path: "package.json", text: projectManifest(own, { name, platform, packageSpec }) },
      ...templateFiles({ name, platform, ci: flags.ci, specifiers: specifiersOf(own) }),
    ];
    const { dryRun } = tool.flags;
    if (!dryRun) await writeProject(folder, files);
    const installed = flags.install && !dryRun;
    if (installed) await tool.reporter.step("npm install", () => install(tool, folder));
    const enter = relative(process.cwd(), folder);
    const next = [
      ...(enter === "" ? [] : [`cd ${enter}`]),
      installed ? "npm start" : "npm install && npm start",
      "npm test",
    ];
    return { folder, name, platform, files: files.map(({ path }) => path), written: !dryRun, installed, next };
  },
  show: ({ folder, name, files, written, next }, reporter) => {
    reporter.info(`${written ? "Made" : "Would make"} ${name} in ${folder}:`);
    for (const path of files) reporter.info(`  ${path}`);
    if (written) reporter.info(`\nGo on with:\n${next.map((command) => `  ${command}`).join("\n")}`);
  },
};

/** Flags answer first; a terminal is asked the rest, and machines get the defaults. */
async function answers({ flags, signal }: Tool, { name, deno }: InitFlags, folder: string): Promise<Answers> {
  const known: Partial<Answers> = {
    ...(name === undefined ? {} : { name: checkName(name) }),
    ...(deno === undefined ? {} : { platform: deno ? "deno" : "workers" }),
  };
  const suggested = nameAfter(folder);
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  if (isTerminal && !flags.yes && !flags.json && !flags.dryRun) return ask(known, suggested, signal);
  return { name: suggested, platform: "workers", ...known };
}

/** A path is written as npm writes it, relative to the project. */
function packageSpecOf({ flags }: Tool, { package: spec }: InitFlags, folder: string, own: PackageManifest): string {
  if (spec === undefined) return own.version;
  const path = resolve(flags.cwd, spec);
  return existsSync(path) ? `file:${relative(folder, path).replaceAll("\\", "/")}` : spec;
}
