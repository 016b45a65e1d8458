import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** Something that adds to the journal was used inside a journaled step. */
export class InsideStepError extends EdgeAgentError {
  override name = "InsideStepError";

  constructor(what: string, step: string) {
    super({
      errorCode: "inside-step",
      message: `Cannot use ${what} inside the journaled step "${step}": a step is one entry of the journal and cannot contain others. Move the call out of the step; a tool that needs it must be a contextTool(), or have { wrap: false }`,
      fields: { what, step },
    });
  }

  static override isInstance(error: unknown): error is InsideStepError {
    return hasErrorCode(error, "inside-step");
  }
}
