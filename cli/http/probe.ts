/** Asks a URL, and tells apart why there is no answer. */

/** How long to wait for an answer, in milliseconds. */
export const PROBE_TIMEOUT_MS = 10_000;

/** What more than this has to say is not read, in bytes. */
const MAX_BODY_BYTES = 262_144;

/** An answer, whatever its status. */
export interface Answered {
  readonly kind: "answered";
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** How far the other clock is ahead of ours, in milliseconds, by the header `date`. Exact to about two seconds. */
  readonly aheadMs: number | undefined;
}

/** No answer. */
export interface Unanswered {
  readonly kind: "unanswered";
  readonly reason: "refused" | "timeout" | "unknown-host" | "tls" | "closed" | "other";
  /** For people, such as `connection refused`. */
  readonly detail: string;
}

/** What came of asking. */
export type Probe = Answered | Unanswered;

export async function probe(
  url: string,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
  timeoutMs = PROBE_TIMEOUT_MS,
): Promise<Probe> {
  const limit = AbortSignal.timeout(timeoutMs);
  const start = Date.now();
  try {
    const response = await fetch(url, { headers, redirect: "manual", signal: AbortSignal.any([signal, limit]) });
    const middle = (start + Date.now()) / 2;
    const text = await beginningOf(response);
    return {
      kind: "answered",
      status: response.status,
      headers: response.headers,
      text,
      aheadMs: aheadOf(response.headers, middle),
    };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return classify(limit.aborted ? limit.reason : error, timeoutMs);
  }
}

/** Why a request got no answer, in a few words. @param timeoutMs How long it could take, in milliseconds. */
export function reasonOf(error: unknown, timeoutMs: number): string {
  return classify(error, timeoutMs).detail;
}

/** The parsed body of an answer; undefined when it is no JSON object. */
export function jsonOf({ text }: Answered): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

async function beginningOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_BODY_BYTES) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The header has whole seconds, cut off: half of one is added. What a cache kept is as old as it says. */
function aheadOf(headers: Headers, ourTimeMs: number): number | undefined {
  const date = Date.parse(headers.get("date") ?? "");
  if (Number.isNaN(date) || headers.has("age")) return undefined;
  return Math.round(date + 500 - ourTimeMs);
}

const TLS_CODE = /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)/;

function classify(error: unknown, timeoutMs: number): Unanswered {
  if (error instanceof Error && error.name === "TimeoutError") {
    return unanswered("timeout", `no answer within ${timeoutMs / 1000} seconds`);
  }
  const { code, message } = innermost(error);
  if (code === "ECONNREFUSED") return unanswered("refused", "connection refused");
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return unanswered("unknown-host", "the host name is not known");
  if (TLS_CODE.test(code)) return unanswered("tls", `TLS error ${code}`);
  if (/TIMEDOUT|TIMEOUT/.test(code)) return unanswered("timeout", "no connection in time");
  if (/^(ECONNRESET|UND_ERR_SOCKET|EPIPE)$/.test(code)) return unanswered("closed", "the connection was closed");
  if (/^(EHOSTUNREACH|ENETUNREACH)$/.test(code)) return unanswered("timeout", "no route to the host");
  return unanswered("other", code === "" ? message : `${code}: ${message}`);
}

function unanswered(reason: Unanswered["reason"], detail: string): Unanswered {
  return { kind: "unanswered", reason, detail };
}

/** `fetch` wraps what happened; several addresses of a name are wrapped once more. */
function innermost(error: unknown): { readonly code: string; readonly message: string } {
  let current: unknown = error;
  for (let depth = 0; depth < 5; depth++) {
    const { cause, errors } = (current ?? {}) as { readonly cause?: unknown; readonly errors?: readonly unknown[] };
    const next = errors?.[0] ?? cause;
    if (next === undefined) break;
    current = next;
  }
  const { code, message } = (current ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  return { code: typeof code === "string" ? code : "", message: typeof message === "string" ? message : "no answer" };
}
