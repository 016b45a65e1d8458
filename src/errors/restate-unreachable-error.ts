/** What is known about a Restate that did not answer. */
export interface RestateUnreachableInit {
  /** Which of its doors: `ingress` or `admin`. */
  readonly door: "ingress" | "admin";
  /** What was tried and what happened; no secret in it. */
  readonly message: string;
  /** Seconds after which trying again makes sense. Default 2. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/**
 * Restate's ingress or admin API gave no answer, or one that says that it cannot at the moment. Trying again helps, so
 * it is no `TerminalError`: thrown inside a step, Restate retries the step.
 */
export class RestateUnreachableError extends Error {
  override name = "RestateUnreachableError";
  readonly errorCode = "restate-unreachable";
  /** HTTP status for the caller. */
  readonly code = 503;
  readonly door: "ingress" | "admin";
  readonly retryAfterSeconds: number;

  constructor({ door, message, retryAfterSeconds = 2, cause }: RestateUnreachableInit) {
    super(message, { cause });
    this.door = door;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
