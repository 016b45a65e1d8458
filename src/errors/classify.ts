/**
 * Tells transient failures from permanent ones (G6). The only place that does, and each failure is judged once, inside
 * the step in which it happened.
 *
 * | failure | verdict |
 * |---|---|
 * | `TerminalError` and its subclasses, `CancelledError`, `TimeoutError` (also of another copy of the SDK) | terminal, unchanged |
 * | `RetryableError` and other errors of the Restate SDK | unchanged |
 * | the AI SDK's `RetryError` | as its `lastError` |
 * | `APICallError`, gateway error or stream error part with status 408, 409, 425, 429 or 5xx | retried, after `retry-after` |
 * | the same with another 4xx status: 400, 401, 403, 404, 422, … | terminal: `ModelCallError` |
 * | the same, but marked `isRetryable` by the provider | retried |
 * | the same without a status (no connection), or with 1xx–3xx (an answer that makes no sense) | retried |
 * | `InvalidPromptError`, `InvalidArgumentError`, `InvalidDataContentError`, `InvalidMessageRoleError`, `MessageConversionError`, `MissingToolResultsError`, `TooManyEmbeddingValuesForCallError` | terminal: the call is wrong |
 * | `UnsupportedFunctionalityError`, `UnsupportedModelVersionError`, `NoSuchModelError`, `NoSuchProviderError`, `NoSuchProviderReferenceError` | terminal: the model cannot do it |
 * | `LoadAPIKeyError`, `LoadSettingError` | terminal: the deployment lacks a setting |
 * | `JSONParseError`, `TypeValidationError`, `InvalidResponseDataError`, `EmptyResponseBodyError`, `NoContentGeneratedError`, `InvalidStreamPartError` | retried: the answer was malformed or cut |
 * | `DownloadError` with a transient status or a network cause | retried |
 * | `DownloadError` with another 4xx status, or refused before the request | terminal: `DownloadFailedError` |
 * | timeouts, `AbortError`, `fetch` failures, anything else that is thrown | retried |
 *
 * `insufficient_quota` (429) is retried on purpose: the retry policy pauses the invocation, an operator pays, nothing
 * is lost.
 */
import { AISDKError } from "@ai-sdk/provider";
import { DownloadError, RetryError } from "ai";
import { RestateError, RetryableError, type TerminalError } from "../restate.ts";
import { DownloadFailedError } from "./download-failed-error.ts";
import { adoptForeignError } from "./foreign-errors.ts";
import { describeFailure, ModelCallError, type ModelCallFailure } from "./model-call-error.ts";
import { isPermanent } from "./permanent-errors.ts";
import { providerFailure, type ProviderFailure } from "./provider-failure.ts";
import { isSafely, readMessage, readNumber, readProperty, readString } from "./read-error.ts";
import { retryAfterMs } from "./retry-after.ts";
import { shownUrl } from "./shown-url.ts";

/** Where a failure happened. */
export interface FailureContext {
  /** Name of the step, used when the failure says nothing about itself. */
  readonly what: string;
  readonly provider?: string;
  readonly modelId?: string;
  /** The time in milliseconds, for `retry-after` dates. Default: the real time. */
  readonly now?: () => number;
}

/**
 * What to throw out of a step for `error`: a `TerminalError` ends it, anything else makes Restate retry it.
 * Messages are bounded and hold no bodies, headers or keys.
 */
export function classifyFailure(error: unknown, context: FailureContext): TerminalError | RetryableError | Error {
  const actual = unwrapped(error);
  if (isSafely(RESTATE_ERROR, actual)) return actual;
  const adopted = adoptForeignError(actual);
  if (adopted !== undefined) return adopted;
  const failure = providerFailure(actual);
  if (failure !== undefined) return judgeProvider(failure, context);
  if (isSafely(DownloadError, actual)) return judgeDownload(actual);
  if (isPermanent(actual)) return new ModelCallError({ ...owner(context), ...plainFailure(actual) });
  return transient(actual, context);
}

/** True for statuses of a failure that may pass by itself. */
export function isTransientStatus(status: number): boolean {
  return status < 400 || status === 408 || status === 409 || status === 425 || status === 429 || status >= 500;
}

const ANY_ERROR = { isInstance: (error: unknown): error is Error => error instanceof Error };
const RESTATE_ERROR = { isInstance: (error: unknown): error is RestateError => error instanceof RestateError };

/** The AI SDK's own retries wrap the last failure; they may be nested. */
export function unwrapped(error: unknown): unknown {
  let actual = error;
  for (let depth = 0; depth < 5 && isSafely(RetryError, actual); depth += 1) {
    actual = readProperty(actual, "lastError");
  }
  return actual;
}

function judgeProvider(failure: ProviderFailure, context: FailureContext): Error {
  const { headers, isRetryable, ...facts } = failure;
  const { statusCode } = facts;
  const owned: ModelCallFailure = { ...owner(context), ...facts };
  if (statusCode !== undefined && !isTransientStatus(statusCode) && !isRetryable) return new ModelCallError(owned);
  const milliseconds = retryAfterMs(headers, context.now ?? wallClock);
  const options = milliseconds === undefined ? {} : { retryAfter: { milliseconds } };
  return new RetryableError(`Model call failed: ${describeFailure(owned)}`, options);
}

/** Only called inside steps, where the real time is fine (G8). */
function wallClock(): number {
  // oxlint-disable-next-line no-restricted-properties -- inside a journaled step
  return Date.now();
}

function judgeDownload(error: DownloadError): Error {
  const statusCode = readNumber(error, "statusCode");
  const location = readString(error, "url") ?? "";
  const url = shownUrl(location);
  const detail = statusCode === undefined ? readMessage(error).replaceAll(location, url) : `status ${statusCode}`;
  const refused = statusCode === undefined && (readProperty(error, "cause") ?? undefined) === undefined;
  if (refused || (statusCode !== undefined && !isTransientStatus(statusCode))) {
    return new DownloadFailedError(url, detail, statusCode);
  }
  return new Error(`Download of ${url} failed: ${detail}`);
}

/** Errors of the AI SDK are rebuilt, because they carry prompts and answers; others keep their stack. */
function transient(error: unknown, context: FailureContext): Error {
  const foreign = isSafely(ANY_ERROR, error) && !isSafely(AISDKError, error);
  if (context.provider !== undefined) {
    const message = `Model call failed: ${describeFailure({ ...owner(context), ...plainFailure(error) })}`;
    return new Error(message, foreign ? { cause: error } : {});
  }
  return foreign && isReadable(error) ? error : new Error(`${context.what} failed: ${readMessage(error)}`);
}

/** Restate reads these of every error. */
function isReadable(error: Error): boolean {
  try {
    return typeof error.message === "string" && typeof error.name === "string" && typeof `${error.stack}` === "string";
  } catch {
    return false;
  }
}

function owner({ provider, modelId }: FailureContext): Pick<ModelCallFailure, "modelId" | "provider"> {
  return { provider, modelId };
}

function plainFailure(error: unknown): Pick<ModelCallFailure, "errorName" | "reason"> {
  return { reason: readMessage(error), errorName: readString(error, "name") ?? "Error" };
}
