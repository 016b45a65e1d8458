import { EdgeAgentError } from "./edge-agent-error.ts";

/** Restate does not accept the token of this app. Not the caller's fault, hence 502. */
export class RestateUnauthorizedError extends EdgeAgentError {
  override name = "RestateUnauthorizedError";

  constructor(door: "ingress" | "admin", status: number) {
    super({
      errorCode: "restate-unauthorized",
      message: `Restate's ${door} answered ${status}: it does not accept RESTATE_AUTH_TOKEN, or the token's role does not allow this`,
      status: 502,
      fields: { door },
    });
  }
}
