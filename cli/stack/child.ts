/**
 * Child processes that never outlive us.
 *
 * Each child leads its own process group, because the tools start further processes (wrangler starts workerd). A
 * Ctrl-C therefore reaches only us, and we end the groups in our order. What is left of a group when its leader has
 * ended, or when we end unexpectedly, is killed.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** What to start. */
export interface ChildInit {
  /** Short name, for messages. */
  readonly label: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the child. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Called with every line that the child prints. */
  readonly onLine: (line: string) => void;
  /** Time that the child has to end when it is asked to, in milliseconds. Default 10,000; then it is killed. */
  readonly graceMs?: number;
}

/** A started child. */
export interface Child {
  readonly label: string;
  /** Settles when the child has ended: with its exit code, or the signal that ended it. Never rejects. */
  readonly ended: Promise<string>;
  /** Aborted when the child has ended. */
  readonly endedSignal: AbortSignal;
  /** Asks the child to end, and kills its group when it has not after its grace. */
  readonly stop: () => Promise<void>;
  /** Kills the child's group at once, as if the machine had died. */
  readonly kill: () => Promise<void>;
}

const groups = new Set<number>();
process.on("exit", () => {
  for (const group of groups) signalGroup(group, "SIGKILL");
});

/** Starts a child in its own process group. */
export function startChild(init: ChildInit): Child {
  const started = spawn(init.command, init.args, {
    cwd: init.cwd,
    env: init.env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const group = started.pid;
  if (group !== undefined) groups.add(group);
  for (const input of [started.stdout, started.stderr]) {
    createInterface({ input }).on("line", init.onLine);
  }

  const controller = new AbortController();
  const ended = new Promise<string>((resolve) => {
    started.on("error", (error) => {
      resolve(error.message);
    });
    started.on("exit", (code, signal) => {
      resolve(code === null ? `signal ${signal}` : `exit code ${code}`);
    });
  }).then((how) => {
    if (group !== undefined) {
      signalGroup(group, "SIGKILL");
      groups.delete(group);
    }
    controller.abort(new Error(`${init.label} has ended: ${how}`));
    return how;
  });

  const stop = async (): Promise<void> => {
    if (group === undefined || !groups.has(group)) return;
    signalGroup(group, "SIGTERM");
    const timer = setTimeout(() => {
      signalGroup(group, "SIGKILL");
    }, init.graceMs ?? 10_000);
    await ended;
    clearTimeout(timer);
  };

  const kill = async (): Promise<void> => {
    if (group === undefined || !groups.has(group)) return;
    signalGroup(group, "SIGKILL");
    await ended;
  };

  return { label: init.label, ended, endedSignal: controller.signal, stop, kill };
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // Nobody of the group is left.
  }
}
