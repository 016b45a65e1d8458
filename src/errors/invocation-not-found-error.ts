import { EdgeAgentError } from "./edge-agent-error.ts";

/** Restate knows no invocation of this id: it never existed, or it was purged, or its retention is over. */
export class InvocationNotFoundError extends EdgeAgentError {
  override name = "InvocationNotFoundError";

  constructor(invocationId: string) {
    super({
      errorCode: "invocation-not-found",
      message: `Restate has no invocation ${invocationId}: it never existed, or it was purged`,
      status: 404,
      fields: { invocationId },
    });
  }
}
