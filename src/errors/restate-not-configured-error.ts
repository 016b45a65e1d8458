import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** The app does not know where its Restate is: a setting is absent. */
export class RestateNotConfiguredError extends EdgeAgentError {
  override name = "RestateNotConfiguredError";

  /** @param setting Its name, such as `RESTATE_INGRESS_URL`. */
  constructor(what: string, setting: string) {
    super({
      errorCode: "restate-not-configured",
      message: `Cannot ${what}: set ${setting}, which tells where your Restate is`,
      status: 503,
      fields: { setting },
    });
  }

  static override isInstance(error: unknown): error is RestateNotConfiguredError {
    return hasErrorCode(error, "restate-not-configured");
  }
}
