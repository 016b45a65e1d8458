import { startChild } from "../stack/child.ts";
import { ROOT } from "../stack/paths.ts";
import { QUIET } from "../stack/quiet.ts";

/** What a command printed, and whether it succeeded. */
export interface CommandResult {
  readonly ok: boolean;
  readonly output: string;
}

/** Longest run of one command, in milliseconds. A hanging tool must not hang the whole run. */
const TIMEOUT_MS = 45 * 60_000;

const running = new Set<() => Promise<void>>();

/** Runs a JavaScript tool of node_modules, or another executable, to its end. */
export async function runCommand(command: string, args: readonly string[]): Promise<CommandResult> {
  const lines: string[] = [];
  const isScript = /\.[mc]?js$/.test(command);
  const child = startChild({
    label: command,
    command: isScript ? process.execPath : command,
    args: isScript ? [command, ...args] : args,
    cwd: ROOT,
    env: { ...process.env, ...QUIET, NO_COLOR: "1", FORCE_COLOR: undefined },
    onLine: (line) => {
      lines.push(line);
    },
  });
  running.add(child.stop);
  const timer = setTimeout(() => {
    lines.push(`Ended after ${TIMEOUT_MS / 60_000} minutes`);
    void child.stop();
  }, TIMEOUT_MS);
  const how = await child.ended;
  clearTimeout(timer);
  running.delete(child.stop);
  const ok = how === "exit code 0";
  return { ok, output: [...lines, ...(ok ? [] : [`${command} ended: ${how}`])].join("\n") };
}

/** Ends what is running, for Ctrl-C. */
export async function stopRunningCommands(): Promise<void> {
  await Promise.all([...running].map((stop) => stop()));
}
