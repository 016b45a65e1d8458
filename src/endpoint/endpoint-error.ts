import { EdgeAgentError } from "../errors/edge-agent-error.ts";

/** The endpoint cannot be served as it is set up, or does not serve a request. */
export class EndpointError extends EdgeAgentError {
  override name = "EndpointError";

  constructor(errorCode: string, message: string, status: number, fields: Readonly<Record<string, unknown>> = {}) {
    super({ errorCode, message, status, fields });
  }
}
