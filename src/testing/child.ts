/** Child processes of the test kit: in a group of their own, ended by id, and never outliving the test. */
import { type ChildProcess, spawn } from "node:child_process";

/** How many of the last chunks that a child printed are kept. */
const LOG_TAIL = 200;

/** What to start. */
export interface ChildInit {
  readonly label: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Added to this process's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** A started child. */
export interface Child {
  /** Process id; also the id of its group. */
  readonly pid: number;
  readonly label: string;
  /** False once the child has ended. */
  readonly alive: boolean;
  /** How it ended, such as `exit code 1` or `SIGKILL`; empty while it is alive. */
  readonly exit: string;
  /** The last lines that it printed. */
  readonly log: () => string;
  /** Asks it to end, and kills it after 5 seconds. */
  stop(): Promise<void>;
  /** SIGKILL. Settles when it has ended. */
  kill(): Promise<void>;
}

/** Environment that keeps the tools from phoning home, and their logs readable. */
const QUIET: Readonly<Record<string, string>> = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  DENO_NO_UPDATE_CHECK: "1",
  DO_NOT_TRACK: "1",
  NO_COLOR: "1",
  SCARF_ANALYTICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_SEND_METRICS: "false",
  X_LOCAL_OBSERVABILITY: "false",
};

const groups = new Set<number>();
process.on("exit", () => {
  for (const group of groups) signal(group, "SIGKILL");
});

/**
 * Starts a child in its own process group.
 *
 * @throws Error when the command cannot be started.
 */
export function startChild(init: ChildInit): Child {
  const started = spawn(init.command, [...init.args], {
    env: { ...process.env, ...QUIET, ...init.env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    ...(init.cwd === undefined ? {} : { cwd: init.cwd }),
  });
  // A command that is not there is reported twice: as an event, and by having no process id.
  started.on("error", () => {});
  const { pid } = started;
  if (pid === undefined) throw new Error(`Cannot start ${init.label}: ${init.command} is not there, or not executable`);
  groups.add(pid);
  const chunks = tail(started);
  let exit = "";
  const ended = new Promise<void>((resolve) => {
    started.on("exit", (code, name) => {
      exit = code === null ? String(name) : `exit code ${code}`;
      signal(pid, "SIGKILL");
      groups.delete(pid);
      resolve();
    });
  });
  const end = async (how: NodeJS.Signals): Promise<void> => {
    if (exit !== "") return;
    signal(pid, how);
    const timer = setTimeout(() => signal(pid, "SIGKILL"), 5_000);
    await ended;
    clearTimeout(timer);
  };
  return {
    pid,
    label: init.label,
    get alive() {
      return exit === "";
    },
    get exit() {
      return exit;
    },
    log: () => chunks.join(""),
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}

function tail(child: ChildProcess): string[] {
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      chunks.push(chunk);
      if (chunks.length > LOG_TAIL) chunks.shift();
    });
  }
  return chunks;
}

function signal(group: number, name: NodeJS.Signals): void {
  try {
    process.kill(-group, name);
  } catch {
    // Nobody of the group is left.
  }
}
