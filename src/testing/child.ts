/** Child processes of the test kit: on loopback, in a group of their own, and never outliving the test. */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const LOG_TAIL = 200;

/** What to start. */
export interface ChildInit {
  readonly label: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** A started child. */
export interface Child {
  readonly pid: number;
  readonly label: string;
  /** False once the child has ended. */
  readonly alive: boolean;
  /** The last lines that it printed. */
  readonly log: () => string;
  /** Asks it to end, and kills it after 5 seconds. */
  stop(): Promise<void>;
  /** SIGKILL. Settles when it has ended. */
  kill(): Promise<void>;
}

/** Environment that keeps the tools from phoning home. */
const QUIET: Readonly<Record<string, string>> = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  DENO_NO_UPDATE_CHECK: "1",
  DO_NOT_TRACK: "1",
  NO_COLOR: "1",
  SCARF_ANALYTICS: "false",
  WRANGLER_SEND_METRICS: "false",
  X_LOCAL_OBSERVABILITY: "false",
};

const groups = new Set<number>();
process.on("exit", () => {
  for (const group of groups) signal(group, "SIGKILL");
});

/** Starts a child in its own process group. */
export function startChild(init: ChildInit): Child {
  const started = spawn(init.command, [...init.args], {
    env: { ...process.env, ...QUIET, ...init.env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    ...(init.cwd === undefined ? {} : { cwd: init.cwd }),
  });
  const { pid } = started;
  if (pid === undefined) throw new Error(`Cannot start ${init.label}: ${init.command} is not there`);
  groups.add(pid);
  const lines = tail(started);
  let alive = true;
  const ended = new Promise<void>((resolve) => {
    started.on("exit", () => {
      alive = false;
      signal(pid, "SIGKILL");
      groups.delete(pid);
      resolve();
    });
  });
  const end = async (how: NodeJS.Signals): Promise<void> => {
    if (alive) signal(pid, how);
    const timer = setTimeout(() => signal(pid, "SIGKILL"), 5_000);
    await ended;
    clearTimeout(timer);
  };
  return {
    pid,
    label: init.label,
    get alive() {
      return alive;
    },
    log: () => lines.join(""),
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

/** A port on loopback that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** True when `url` answers 2xx. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/**
 * Waits until `holds()` is true.
 *
 * @throws Error after `timeoutMs` (default 30,000), or at once when `child` has ended, with the tail of its log.
 */
export async function waitUntil(
  what: string,
  holds: () => boolean | Promise<boolean>,
  { child, timeoutMs = 30_000, everyMs = 10 }: { child?: Child; timeoutMs?: number; everyMs?: number } = {},
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (child?.alive === false) throw new Error(`${what}: ${child.label} has ended\n${child.log()}`);
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms\n${child?.log() ?? ""}`);
    await delay(everyMs);
  }
}
