import { readProperty } from "./read-error.ts";

/** Longest delay taken over from a provider, in milliseconds. A longer one is cut to this. */
export const MAX_RETRY_AFTER_MS: number = 60 * 60_000;

/**
 * How long a provider asks to wait, in milliseconds: `retry-after-ms` (OpenAI), else `retry-after` in seconds or as
 * an HTTP date (RFC 9110, 10.2.3). Undefined if it does not say.
 */
export function retryAfterMs(headers: unknown, now: () => number): number | undefined {
  const ms = numeric(header(headers, "retry-after-ms"));
  if (ms !== undefined) return bounded(ms);
  const value = header(headers, "retry-after");
  const seconds = numeric(value);
  if (seconds !== undefined) return bounded(seconds * 1_000);
  const date = value === undefined ? Number.NaN : Date.parse(value);
  return Number.isNaN(date) ? undefined : bounded(date - now());
}

function header(headers: unknown, name: string): string | undefined {
  if (typeof headers !== "object" || headers === null) return undefined;
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const key = Object.keys(headers).find((candidate) => candidate.toLowerCase() === name);
  const value = key === undefined ? undefined : readProperty(headers, key);
  return typeof value === "string" ? value.trim() : undefined;
}

function numeric(value: string | undefined): number | undefined {
  return value !== undefined && /^\d+(\.\d+)?$/.test(value) ? Number(value) : undefined;
}

function bounded(ms: number): number {
  return Math.round(Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS));
}
