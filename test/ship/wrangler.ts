/** Runs the real wrangler in a project, as a user would. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { wranglerScript } from "../../src/testing/packages.ts";

/** What a run left behind. */
export interface RunResult {
  readonly code: number | null;
  readonly stdout: string;
  /** Standard output and standard error, as they came. */
  readonly log: string;
}

/** How a command is run. */
export interface RunOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** For its standard input. Default: nothing. */
  readonly input?: string;
  /** Longest run, in milliseconds; then it is killed. Default 120,000. */
  readonly timeoutMs?: number;
}

export function wrangler(args: readonly string[], options: RunOptions): Promise<RunResult> {
  // A home of its own: no login of this machine, no file that other runs write.
  const env = { CI: "true", XDG_CONFIG_HOME: join(options.cwd, ".config"), ...options.env };
  return run(process.execPath, [wranglerScript(), ...args], { ...options, env });
}

/** Runs a command to its end. */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const { cwd, env, input = "", timeoutMs = 120_000 } = options;
  const quiet = { NO_COLOR: "1", WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", DO_NOT_TRACK: "1" };
  const child = spawn(command, [...args], {
    cwd,
    env: { ...process.env, FORCE_COLOR: undefined, ...quiet, ...env },
    signal: AbortSignal.timeout(timeoutMs),
  });
  let stdout = "";
  let log = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    log += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.on("error", (error) => (log += `\n${String(error)}`));
    child.on("close", (code) => resolve({ code, stdout, log }));
  });
}
