/** What the app answered, and what that means. */
import { AgentClientError, type AgentClientErrorKind, type AgentFailure } from "./client-error.ts";
import { retryAfterMs } from "./retry.ts";

/** What a failure is told with. */
export interface Attempted {
  /** Such as `run WeatherAgent/run`. */
  readonly action: string;
  readonly invocationId?: string | undefined;
  readonly idempotencyKey?: string | undefined;
}

/** An answer of 200–299. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed body; undefined for an empty one. */
  readonly body: unknown;
}

/** A failed attempt. */
export interface Failed {
  readonly error: AgentClientError;
  /** True when the same request may succeed later. */
  readonly isTransient: boolean;
}

const JSON_TYPE = /^application\/([\w.-]+\+)?json\b/i;
const INVOCATION_ID = /^inv_\w{1,100}$/;

/** Reads an answer to its end. Throws what the connection throws when it breaks. */
export async function readAnswer(response: Response, attempted: Attempted): Promise<Answer | Failed> {
  const { status, headers } = response;
  // Browsers hide a redirect that is not followed behind status 0.
  if (response.type === "opaqueredirect" || (status >= 300 && status < 400)) return redirected(response, attempted);
  const bytes = await response.arrayBuffer();
  const body = JSON_TYPE.test(headers.get("content-type") ?? "") ? parsed(bytes) : undefined;
  if (response.ok) {
    if (bytes.byteLength === 0 || body !== undefined) return { status, headers, body: body?.value };
    return ofInvocation(response, bytes) ?? notJson(response, attempted);
  }
  const members = asRecord(body?.value);
  return typeof members?.["code"] === "string"
    ? problem(response, members["code"], members, attempted)
    : notJson(response, attempted);
}

/** The result of a handler whose serde writes text or bytes; undefined when no invocation gave it. */
function ofInvocation({ status, headers }: Response, bytes: ArrayBuffer): Answer | undefined {
  const type = headers.get("content-type") ?? "";
  if (status !== 200 || JSON_TYPE.test(type) || invocationIdOf(headers, undefined) === undefined) return undefined;
  return { status, headers, body: type.startsWith("text/") ? textOf(bytes) : new Uint8Array(bytes) };
}

/** The invocation's id as the app tells it: in its header, or in the body of a 202. */
export function invocationIdOf(headers: Headers, body: unknown): string | undefined {
  const { id, invocationId } = asRecord(body) ?? {};
  const ids: unknown[] = [headers.get("x-restate-id"), id, invocationId];
  return ids.find((id): id is string => typeof id === "string" && INVOCATION_ID.test(id));
}

export function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
}

/** An answer that says itself what is wrong: problem details. */
function problem(
  { status, headers }: Response,
  code: string,
  members: Readonly<Record<string, unknown>>,
  attempted: Attempted,
): Failed {
  const agentError = code === "invocation-failed" ? failure(members["error"]) : undefined;
  const later = retryAfterMs(headers);
  // The app says with `retry-after` what may pass; pages of another origin may be unable to see that header. What a
  // handler threw is the result, whatever status it chose.
  const isTransient =
    agentError === undefined &&
    (status === 429 || code === "restate-unreachable" || (status >= 500 && later !== undefined));
  const error = new AgentClientError({
    ...attempted,
    kind: agentError !== undefined ? "agent-failed" : isTransient ? "unavailable" : kindOf(status),
    code,
    status,
    detail: typeof members["detail"] === "string" ? members["detail"] : `the app answered ${status} (${code})`,
    invocationId: attempted.invocationId ?? invocationIdOf(headers, members),
    agentError,
    retryAfterMs: later,
    members,
  });
  return { error, isTransient };
}

/** An answer that is not the app's, of a proxy or another server. Its text is not told: it may echo the request. */
function notJson({ status, headers }: Response, attempted: Attempted): Failed {
  const isTransient = [429, 502, 503, 504].includes(status);
  const type = headers.get("content-type")?.split(";")[0] ?? "no content type";
  const error = new AgentClientError({
    ...attempted,
    kind: isTransient ? "unavailable" : kindOf(status),
    code: "unexpected-answer",
    status,
    detail: `the answer is ${status} with ${type} and not the app's JSON; it may come from a proxy, or url may be wrong`,
    retryAfterMs: retryAfterMs(headers),
  });
  return { error, isTransient };
}

function redirected({ status }: Response, attempted: Attempted): Failed {
  const error = new AgentClientError({
    ...attempted,
    kind: "server-error",
    code: "redirected",
    status,
    detail: "the answer is a redirect, which is not followed so that the API key stays with this host; correct url",
  });
  return { error, isTransient: false };
}

function kindOf(status: number): AgentClientErrorKind {
  if (status === 401 || status === 403) return "unauthorized";
  return status >= 400 && status < 500 ? "bad-request" : "server-error";
}

/** The member `error` of `invocation-failed`. */
function failure(value: unknown): AgentFailure {
  const { code, message, errorCode, fields } = asRecord(value) ?? {};
  return {
    code: typeof code === "number" ? code : 500,
    message: typeof message === "string" ? message : "",
    ...(typeof errorCode === "string" ? { errorCode } : {}),
    ...(asRecord(fields) === undefined ? {} : { fields: asRecord(fields) }),
  };
}

function parsed(bytes: ArrayBuffer): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(textOf(bytes)) as unknown };
  } catch {
    return undefined;
  }
}

function textOf(bytes: ArrayBuffer): string {
  return new TextDecoder().decode(bytes);
}
