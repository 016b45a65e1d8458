/** Runs the project's wrangler. What it did is read from the file that it writes for machines, never from its log. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Project } from "../project/project.ts";
import { wranglerScriptOf } from "../project/project.ts";
import { stopChild } from "../tool/stop-child.ts";
import type { Tool } from "../tool/tool.ts";
import { ToolError } from "../tool/tool-error.ts";
import { wranglerFailure } from "./wrangler-failure.ts";

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

/** How many characters of its log are kept to find the cause of a failure in. */
const KEPT = 64_000;

/**
 * Runs wrangler in the project, for its environment.
 *
 * @throws ToolError `cloudflare-token-missing` (exit code 2), `cloudflare-unauthorized`, `wrangler-failed`; with the cause, and
 * with Cloudflare's code, if there is one, in its details.
 */
export async function runWrangler(tool: Tool, project: Project, run: WranglerRun): Promise<WranglerResult> {
  const folder = await mkdtemp(join(tmpdir(), "restate-edge-agents-"));
  try {
    tool.signal.throwIfAborted();
    const outputPath = join(folder, "output.ndjson");
    const { code, stdout, log } = await execute(tool, project, run, outputPath);
    const records = recordsIn(await readFile(outputPath, "utf8").catch(() => ""));
    if (code !== 0) {
      // A terminal interrupts both, and it may be the first to end.
      tool.signal.throwIfAborted();
      throw wranglerFailure({
        command: run.args.slice(0, 2).join(" "),
        ended: code === null ? "it was stopped" : `exit code ${code}`,
        log,
        cloudflareCode: failureCode(records),
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
  const args = [wranglerScriptOf(project.folder), ...run.args, ...configArgs(project)];
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
  });
  const { timeoutMs = 300_000 } = run;
  const bounded = AbortSignal.any([tool.signal, AbortSignal.timeout(timeoutMs)]);
  const stop = (): void => stopChild(child);
  bounded.addEventListener("abort", stop, { once: true });
  let stdout = "";
  let log = "";
  const collect = (text: string): void => {
    log = (log + text).slice(-KEPT);
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
      log += `\n${error.message}`;
    });
    child.on("close", (code) => {
      bounded.removeEventListener("abort", stop);
      if (tool.signal.aborted) return reject(tool.signal.reason as Error);
      if (!bounded.aborted) return resolve({ code, stdout, log });
      // An exit code after a signal is none of its own.
      resolve({ code: null, stdout, log: `${log}\n[ERROR] It was not done within ${timeoutMs / 1000} s` });
    });
  });
}

/** Arguments that name the configuration, and its environment: the empty one is the top level. */
export function configArgs({ configPath, environment = "" }: Project): string[] {
  return ["--config", configPath, "--env", environment];
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
