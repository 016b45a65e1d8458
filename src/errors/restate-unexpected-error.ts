import { EdgeAgentError } from "./edge-agent-error.ts";

/** Restate's answer has another shape than its API describes: a proxy in between, or another version of Restate. */
export class RestateUnexpectedError extends EdgeAgentError {
  override name = "RestateUnexpectedError";

  constructor(door: "ingress" | "admin", what: string, cause: unknown) {
    super({
      errorCode: "restate-unexpected",
      message: `Restate's ${door} gave an answer to ${what} that is not understood: check that the URL is that of Restate's ${door}`,
      status: 502,
      fields: { door },
      cause,
    });
  }
}
