import { TerminalError } from "../restate.ts";

const MARKER = Symbol.for("restate-edge-agents.error");

/** The key under which an error's fields travel in a Restate failure's metadata. */
export const ERROR_METADATA_KEY = "restate-edge-agents";

/** What every error of this library is built from. */
export interface EdgeAgentErrorInit {
  /** Stable name of the error, such as `model-call-failed`. Part of the public contract. */
  readonly errorCode: string;
  /** What was tried, what was wrong, what to do. */
  readonly message: string;
  /** HTTP status that an invoker of the handler sees. Default 500. */
  readonly status?: number;
  /** Facts about the failure as JSON. They survive the journal. */
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * Base of all errors of this library. It is a `TerminalError`: retrying does not help, so Restate does not retry.
 * (Failures that a retry may cure are Restate's `RetryableError` and never reach user code.)
 *
 * `TerminalError.code` is an HTTP status, so the stable name is `errorCode`.
 */
export class EdgeAgentError extends TerminalError {
  override name = "EdgeAgentError";
  /** Stable name of the error, such as `model-call-failed`. */
  readonly errorCode: string;
  /** Facts about the failure as JSON. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(init: EdgeAgentErrorInit) {
    const fields = init.fields ?? {};
    super(init.message, {
      errorCode: init.status ?? 500,
      metadata: { [ERROR_METADATA_KEY]: JSON.stringify({ errorCode: init.errorCode, fields }) },
    });
    this.errorCode = init.errorCode;
    this.fields = fields;
    if (init.cause !== undefined) this.cause = init.cause;
    Object.defineProperty(this, MARKER, { value: true });
  }

  /** True for errors of this library, also when they come from another copy of the package. */
  static isInstance(error: unknown): error is EdgeAgentError {
    return typeof error === "object" && error !== null && MARKER in error;
  }
}

/** True for errors of this library, of any copy of it, with this `errorCode`. */
export function hasErrorCode(error: unknown, errorCode: string): boolean {
  return EdgeAgentError.isInstance(error) && error.errorCode === errorCode;
}
