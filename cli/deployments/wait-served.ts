/** Waits until an address serves a version: a promotion takes seconds to be everywhere. */
import { setTimeout as sleep } from "node:timers/promises";
import { type VersionHealth, versionHealth } from "./version-health.ts";

/** What is waited for. */
export interface ServedRequest {
  readonly url: string;
  readonly version: string;
  /** Longest wait, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Told what is wrong, whenever it was looked at. */
  readonly update: (reason: string) => void;
}

const EVERY_MS = 500;

/** What was found last: `ok`, unless the time is up. @throws The signal's reason once it is aborted. */
export async function waitUntilServed(request: ServedRequest): Promise<VersionHealth> {
  const { url, version, timeoutMs, signal, update } = request;
  const endsAt = performance.now() + timeoutMs;
  for (;;) {
    const health = await versionHealth(url, { expected: version, signal });
    if (health.state === "ok" || performance.now() > endsAt) return health;
    update(`${url}/health: ${health.detail ?? health.state}`);
    await sleep(EVERY_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
