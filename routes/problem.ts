import { EdgeAgentError } from "../src/errors/edge-agent-error.ts";

/** Every `code` that this app answers with. Clients may rely on them. */
export const PROBLEM_CODES = {
  "bidirectional-unsupported": "Bidirectional mode is not supported here",
  "identity-key-malformed": "An identity key is malformed",
  "identity-keys-missing": "Identity keys are missing",
  "identity-rejected": "The caller is not known",
  "internal-error": "Something failed here",
  "invalid-settings": "The settings are invalid",
  "method-not-allowed": "Method not allowed",
  "not-found": "Not found",
} as const;

/** A stable name of a problem. */
export type ProblemCode = keyof typeof PROBLEM_CODES;

/** An error as RFC 9457 problem details. */
export function problem(
  code: ProblemCode,
  status: number,
  detail: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json(
    { type: "about:blank", title: PROBLEM_CODES[code], status, code, detail },
    { status, headers: { "cache-control": "no-store", ...headers, "content-type": "application/problem+json" } },
  );
}

/** The answer to whatever was thrown. Only errors of this library say more than that something failed. */
export function problemOf(error: unknown): Response {
  if (isProblem(error)) {
    const { allow } = error.fields;
    return problem(error.errorCode, error.code, error.message, typeof allow === "string" ? { allow } : {});
  }
  return problem("internal-error", 500, "The request could not be handled; the log of this Worker says why");
}

/** True for errors that say for themselves what is wrong. Everything else is an internal error. */
export function isProblem(error: unknown): error is EdgeAgentError & { readonly errorCode: ProblemCode } {
  return EdgeAgentError.isInstance(error) && Object.hasOwn(PROBLEM_CODES, error.errorCode);
}
