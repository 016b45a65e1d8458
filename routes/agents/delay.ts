const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Longest delay, in milliseconds. */
export const MAX_DELAY_MS: number = 366 * DAY_MS;

/** ISO 8601 up to days: months have no fixed length. */
const ISO_8601 = /^P(?=\d|T\d)(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,3})?)S)?)?$/;
const FRIENDLY =
  /^(?=\d)(?:(\d{1,9})d(?: ?(?=\d)|$))?(?:(\d{1,9})h(?: ?(?=\d)|$))?(?:(\d{1,9})m(?: ?(?=\d)|$))?(?:(\d{1,9})s(?: ?(?=\d)|$))?(?:(\d{1,12})ms)?$/;

/** A duration such as `10s`, `1h 30m`, `250ms`, `PT10S` or `P1DT2H`, in milliseconds; undefined when it is none. */
export function durationMs(text: string): number | undefined {
  const match = ISO_8601.exec(text) ?? FRIENDLY.exec(text);
  if (match === null) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0, ms = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return Math.round(days * DAY_MS + hours * HOUR_MS + minutes * MINUTE_MS + seconds * 1_000 + ms);
}
