import { setTimeout as delay } from "node:timers/promises";

/** How `waitUntil` looks for its condition. */
export interface WaitOptions {
  /** Longest wait, in milliseconds. */
  readonly timeoutMs: number;
  /** Pause between two looks, in milliseconds. Default 100. */
  readonly everyMs?: number;
  /** Ends the wait early; its reason is thrown. */
  readonly signal?: AbortSignal;
}

/** Looks for a condition until it holds. Resolves to false when it did not hold in time. */
export async function waitUntil(holds: () => Promise<boolean>, options: WaitOptions): Promise<boolean> {
  const deadline = Date.now() + options.timeoutMs;
  while (Date.now() < deadline) {
    options.signal?.throwIfAborted();
    if (await holds()) return true;
    await delay(options.everyMs ?? 100);
  }
  return false;
}

/** True when the URL answers with a 2xx status. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
