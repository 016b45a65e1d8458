import { spawn } from "node:child_process";
import { EXIT } from "../tool/exit-codes.ts";
import type { Tool } from "../tool/tool.ts";
import { ToolError } from "../tool/tool-error.ts";

/** Longest run of npm, in milliseconds. */
const TIMEOUT_MS = 600_000;

/**
 * `npm install` in the new project.
 *
 * @throws ToolError `install-failed`
 */
export async function install(tool: Tool, folder: string): Promise<void> {
  const windows = process.platform === "win32";
  const child = spawn("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: folder,
    env: tool.environment,
    stdio: ["ignore", "pipe", "pipe"],
    shell: windows,
    signal: AbortSignal.any([tool.signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (log = (log + text).slice(-4_000)));
  }
  const how = await new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => resolve(code === null ? String(signal) : `exit code ${code}`));
  });
  tool.signal.throwIfAborted();
  if (how === "exit code 0") return;
  throw new ToolError({
    code: "install-failed",
    message: `Cannot install the dependencies of ${folder}: npm install: ${how}\n${log.trim()}`,
    hint: "The project's files are there: run npm install in it",
    exitCode: EXIT.remote,
  });
}
