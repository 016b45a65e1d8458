/** Ends a child process that somebody may wait for. */
import type { ChildProcess } from "node:child_process";

/** How long a child may take to end by itself, in milliseconds. */
const GRACE_MS = 3_000;

/**
 * SIGTERM now, and SIGKILL after `graceMs` (default 3 s). Its pipes are closed with it: a grandchild that holds them would
 * keep this process alive.
 */
export function stopChild(child: ChildProcess, graceMs: number = GRACE_MS): void {
  child.kill("SIGTERM");
  const timer = setTimeout(() => {
    child.kill("SIGKILL");
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, graceMs);
  child.once("close", () => clearTimeout(timer));
}
