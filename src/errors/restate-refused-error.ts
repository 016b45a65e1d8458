import { EdgeAgentError } from "./edge-agent-error.ts";

/** What Restate said when it refused. */
export interface RestateRefusedInit {
  readonly message: string;
  /** HTTP status that Restate answered. */
  readonly status: number;
  /** Restate's own code, such as `META0003`. */
  readonly restateCode?: string | undefined;
}

/** Restate understood the request and refused it: something unknown, invalid or in conflict with its state. */
export class RestateRefusedError extends EdgeAgentError {
  override name = "RestateRefusedError";

  constructor({ message, status, restateCode }: RestateRefusedInit) {
    super({
      errorCode: "restate-refused",
      message,
      // Restate answers 500 for what it cannot do; that is no failure of this app.
      status: status >= 500 ? 502 : status,
      fields: restateCode === undefined ? {} : { restateCode },
    });
  }
}
