import { EdgeAgentError } from "./edge-agent-error.ts";

/** The state of a virtual object or workflow is no longer what it was when it was read. */
export class StateChangedError extends EdgeAgentError {
  override name = "StateChangedError";

  constructor(service: string, key: string) {
    super({
      errorCode: "state-changed",
      message: `The state of ${service}/${key} has changed meanwhile: read it again`,
      status: 409,
      fields: { service, key },
    });
  }
}
