/** `prefer: respond-async, wait=<seconds>` (RFC 7240). */

/** How long a caller wants to wait for a result. */
export interface Preferences {
  /** Do not wait at all, or only as long as `waitSeconds`. */
  readonly respondAsync: boolean;
  readonly waitSeconds: number | undefined;
}

/** What a request asks for, and what `preference-applied` says of it. */
export interface Wait {
  /** Longest wait for the result, in milliseconds. 0: none. */
  readonly waitMs: number;
  /** Undefined when nothing was asked for. */
  readonly applied: string | undefined;
}

/** Reads the header. What is unknown or malformed is ignored, and of a repeated preference the first one counts, as RFC 7240 asks. */
export function preferencesOf(header: string | undefined): Preferences {
  const found = new Map<string, string>();
  for (const preference of (header ?? "").split(",")) {
    // Without a regular expression: one that skips spaces before and after a value takes minutes for a long header.
    const [pair = ""] = preference.split(";", 1);
    const [name = "", value = ""] = pair.split("=", 2).map((part) => part.trim());
    const key = name.toLowerCase();
    if (!found.has(key)) found.set(key, value.replaceAll('"', "").trim());
  }
  const wait = found.get("wait") ?? "";
  return {
    respondAsync: found.get("respond-async") === "",
    waitSeconds: /^\d{1,9}$/.test(wait) ? Number(wait) : undefined,
  };
}

/** @param limits `waitMs`: without a preference; `maxWaitMs`: at most. */
export function waitOf(
  { respondAsync, waitSeconds }: Preferences,
  limits: { readonly waitMs: number; readonly maxWaitMs: number },
): Wait {
  const seconds = waitSeconds === undefined ? undefined : Math.min(waitSeconds, Math.floor(limits.maxWaitMs / 1_000));
  const applied = [
    ...(respondAsync ? ["respond-async"] : []),
    ...(seconds === undefined ? [] : [`wait=${seconds}`]),
  ].join(", ");
  const byDefault = respondAsync ? 0 : limits.waitMs;
  return { waitMs: seconds === undefined ? byDefault : seconds * 1_000, applied: applied === "" ? undefined : applied };
}
