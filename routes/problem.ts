import { HTTPException } from "hono/http-exception";
import { EdgeAgentError } from "../src/errors/edge-agent-error.ts";
import { JournalValueError } from "../src/errors/journal-value-error.ts";
import { RestateUnreachableError } from "../src/errors/restate-unreachable-error.ts";

/** Every `code` that this app answers with. Clients may rely on them. */
export const PROBLEM_CODES = {
  "api-keys-missing": "No API keys are set",
  "approval-answered": "This has been decided already",
  "approval-link-expired": "The link has expired",
  "approval-link-invalid": "The link is not valid",
  "approval-not-found": "There is no such approval",
  "approval-own": "Somebody else has to approve this",
  "bidirectional-unsupported": "Bidirectional mode is not supported here",
  "body-timeout": "The request's body came too slowly",
  "body-too-large": "The request's body is too large",
  "deployment-in-use": "The deployment is in use",
  forbidden: "This is not allowed",
  "identity-key-malformed": "An identity key is malformed",
  "identity-keys-missing": "Identity keys are missing",
  "identity-rejected": "The caller is not known",
  "internal-error": "Something failed here",
  "invalid-request": "The request is invalid",
  "invalid-settings": "The settings are invalid",
  "invocation-completed": "The invocation has ended already",
  "invocation-failed": "The invocation failed",
  "invocation-not-found": "There is no such invocation",
  "journal-key-unknown": "A key that encrypted a value is not here",
  "journal-plaintext": "A value is not encrypted",
  "journal-tampered": "A value cannot be decrypted",
  "malformed-json": "The body is not JSON",
  "method-not-allowed": "Method not allowed",
  "not-found": "Not found",
  "rate-limited": "Too many requests",
  "restate-not-configured": "The address of Restate is not set",
  "restate-refused": "Restate refused the request",
  "restate-unauthorized": "Restate does not accept this app's token",
  "restate-unexpected": "Restate gave an answer that is not understood",
  "restate-unreachable": "Restate cannot be reached",
  "stack-unreachable": "The development stack cannot be reached",
  "state-changed": "The state has changed meanwhile",
  "token-in-query": "A token was sent in the URL",
  "tool-call-not-pending": "No tool call waits for this output",
  unauthorized: "A valid token is needed",
  "unsupported-by-server": "This Restate server cannot do that",
  "unsupported-media-type": "The body must be JSON",
  "version-mismatch": "Another version is asked for than runs here",
  "workflow-already-started": "The workflow has been started already",
} as const;

/** A stable name of a problem. */
export type ProblemCode = keyof typeof PROBLEM_CODES;

/** What a problem tells besides its code, status and detail. */
export interface ProblemExtras {
  readonly headers?: Readonly<Record<string, string>>;
  /** Extension members (RFC 9457, section 3.2), such as `errors`. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Thrown in a route: the request is answered with this problem. */
export class HttpProblem extends Error {
  override name = "HttpProblem";
  readonly code: ProblemCode;
  readonly status: number;
  readonly extras: ProblemExtras;

  constructor(code: ProblemCode, status: number, detail: string, extras: ProblemExtras = {}) {
    super(detail, { cause: extras.cause });
    this.code = code;
    this.status = status;
    this.extras = extras;
  }
}

/** An error as RFC 9457 problem details. A status that is no error's becomes 500. */
export function problem(code: ProblemCode, given: number, detail: string, extras: ProblemExtras = {}): Response {
  const { headers = {}, members = {} } = extras;
  const status = given >= 400 && given < 600 ? given : 500;
  return Response.json(
    { ...members, type: "about:blank", title: PROBLEM_CODES[code], status, code, detail },
    { status, headers: { "cache-control": "no-store", ...headers, "content-type": "application/problem+json" } },
  );
}

/** The answer to whatever was thrown. Only errors of this library say more than that something failed. */
export function problemOf(error: unknown): Response {
  const { code, status, detail, extras } = describe(error) ?? INTERNAL;
  return problem(code, status, detail, extras);
}

/** Code of the problem that `problemOf()` makes of it. */
export function problemCodeOf(error: unknown): ProblemCode {
  return (describe(error) ?? INTERNAL).code;
}

/** True for errors that say for themselves what is wrong. Everything else is an internal error. */
export function isProblem(error: unknown): boolean {
  return describe(error) !== undefined;
}

interface Described {
  readonly code: ProblemCode;
  readonly status: number;
  readonly detail: string;
  readonly extras?: ProblemExtras;
}

const INTERNAL: Described = {
  code: "internal-error",
  status: 500,
  detail: "The request could not be handled; the log of this app says why",
};

function describe(error: unknown): Described | undefined {
  if (error instanceof HttpProblem) {
    const { code, status, message: detail, extras } = error;
    return { code, status, detail, extras };
  }
  if (error instanceof RestateUnreachableError) {
    const { errorCode, code, message, retryAfterSeconds, door } = error;
    const extras = { headers: { "retry-after": String(retryAfterSeconds) }, members: { door } };
    return { code: errorCode, status: code, detail: message, extras };
  }
  if (error instanceof JournalValueError) return { code: error.errorCode, status: 503, detail: error.message };
  if (isLibraryProblem(error)) {
    const { allow, restateCode, retryAfterSeconds } = error.fields;
    const headers: Record<string, string> = {};
    if (typeof allow === "string") headers["allow"] = allow;
    if (typeof retryAfterSeconds === "number") headers["retry-after"] = String(retryAfterSeconds);
    const members = restateCode === undefined ? {} : { restateCode };
    return { code: error.errorCode, status: error.code, detail: error.message, extras: { headers, members } };
  }
  if (error instanceof HTTPException && error.status < 500) return describeHttpException(error);
  return undefined;
}

/** Hono's own, such as the one for a body that its validator cannot parse, and those of a user's middleware. */
function describeHttpException({ status, message, res }: HTTPException): Described {
  const codes: Readonly<Record<number, ProblemCode>> = {
    400: "malformed-json",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    413: "body-too-large",
    415: "unsupported-media-type",
    429: "rate-limited",
  };
  const kept = ["www-authenticate", "retry-after"].flatMap((name) => {
    const value = res?.headers.get(name);
    return value === undefined || value === null ? [] : [[name, value] as const];
  });
  return {
    code: codes[status] ?? "invalid-request",
    status,
    detail: message,
    extras: { headers: Object.fromEntries(kept) },
  };
}

function isLibraryProblem(error: unknown): error is EdgeAgentError & { readonly errorCode: ProblemCode } {
  return EdgeAgentError.isInstance(error) && Object.hasOwn(PROBLEM_CODES, error.errorCode);
}
