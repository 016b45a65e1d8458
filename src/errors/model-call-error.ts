import { AISDKError, APICallError } from "@ai-sdk/provider";
import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";
import { definedFields } from "./error-fields.ts";

/** The facts of a refused model call. They survive the journal. */
export interface ModelCallFailure {
  /** Such as `openai.responses`. */
  readonly provider?: string | undefined;
  readonly modelId?: string | undefined;
  /** HTTP status of the provider's answer, if there was one. */
  readonly statusCode?: number | undefined;
  /** Host of the URL that was called; the rest of the URL may hold a key. */
  readonly host?: string | undefined;
  /** What the provider said, bounded. */
  readonly reason: string;
  /** The provider's own error code, such as `invalid_api_key`. */
  readonly providerCode?: string | undefined;
  /** The provider's own error type, such as `invalid_request_error`. */
  readonly providerType?: string | undefined;
  /** Name of the error that the AI SDK raised, such as `AI_APICallError`. */
  readonly errorName: string;
}

/**
 * A model call failed for good (G6): the provider refused it, or it could not be made as it is written.
 *
 * `cause` is rebuilt on replay: an `APICallError` without bodies and headers when a provider answered, so
 * `APICallError.isInstance(error.cause)` holds; any other `AISDKError` of the same name otherwise.
 */
export class ModelCallError extends EdgeAgentError {
  override name = "ModelCallError";
  readonly provider: string | undefined;
  readonly modelId: string | undefined;
  readonly statusCode: number | undefined;
  readonly host: string | undefined;
  readonly reason: string;
  readonly providerCode: string | undefined;
  readonly providerType: string | undefined;
  readonly errorName: string;
  /** Always false: failures that a retry may cure never become this error. */
  readonly isRetryable = false;

  constructor(failure: ModelCallFailure) {
    super({
      errorCode: "model-call-failed",
      message: `Model call failed: ${describeFailure(failure)}`,
      fields: definedFields(failure),
      cause: causeOf(failure),
    });
    this.provider = failure.provider;
    this.modelId = failure.modelId;
    this.statusCode = failure.statusCode;
    this.host = failure.host;
    this.reason = failure.reason;
    this.providerCode = failure.providerCode;
    this.providerType = failure.providerType;
    this.errorName = failure.errorName;
  }

  static override isInstance(error: unknown): error is ModelCallError {
    return hasErrorCode(error, "model-call-failed");
  }
}

/** `openai.responses gpt-5.2 answered 401: Incorrect API key provided` */
export function describeFailure(failure: ModelCallFailure): string {
  const { provider, modelId, host, statusCode, reason } = failure;
  const who = [provider, modelId].filter((part) => part !== undefined).join(" ") || (host ?? "");
  if (who === "") return statusCode === undefined ? reason : `status ${statusCode}: ${reason}`;
  return statusCode === undefined ? `${who}: ${reason}` : `${who} answered ${statusCode}: ${reason}`;
}

function causeOf({ host, statusCode, reason, errorName }: ModelCallFailure): Error {
  if (statusCode === undefined) return new AISDKError({ name: errorName, message: reason });
  const url = host === undefined ? "" : `https://${host}`;
  return new APICallError({ message: reason, url, requestBodyValues: undefined, statusCode, isRetryable: false });
}
