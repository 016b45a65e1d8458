/** What answers where a version should be: `GET /health` of the app tells which version it is. */
import { type Answered, jsonOf, probe } from "../http/probe.ts";

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
  const { expected, headers = {}, signal, timeoutMs } = request;
  const found = await probe(
    new URL("/health", url).href,
    signal,
    { ...headers, accept: "application/json" },
    timeoutMs,
  );
  return found.kind === "answered" ? judge(found, expected) : { state: "unreachable", detail: found.detail };
}

function judge(answer: Answered, expected: string | undefined): VersionHealth {
  const { status } = answer;
  if (status !== 200) {
    const state = expected === undefined && status === 404 ? "unknown" : "failing";
    return { state, detail: `/health answers ${status}` };
  }
  const version = jsonOf(answer)?.["version"];
  if (expected === undefined) return { state: "ok", version: typeof version === "string" ? version : undefined };
  if (typeof version !== "string") return { state: "unversioned", detail: "/health names no version" };
  return version === expected
    ? { state: "ok", version }
    : { state: "other-version", version, detail: `serves another version, ${version}` };
}
