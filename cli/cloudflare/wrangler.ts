/** Runs the project's wrangler. What it did is read from the file that it writes for machines, never from its log. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Project } from "../project/project.ts";
import { wranglerScriptOf } from "../project/project.ts";
import { EXIT } from "../tool/exit-codes.ts";
import type { Tool } from "../tool/tool.ts";
import { ToolError } from "../tool/tool-error.ts";

/** One run of wrangler. */
export interface WranglerRun {
  readonly args: readonly string[];
  /** Longest run, in milliseconds. Default 5 minutes. */
  readonly timeoutMs?: number;
  readonly onLine?: (line: string) => void;
}

/** What a run left behind. */
export interface WranglerResult {
  /** Records of WRANGLER_OUTPUT_FILE_PATH, of which each has a `type`. */
  readonly records: readonly WranglerRecord[];
  readonly stdout: string;
}

/** A record of wrangler's output file. https://developers.cloudflare.com/workers/wrangler/system-environment-variables/ */
export type WranglerRecord = Readonly<Record<string, unknown>> & { readonly type: string };

/** How many characters of what wrangler said a failure shows. */
const SHOWN = 2_000;

/**
 * Runs wrangler in the project, for its environment.
 *
 * @throws ToolError `wrangler-failed` with the end of what it said, and Cloudflare's code, if there is one, in its details.
 */
export async function runWrangler(tool: Tool, project: Project, run: WranglerRun): Promise<WranglerResult> {
  const folder = await mkdtemp(join(tmpdir(), "restate-edge-agents-"));
  try {
    const outputPath = join(folder, "output.ndjson");
    const { code, stdout, log } = await execute(tool, project, run, outputPath);
    const records = recordsIn(await readFile(outputPath, "utf8").catch(() => ""));
    if (code !== 0) {
      throw new ToolError({
        code: "wrangler-failed",
        message: `Cannot run wrangler ${run.args.slice(0, 2).join(" ")}: ${code === null ? "it was stopped" : `exit code ${code}`}\n${log.slice(-SHOWN).trim()}`,
        hint: "Nothing that Restate knows was changed; run the command again when the cause is gone",
        exitCode: EXIT.remote,
        details: { wrangler: run.args.slice(0, 2).join(" "), cloudflareCode: failureCode(records) },
      });
    }
    return { records, stdout };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function execute(
  tool: Tool,
  project: Project,
  run: WranglerRun,
  outputPath: string,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly log: string }> {
  const environment = project.environment === undefined ? [] : ["--env", project.environment];
  const args = [wranglerScriptOf(project.folder), ...run.args, "--config", project.configPath, ...environment];
  const child = spawn(process.execPath, args, {
    cwd: project.folder,
    env: {
      ...tool.environment,
      WRANGLER_OUTPUT_FILE_PATH: outputPath,
      WRANGLER_HIDE_BANNER: "true",
      WRANGLER_SEND_METRICS: "false",
      NO_COLOR: "1",
      // It asks nothing.
      CI: "true",
    },
    stdio: ["ignore", "pipe", "pipe"],
    signal: AbortSignal.any([tool.signal, AbortSignal.timeout(run.timeoutMs ?? 300_000)]),
  });
  let stdout = "";
  let log = "";
  const collect = (text: string): void => {
    log = (log + text).slice(-4 * SHOWN);
    const line = text.trim().split("\n").at(-1) ?? "";
    if (line !== "") run.onLine?.(line);
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    collect(text);
  });
  child.stderr.setEncoding("utf8").on("data", collect);
  return new Promise((resolve, reject) => {
    child.on("error", (error) => {
      if (tool.signal.aborted) reject(tool.signal.reason as Error);
      else resolve({ code: null, stdout, log: `${log}\n${error.message}` });
    });
    child.on("close", (code) => resolve({ code, stdout, log }));
  });
}

/** Codes with which Cloudflare says that a Worker does not exist; the second one, that it has no version. */
const NO_WORKER: ReadonlySet<unknown> = new Set([10007, 10090, 10222]);

/** True for a failure of wrangler because the Worker is not there. */
export function isNoWorker(error: unknown): boolean {
  return error instanceof ToolError && NO_WORKER.has(error.details?.["cloudflareCode"]);
}

function failureCode(records: readonly WranglerRecord[]): unknown {
  return records.find(({ type }) => type === "command-failed")?.["code"];
}

function recordsIn(text: string): WranglerRecord[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as WranglerRecord);
}
