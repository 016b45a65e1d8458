const MARKER = Symbol.for("restate-edge-agents.client-error");

/**
 * What an error means for the caller:
 *
 * - `agent-failed`: the invocation ended with a failure; `agentError` tells which. Calling again repeats the run.
 * - `bad-request`: the app refused the request, such as an unknown service or an input that is no JSON.
 * - `unauthorized`: the app does not accept the API key, or wants one.
 * - `unavailable`: no answer, or one that says "later", and retrying did not help or was not allowed.
 * - `timeout`: the time limit of this call is over. The invocation goes on.
 * - `server-error`: the app, or something in front of it, gave an answer that no retry cures.
 */
export type AgentClientErrorKind =
  | "agent-failed"
  | "bad-request"
  | "unauthorized"
  | "unavailable"
  | "timeout"
  | "server-error";

/** The failure of an invocation, as its handler threw it. */
export interface AgentFailure {
  /** HTTP-like status that the handler chose; 500 unless it chose one, 409 for a cancelled invocation. */
  readonly code: number;
  readonly message: string;
  /** Stable name of an error of this library, such as `model-call-failed`. */
  readonly errorCode?: string | undefined;
  /** Its facts, as JSON. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
}

/** What an `AgentClientError` is made of. */
export interface AgentClientErrorInit {
  readonly kind: AgentClientErrorKind;
  readonly code: string;
  /** What was tried, such as `run WeatherAgent/run`. */
  readonly action: string;
  readonly detail: string;
  readonly status?: number | undefined;
  readonly invocationId?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly agentError?: AgentFailure | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly members?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/**
 * Every error of the client. It holds no API key, no header and no body of a request.
 *
 * @example
 * ```ts
 * try {
 *   await travel.run("A seat to Berlin");
 * } catch (error) {
 *   if (!AgentClientError.isInstance(error)) throw error;
 *   if (error.kind === "agent-failed") console.error(error.agentError?.message);
 *   if (error.kind === "timeout" && error.invocationId !== undefined) {
 *     answer = await travel.run.invocation(error.invocationId).result();
 *   }
 * }
 * ```
 */
export class AgentClientError extends Error {
  override name = "AgentClientError";
  readonly kind: AgentClientErrorKind;
  /**
   * Stable name: the `code` of the app's problem, such as `invocation-failed` or `rate-limited`, or the client's own:
   * `invalid-options`, `invalid-input`, `connection-failed`, `timeout`, `redirected`, `unexpected-answer`.
   */
  readonly code: string;
  /** HTTP status of the answer; undefined without one. */
  readonly status: number | undefined;
  /** What was wrong, without what was tried. */
  readonly detail: string;
  /** The invocation, when it is known: it can be waited for, or cancelled. */
  readonly invocationId: string | undefined;
  /** Key of the call: calling again with it finds the same invocation. Undefined when the call had none. */
  readonly idempotencyKey: string | undefined;
  /** With the kind `agent-failed`: what the handler threw. */
  readonly agentError: AgentFailure | undefined;
  /** When trying again makes sense, in milliseconds from the answer. */
  readonly retryAfterMs: number | undefined;
  /** Everything in the app's problem details (RFC 9457), such as `errors`. Empty without them. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(init: AgentClientErrorInit) {
    super(`Cannot ${init.action}: ${init.detail}`, init.cause === undefined ? undefined : { cause: init.cause });
    this.kind = init.kind;
    this.code = init.code;
    this.status = init.status;
    this.detail = init.detail;
    this.invocationId = init.invocationId;
    this.idempotencyKey = init.idempotencyKey;
    this.agentError = init.agentError;
    this.retryAfterMs = init.retryAfterMs;
    this.members = init.members ?? {};
    Object.defineProperty(this, MARKER, { value: true });
  }

  /** True for errors of this client, also when they come from another copy of the package. */
  static isInstance(error: unknown): error is AgentClientError {
    return typeof error === "object" && error !== null && MARKER in error;
  }
}
