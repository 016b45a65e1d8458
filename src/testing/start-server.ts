import { type Child, type ChildInit, startChild } from "./child.ts";
import { freePort, listensOn } from "./ports.ts";
import { waitUntil, type WaitOptions } from "./wait.ts";

const TRIES = 3;
const PORT_TAKEN = /EADDRINUSE|AddrInUse|address (is )?(already )?in use/i;

/**
 * Starts a server and waits until it is healthy, and until the one that listens is really this child.
 *
 * @throws Error with the tail of its log when it ends, or is not healthy in time (default 30 seconds).
 */
export async function startServer(
  init: ChildInit,
  port: number,
  isHealthy: () => Promise<boolean>,
  wait: Omit<WaitOptions, "child"> = {},
): Promise<Child> {
  const child = startChild(init);
  const isServing = async (): Promise<boolean> =>
    (await isHealthy()) && child.alive && (await listensOn(child.pid, port)) !== false;
  try {
    await waitUntil(`Cannot start ${init.label} on 127.0.0.1:${port}`, isServing, { ...wait, child });
  } catch (error) {
    await child.kill();
    throw error;
  }
  return child;
}

/** Calls `start` with `count` free ports, and again with others when somebody took one in between. */
export async function onFreePorts<T>(count: number, start: (ports: readonly number[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const ports = await Promise.all(Array.from({ length: count }, freePort));
    try {
      return await start(ports);
    } catch (error) {
      if (attempt >= TRIES || !PORT_TAKEN.test(String(error))) throw error;
    }
  }
}
