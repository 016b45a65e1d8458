import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** Something that needs the journal was used outside of a Restate handler. */
export class OutsideHandlerError extends EdgeAgentError {
  override name = "OutsideHandlerError";

  constructor(what: string) {
    super({
      errorCode: "outside-handler",
      message: `Cannot use ${what} outside of a Restate handler: call it from a handler defined with service(), object() or workflow() of restate-edge-agents, or inside withRestateContext(). In scripts and unit tests an agent runs without Restate with { outsideHandler: "plain" }`,
      fields: { what },
    });
  }

  static override isInstance(error: unknown): error is OutsideHandlerError {
    return hasErrorCode(error, "outside-handler");
  }
}
