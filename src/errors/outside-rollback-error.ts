import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** Something was to be undone later where nothing is around that could undo it. */
export class OutsideRollbackError extends EdgeAgentError {
  override name = "OutsideRollbackError";

  constructor() {
    super({
      errorCode: "outside-rollback",
      message:
        "Cannot register a compensation with onRollback() here: call it inside a tool of a RestateAgent, or inside withRollback()",
    });
  }

  static override isInstance(error: unknown): error is OutsideRollbackError {
    return hasErrorCode(error, "outside-rollback");
  }
}
