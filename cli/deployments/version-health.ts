/** What answers where a version should be: `GET /health` of the app tells which version it is. */

/**
 * - `ok`: it answers, as the version that is expected, if one is.
 * - `other-version`: another version answers there; its guard refuses the invocations of the one that is expected.
 * - `unversioned`: it answers, and knows no version.
 * - `failing`: it answers, and is not well. `unreachable`: nothing answers.
 * - `unknown`: it is no app of this library, or no URL.
 */
export type HealthState = "ok" | "other-version" | "unversioned" | "failing" | "unreachable" | "unknown";

/** What was found at a URL. */
export interface VersionHealth {
  readonly state: HealthState;
  /** The version that answers. */
  readonly version?: string | undefined;
  /** What was wrong, in a few words. */
  readonly detail?: string | undefined;
}

/** How a version is asked. */
export interface HealthRequest {
  /** The version that should answer. Absent: any. */
  readonly expected?: string | undefined;
  /** Sent along, as Restate does. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal: AbortSignal;
  /** Longest wait, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
}

/** Asks the app behind `url`, wherever below its origin that leads. It never throws, but for `signal`. */
export async function versionHealth(url: string, request: HealthRequest): Promise<VersionHealth> {
  const { expected, headers = {}, signal, timeoutMs = 10_000 } = request;
  let status: number;
  let body: unknown;
  try {
    const response = await fetch(new URL("/health", url), {
      headers: { ...headers, accept: "application/json" },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    status = response.status;
    body = parse(await response.text());
  } catch (error) {
    signal.throwIfAborted();
    return { state: "unreachable", detail: reasonOf(error, timeoutMs) };
  }
  return judge(status, body, expected);
}

function judge(status: number, body: unknown, expected: string | undefined): VersionHealth {
  if (status !== 200) {
    const state = expected === undefined && status === 404 ? "unknown" : "failing";
    return { state, detail: `/health answers ${status}` };
  }
  const version = typeof body === "object" && body !== null && "version" in body ? body.version : undefined;
  if (expected === undefined) return { state: "ok", version: typeof version === "string" ? version : undefined };
  if (typeof version !== "string") return { state: "unversioned", detail: "/health names no version" };
  return version === expected
    ? { state: "ok", version }
    : { state: "other-version", version, detail: `serves another version, ${version}` };
}

/** Why a request got no answer, in a few words. */
export function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${timeoutMs / 1_000} s`;
  const { cause } = error;
  if (typeof cause === "object" && cause !== null && "code" in cause) return String(cause.code);
  return cause instanceof Error ? cause.message : error.message;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
