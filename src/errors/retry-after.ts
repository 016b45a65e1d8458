/** Longest delay that a provider may ask for, in milliseconds. */
const MAX_MS = 60 * 60_000;

/**
 * The delay that a provider's answer asks for, in milliseconds: `retry-after-ms`, or `retry-after` in seconds or as an
 * HTTP date (RFC 9110, 10.2.3). Undefined when it asks for none; never negative, at most an hour.
 */
export function retryAfterMs(headers: Readonly<Record<string, unknown>>): number | undefined {
  const named = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const ms = asNumber(named.get("retry-after-ms"));
  if (ms !== undefined) return bounded(ms);
  const after = named.get("retry-after");
  const seconds = asNumber(after);
  if (seconds !== undefined) return bounded(seconds * 1_000);
  const date = typeof after === "string" ? Date.parse(after) : Number.NaN;
  // oxlint-disable-next-line no-restricted-properties -- runs inside a journaled step, where a clock is fine
  return Number.isNaN(date) ? undefined : bounded(date - Date.now());
}

function asNumber(value: unknown): number | undefined {
  if (typeof value !== "string" || value.trim() === "") return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function bounded(ms: number): number {
  return Math.min(Math.max(ms, 0), MAX_MS);
}
