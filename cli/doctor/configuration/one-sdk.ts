import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runWrangler } from "../../cloudflare/wrangler.ts";
import { ToolError } from "../../tool/tool-error.ts";
import { type DoctorCheck, fail, pass, skip, warn } from "../check.ts";
import { configName } from "../facts/facts.ts";

/** Longest build, in milliseconds. */
const BUILD_TIMEOUT_MS = 100_000;
const ON_WORKERS = "@restatedev/restate-sdk-cloudflare-workers";

/** Whether the bundle has one Restate SDK. With two, each has its own `TerminalError`, which the other retries for ever. */
export const oneSdk: DoctorCheck = {
  id: "one-sdk",
  group: "Project",
  about: "the Worker can be bundled, with one Restate SDK in it",
  timeoutMs: BUILD_TIMEOUT_MS + 5_000,
  run: async (facts) => {
    const project = facts.project();
    if (project.worker.main === undefined) return skip(`${configName(facts)} has no main`);
    const folder = await mkdtemp(join(tmpdir(), "restate-edge-agents-"));
    try {
      const meta = join(folder, "meta.json");
      const args = ["deploy", "--dry-run", "--outdir", folder, "--metafile", meta];
      await runWrangler(facts.tool, project, { args, timeoutMs: BUILD_TIMEOUT_MS });
      return judge(sdksIn(await readFile(meta, "utf8")), configName(facts));
    } catch (error) {
      if (!(error instanceof ToolError) || error.code !== "wrangler-failed") throw error;
      return fail(`The Worker cannot be bundled: ${reasonIn(error.message)}`, "npx wrangler deploy --dry-run");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

function judge(sdks: readonly string[], file: string): ReturnType<typeof pass> {
  const [sdk, ...others] = sdks;
  if (sdk === undefined)
    return warn("No Restate SDK is in the bundle: nothing durable is served.", `main = …   # in ${file}`);
  if (others.length === 0) return pass(`${nameOf(sdk)} alone`);
  const names = new Set(sdks.map(nameOf));
  if (names.size === 1) {
    return fail(`The bundle holds ${sdks.length} copies of ${nameOf(sdk)}: ${sdks.join(", ")}.`, "npm dedupe");
  }
  return fail(
    `The bundle holds two Restate SDKs, ${[...names].join(" and ")}: an error of one is not known to the other, which retries it for ever. Make every import lead to one:`,
    "[alias]",
    `"@restatedev/restate-sdk" = "./node_modules/${ON_WORKERS}/dist/index.js"`,
  );
}

/** Folders of the Restate SDKs whose code got into the bundle; types and unused modules do not count. */
export function sdksIn(metafile: string): string[] {
  const meta = JSON.parse(metafile) as {
    readonly outputs: Readonly<
      Record<string, { readonly inputs?: Readonly<Record<string, { bytesInOutput: number }>> }>
    >;
  };
  const inputs = Object.values(meta.outputs).flatMap((output) => Object.entries(output.inputs ?? {}));
  const folders = inputs.flatMap(([path, { bytesInOutput }]) => {
    const folder = /^(.*node_modules\/@restatedev\/restate-sdk(?:-cloudflare-workers)?)\//.exec(path)?.[1];
    return folder === undefined || bytesInOutput === 0 ? [] : [folder];
  });
  return [...new Set(folders)].toSorted();
}

function nameOf(folder: string): string {
  return folder.replace(/^.*node_modules\//, "");
}

function reasonIn(message: string): string {
  const lines = message.split("\n").map((line) => line.trim());
  const line = lines.find((text) => text.includes("[ERROR]")) ?? lines.find((text) => text !== "") ?? "";
  return line.replace(/^.*\[ERROR\]\s*/, "").slice(0, 200);
}
