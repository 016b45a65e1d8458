import { EdgeAgentError } from "./edge-agent-error.ts";

/** A request to this app holds a value that cannot be used. */
export class InvalidRequestError extends EdgeAgentError {
  override name = "InvalidRequestError";

  constructor(message: string) {
    super({ errorCode: "invalid-request", message, status: 400 });
  }
}
