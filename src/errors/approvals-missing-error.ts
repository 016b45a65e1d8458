import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** A tool wants to ask a person, and the agent does not say how. */
export class ApprovalsMissingError extends EdgeAgentError {
  override name = "ApprovalsMissingError";

  constructor(tool: string) {
    super({
      errorCode: "approvals-missing",
      message: `Cannot ask a person in the tool "${tool}": its agent keeps no questions. Give the agent the option approvals: { object: approvalObject("Approvals") }, or run it in an agentSession`,
      fields: { tool },
    });
  }

  static override isInstance(error: unknown): error is ApprovalsMissingError {
    return hasErrorCode(error, "approvals-missing");
  }
}
