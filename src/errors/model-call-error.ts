import { APICallError } from "ai";
import { EdgeAgentError } from "./edge-agent-error.ts";

/** What is known about a provider's refusal. */
export interface ModelCallFailure {
  readonly provider: string;
  readonly modelId: string;
  /** The provider's own words. */
  readonly reason: string;
  /** HTTP status of the provider's answer. */
  readonly statusCode?: number;
  /** Host that was called. */
  readonly host?: string;
}

/**
 * A provider refused a model call for good: bad request, unauthorised, not found. `cause` is an `APICallError` of the
 * AI SDK with the same status, also after replay; it carries no bodies and no headers.
 */
export class ModelCallError extends EdgeAgentError {
  override name = "ModelCallError";
  readonly provider: string;
  readonly modelId: string;
  readonly statusCode: number | undefined;

  constructor(failure: ModelCallFailure) {
    const { provider, modelId, reason, statusCode, host } = failure;
    const answered = statusCode === undefined ? "failed" : `answered ${statusCode}`;
    super({
      errorCode: "model-call-failed",
      message: `Model call failed: ${provider} ${modelId} ${answered}: ${reason}`,
      fields: { ...failure },
      cause: new APICallError({
        message: reason,
        url: host === undefined ? "" : `https://${host}`,
        requestBodyValues: {},
        isRetryable: false,
        ...(statusCode === undefined ? {} : { statusCode }),
      }),
    });
    this.provider = provider;
    this.modelId = modelId;
    this.statusCode = statusCode;
  }
}
