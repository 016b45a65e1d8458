import { HTTPException } from "hono/http-exception";
import { EdgeAgentError } from "../src/errors/edge-agent-error.ts";
import { RestateUnreachableError } from "../src/errors/restate-unreachable-error.ts";

/** Every `code` that this app answers with. Clients may rely on them. */
export const PROBLEM_CODES = {
  "api-keys-missing": "No API keys are set",
  "bidirectional-unsupported": "Bidirectional mode is not supported here",
  "body-timeout": "The request's body came too slowly",
  "body-too-large": "The request's body is too large",
  "deployment-in-use": "The deployment is in use",
  "identity-key-malformed": "An identity key is malformed",
  "identity-keys-missing": "Identity keys are missing",
  "identity-rejected": "The caller is not known",
  "internal-error": "Something failed here",
  "invalid-request": "The request is invalid",
  "invalid-settings": "The settings are invalid",
  "invocation-failed": "The invocation failed",
  "invocation-not-found": "There is no such invocation",
  "malformed-json": "The body is not JSON",
  "method-not-allowed": "Method not allowed",
  "not-found": "Not found",
  "rate-limited": "Too many requests",
  "restate-not-configured": "The address of Restate is not set",
  "restate-refused": "Restate refused the request",
  "restate-unauthorized": "Restate does not accept this app's token",
  "restate-unexpected": "Restate gave an answer that is not understood",
  "restate-unreachable": "Restate cannot be reached",
  "token-in-query": "A token was sent in the URL",
  unauthorized: "A valid token is needed",
  "unsupported-by-server": "This Restate server cannot do that",
  "unsupported-media-type": "The body must be JSON",
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

/** An error as RFC 9457 problem details. */
export function problem(code: ProblemCode, status: number, detail: string, extras: ProblemExtras = {}): Response {
  const { headers = {}, members = {} } = extras;
  return Response.json(
    { ...members, type: "about:blank", title: PROBLEM_CODES[code], status, code, detail },
    { status, headers: { "cache-control": "no-store", ...headers, "content-type": "application/problem+json" } },
  );
}

/** The answer to whatever was thrown. Only errors of this library say more than that something failed. */
export function problemOf(error: unknown): Response {
  if (error instanceof HttpProblem) return problem(error.code, error.status, error.message, error.extras);
  if (error instanceof RestateUnreachableError) {
    const { errorCode, code, message, retryAfterSeconds, door } = error;
    return problem(errorCode, code, message, {
      headers: { "retry-after": String(retryAfterSeconds) },
      members: { door },
    });
  }
  if (isLibraryProblem(error)) {
    const { allow, restateCode } = error.fields;
    return problem(error.errorCode, error.code, error.message, {
      headers: typeof allow === "string" ? { allow } : {},
      members: restateCode === undefined ? {} : { restateCode },
    });
  }
  // Hono's own, such as the one for a body that its validator cannot parse. None of them holds a secret.
  if (error instanceof HTTPException && error.status < 500) {
    return problem(error.status === 400 ? "malformed-json" : "invalid-request", error.status, error.message);
  }
  return problem("internal-error", 500, "The request could not be handled; the log of this app says why");
}

/** True for errors that say for themselves what is wrong. Everything else is an internal error. */
export function isProblem(error: unknown): boolean {
  return (
    error instanceof HttpProblem ||
    error instanceof RestateUnreachableError ||
    isLibraryProblem(error) ||
    (error instanceof HTTPException && error.status < 500)
  );
}

function isLibraryProblem(error: unknown): error is EdgeAgentError & { readonly errorCode: ProblemCode } {
  return EdgeAgentError.isInstance(error) && Object.hasOwn(PROBLEM_CODES, error.errorCode);
}
