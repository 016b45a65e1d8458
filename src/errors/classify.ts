/**
 * The one place that tells transient failures from permanent ones (G6). It runs inside a journaled step.
 *
 * | failure | outcome |
 * |---|---|
 * | `TerminalError`, `CancelledError`, `TimeoutError` (also of another SDK copy) | as it is: terminal |
 * | `RetryableError` | as it is: retried |
 * | AI SDK `RetryError` | judged by its last error |
 * | provider answered 408, 409, 425, 429, 5xx, or not at all | retried, after `retry-after` |
 * | provider answered another 4xx | terminal: `ModelCallError` |
 * | missing API key or setting, unknown model, unsupported feature, invalid prompt or argument | terminal: `ModelCallError` |
 * | an answer that does not parse, an empty answer | retried |
 * | timeout, abort, network failure, anything unexpected | retried |
 */
import { APICallError, RetryError } from "ai";
import { RestateError, RetryableError, TerminalError } from "../restate.ts";
import { ModelCallError, type ModelCallFailure } from "./model-call-error.ts";
import { retryAfterMs } from "./retry-after.ts";

/** What was tried. */
export interface FailureContext {
  /** The step, for messages. */
  readonly what: string;
  readonly provider?: string;
  readonly modelId?: string;
}

/** Longest part of a provider's message that is kept. */
const MAX_REASON_LENGTH = 2_000;

/**
 * The AI SDK's errors that another try cannot cure, by name: some of its classes have no `isInstance` of their own and
 * inherit one that is true for every error of the AI SDK.
 */
const PERMANENT: ReadonlySet<unknown> = new Set([
  "AI_InvalidArgumentError",
  "AI_InvalidMessageRoleError",
  "AI_InvalidPromptError",
  "AI_LoadAPIKeyError",
  "AI_LoadSettingError",
  "AI_MessageConversionError",
  "AI_NoSuchModelError",
  "AI_NoSuchProviderError",
  "AI_UnsupportedFunctionalityError",
  "AI_UnsupportedModelVersionError",
]);

/** Statuses of a client error that another try may cure: timeout, conflict, too early, too many requests. */
const TRANSIENT_STATUS = new Set([408, 409, 425, 429]);

/** What to throw from a step for `error`: a `TerminalError`, a `RetryableError` with a delay, or a plain error. */
export function classifyFailure(error: unknown, context: FailureContext): Error {
  if (error instanceof RestateError) return error;
  const foreign = asForeignTerminal(error);
  if (foreign !== undefined) return foreign;
  if (RetryError.isInstance(error) && error.lastError !== undefined) return classifyFailure(error.lastError, context);
  if (PERMANENT.has(read(error, "name"))) return permanent(error, context, {});
  const status = statusOf(error);
  if (status === undefined) return toError(error, context);
  if (isPermanentStatus(status)) return permanent(error, context, { statusCode: status });
  const reason = `${describe(context)} answered ${status}: ${messageOf(error)}`;
  return new RetryableError(reason, { retryAfter: retryAfterMs(headersOf(error)) ?? 0, cause: error });
}

function isPermanentStatus(status: number): boolean {
  return status >= 400 && status < 500 && !TRANSIENT_STATUS.has(status);
}

function permanent(error: unknown, context: FailureContext, facts: Partial<ModelCallFailure>): ModelCallError {
  const host = hostOf(error);
  return new ModelCallError({
    provider: context.provider ?? "provider of",
    modelId: context.modelId ?? context.what,
    reason: messageOf(error),
    ...facts,
    ...(host === undefined ? {} : { host }),
  });
}

function describe({ what, provider, modelId }: FailureContext): string {
  return provider === undefined ? what : `${provider} ${modelId ?? ""}`.trim();
}

/** Another copy of the SDK has classes of its own; its errors are known by name and numeric code. */
function asForeignTerminal(error: unknown): TerminalError | undefined {
  const name = read(error, "name");
  const code = read(error, "code");
  if (typeof code !== "number") return undefined;
  if (name !== "TerminalError" && name !== "CancelledError" && !(name === "TimeoutError" && code === 408)) {
    return undefined;
  }
  const metadata = read(error, "metadata");
  return new TerminalError(messageOf(error), {
    errorCode: code,
    ...(typeof metadata === "object" && metadata !== null ? { metadata: metadata as Record<string, string> } : {}),
  });
}

/** A plain error that names what failed. Its message is what an operator reads in Restate's UI. */
function toError(error: unknown, context: FailureContext): Error {
  if (error instanceof Error && context.provider === undefined) return error;
  return new Error(`${describe(context)} failed: ${messageOf(error)}`, { cause: error });
}

function statusOf(error: unknown): number | undefined {
  const isProviderError =
    APICallError.isInstance(error) || read(error, "name") === "AI_DownloadError" || isGateway(error);
  const status = isProviderError ? read(error, "statusCode") : undefined;
  return typeof status === "number" && status >= 400 ? status : undefined;
}

function isGateway(error: unknown): boolean {
  const name = read(error, "name");
  return typeof name === "string" && name.startsWith("Gateway");
}

function headersOf(error: unknown): Readonly<Record<string, unknown>> {
  const headers = read(error, "responseHeaders");
  return typeof headers === "object" && headers !== null ? (headers as Record<string, unknown>) : {};
}

function hostOf(error: unknown): string | undefined {
  const url = read(error, "url");
  return typeof url === "string" && URL.canParse(url) ? new URL(url).host : undefined;
}

function messageOf(error: unknown): string {
  const message = typeof error === "string" ? error : read(error, "message");
  return typeof message === "string" && message !== "" ? message.slice(0, MAX_REASON_LENGTH) : "no message";
}

/** Reads a property of anything; an accessor that throws reads as undefined. */
function read(value: unknown, property: string): unknown {
  try {
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[property] : undefined;
  } catch {
    return undefined;
  }
}
