import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** A handler was called with an input that it cannot use. */
export class InvalidInputError extends EdgeAgentError {
  override name = "InvalidInputError";

  constructor(message: string) {
    super({ errorCode: "invalid-input", message, status: 400 });
  }

  static override isInstance(error: unknown): error is InvalidInputError {
    return hasErrorCode(error, "invalid-input");
  }
}
