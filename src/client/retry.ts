/** When a request is repeated. */

/** Longest pause that the client chooses itself, in milliseconds. */
const MAX_PAUSE_MS = 10_000;

/** The pause before repetition `n` (from 1), in milliseconds: exponential, with half of it left to chance. */
export function backoffMs(n: number, firstMs: number): number {
  const full = Math.min(MAX_PAUSE_MS, firstMs * 2 ** (n - 1));
  return (full * (1 + Math.random())) / 2;
}

/** The header `retry-after` in milliseconds from now: seconds or a date (RFC 9110, section 10.2.3). */
export function retryAfterMs(headers: Headers): number | undefined {
  const value = headers.get("retry-after")?.trim() ?? "";
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}
