import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** An agent, tool or service is defined wrongly. Thrown where it is defined, not in the middle of a run. */
export class DefinitionError extends EdgeAgentError {
  override name = "DefinitionError";

  constructor(message: string) {
    super({ errorCode: "invalid-definition", message });
  }

  static override isInstance(error: unknown): error is DefinitionError {
    return hasErrorCode(error, "invalid-definition");
  }
}
