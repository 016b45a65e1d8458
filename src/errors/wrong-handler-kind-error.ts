import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** A context was asked for that this kind of handler does not have. */
export class WrongHandlerKindError extends EdgeAgentError {
  override name = "WrongHandlerKindError";

  constructor(what: string, kind: string, allowed: readonly string[]) {
    super({
      errorCode: "wrong-handler-kind",
      message: `Cannot use ${what} in a handler of kind "${kind}": it needs ${allowed.map((name) => `"${name}"`).join(" or ")}`,
      fields: { what, kind, allowed },
    });
  }

  static override isInstance(error: unknown): error is WrongHandlerKindError {
    return hasErrorCode(error, "wrong-handler-kind");
  }
}
