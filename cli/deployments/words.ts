/** How deployments are written for people. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A span of time in its two largest parts at most, such as `3d 4h`. */
export function span(ms: number): string {
  if (ms < SECOND_MS) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < MINUTE_MS) return `${(ms / SECOND_MS).toFixed(ms < 10 * SECOND_MS ? 1 : 0)} s`;
  const [large, small] = ms < HOUR_MS ? [MINUTE_MS, SECOND_MS] : ms < DAY_MS ? [HOUR_MS, MINUTE_MS] : [DAY_MS, HOUR_MS];
  const [first, second] = ms < HOUR_MS ? ["m", "s"] : ms < DAY_MS ? ["h", "m"] : ["d", "h"];
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)}${first}${rest === 0 ? "" : ` ${rest}${second}`}`;
}

/** Since when, as in `span()`. */
export function ageOf(iso: string, nowMs: number): string {
  return span(nowMs - Date.parse(iso));
}

/** Ids of Workers' versions are UUIDs, of which the first 8 characters are part of their URLs. */
export function shortVersion(version: string): string {
  return version.length > 16 ? version.slice(0, 8) : version;
}

/** `1 deployment`, `2 deployments`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** A duration such as `90s`, `30m`, `12h`, `7d`, in milliseconds; undefined when it is none. */
export function durationMs(text: string): number | undefined {
  const [, amount = "", unit = ""] = /^(\d{1,9}(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  const factor = { ms: 1, s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS }[unit];
  return factor === undefined ? undefined : Number(amount) * factor;
}
