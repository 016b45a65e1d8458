/** `wrangler tail`, passed on line by line, without secrets. */
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { configArgs } from "../cloudflare/wrangler.ts";
import type { Project } from "../project/project.ts";
import { wranglerScriptOf } from "../project/project.ts";
import { EXIT } from "../tool/exit-codes.ts";
import { stopChild } from "../tool/stop-child.ts";
import type { Output } from "../tool/reporter.ts";
import type { Tool } from "../tool/tool.ts";
import { ToolError } from "../tool/tool-error.ts";

/** Which Worker, and how. */
export interface TailRequest {
  readonly worker: string;
  /** `json` or `pretty`. */
  readonly format: string;
  /** More of wrangler's own flags. */
  readonly flags: readonly string[];
}

/** Where its lines go. */
export interface TailOutput {
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Arguments of wrangler. */
export function tailArgs({ worker, format, flags }: TailRequest): string[] {
  return ["tail", worker, "--format", format, ...flags];
}

/**
 * Shows the Worker's log until it is interrupted.
 *
 * @throws ToolError `wrangler-failed` when wrangler ends by itself with a failure.
 */
export async function tail(
  tool: Tool,
  project: Project,
  request: TailRequest,
  output: TailOutput = process,
): Promise<void> {
  const args = [wranglerScriptOf(project.folder), ...tailArgs(request), ...configArgs(project)];
  const child = spawn(process.execPath, args, {
    cwd: project.folder,
    env: {
      ...tool.environment,
      ...colours(tool, output.stdout),
      WRANGLER_HIDE_BANNER: "true",
      WRANGLER_SEND_METRICS: "false",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // A terminal's Ctrl-C reaches wrangler by itself; a signal to this process alone does not.
  const stop = (): void => stopChild(child);
  tool.signal.addEventListener("abort", stop, { once: true });
  const clean = (text: string): string => tool.redactor.clean(text);
  const flushes = [passOn(child.stdout, output.stdout, clean), passOn(child.stderr, output.stderr, clean)];
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  }).finally(() => tool.signal.removeEventListener("abort", stop));
  for (const flush of flushes) flush();
  if (tool.signal.aborted || code === 0) return;
  throw new ToolError({
    code: "wrangler-failed",
    message: `Cannot show the log of ${request.worker}: wrangler tail ended with exit code ${code ?? "none"}`,
    hint: "What it said is above; `wrangler whoami` tells whether it is logged in",
    exitCode: EXIT.remote,
  });
}

/**
 * Whole lines: a secret may come in two pieces. Whoever does not end when asked to is cut off, so nobody waits for an end of
 * what it says.
 *
 * @returns Writes what has not ended with a line.
 */
function passOn(from: Readable, to: Output, clean: (text: string) => string): () => void {
  let rest = "";
  from.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) to.write(`${clean(line)}\n`);
  });
  return () => {
    if (rest !== "") to.write(`${clean(rest)}\n`);
  };
}

/** A pipe is no terminal, so wrangler is told that what it writes ends up on one. */
function colours({ environment }: Tool, { isTTY }: Output): Readonly<Record<string, string>> {
  return isTTY === true && environment["NO_COLOR"] === undefined ? { FORCE_COLOR: "1" } : {};
}
