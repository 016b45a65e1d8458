import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** An error of the AI SDK left the handler. It came from deterministic code, so another attempt would raise it again. */
export class UncaughtError extends EdgeAgentError {
  override name = "UncaughtError";

  constructor(cause: Error) {
    super({
      errorCode: "uncaught-error",
      message: `The handler failed with ${cause.name}: ${cause.message}`,
      fields: { name: cause.name },
      cause,
    });
  }

  static override isInstance(error: unknown): error is UncaughtError {
    return hasErrorCode(error, "uncaught-error");
  }
}
