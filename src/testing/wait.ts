import { setTimeout as delay } from "node:timers/promises";
import type { Child } from "./child.ts";

/** How long to wait, and how often to look. */
export interface WaitOptions {
  /** Give up at once when this child has ended; its log is part of the error. */
  readonly child?: Child;
  /** Longest wait, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
  /** Pause between two looks, in milliseconds. Default 10. */
  readonly everyMs?: number;
}

/**
 * Waits until `holds()` is true. `what` begins the error's message, such as "Cannot start restate-server".
 *
 * @throws Error after `timeoutMs`, or at once when `child` has ended, with the tail of its log.
 */
export async function waitUntil(
  what: string,
  holds: () => boolean | Promise<boolean>,
  { child, timeoutMs = 30_000, everyMs = 10 }: WaitOptions = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (child?.alive === false) throw new Error(`${what}: ${child.label} has ended (${child.exit})\n${child.log()}`);
    if (performance.now() > deadline)
      throw new Error(`${what}: not within ${timeoutMs} ms\n${child?.log() ?? ""}`.trim());
    await delay(everyMs);
  }
}

/** True when `url` answers 2xx within 2 seconds. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
