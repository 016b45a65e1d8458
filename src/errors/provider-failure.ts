/** Reads the facts out of the errors by which the AI SDK reports that a provider refused or failed. */
import { APICallError } from "@ai-sdk/provider";
import { StreamProviderError } from "ai";
import type { ModelCallFailure } from "./model-call-error.ts";
import { isSafely, readMessage, readNumber, readProperty, readString } from "./read-error.ts";

/** What a provider's failure says about itself. */
export interface ProviderFailure extends ModelCallFailure {
  /** True only if the provider, or the AI SDK, says that a retry may help. */
  readonly isRetryable: boolean;
  /** Headers of the answer; only `retry-after` is read, and nothing is kept. */
  readonly headers: unknown;
}

/** Marks the AI SDK's gateway errors, of whatever copy. The classes are not exported by `ai`. */
const GATEWAY_MARKER = Symbol.for("vercel.ai.gateway.error");

/** The facts of an `APICallError`, a gateway error or an error part of a stream; undefined for any other error. */
export function providerFailure(error: unknown): ProviderFailure | undefined {
  if (isSafely(APICallError, error)) return apiCallFailure(error);
  if (readProperty(error, GATEWAY_MARKER) === true) return gatewayFailure(error);
  if (isSafely(StreamProviderError, error)) return streamFailure(error);
  return undefined;
}

function apiCallFailure(error: unknown): ProviderFailure {
  const body = readProperty(error, "data") ?? parseJson(readString(error, "responseBody"));
  const details = readProperty(body, "error") ?? body;
  return {
    ...common(error),
    host: hostOf(readString(error, "url")),
    providerCode: codeText(readProperty(details, "code")),
    providerType: readString(details, "type"),
    headers: readProperty(error, "responseHeaders"),
  };
}

function gatewayFailure(error: unknown): ProviderFailure {
  const cause = readProperty(error, "cause");
  return {
    ...common(error),
    host: hostOf(readString(cause, "url")),
    providerType: readString(error, "type"),
    headers: readProperty(cause, "responseHeaders"),
  };
}

function streamFailure(error: unknown): ProviderFailure {
  return {
    ...common(error),
    providerCode: codeText(readProperty(error, "code")),
    providerType: readString(error, "type"),
    headers: undefined,
  };
}

function common(error: unknown): Pick<ProviderFailure, "errorName" | "isRetryable" | "reason" | "statusCode"> {
  return {
    reason: readMessage(error),
    isRetryable: readProperty(error, "isRetryable") === true,
    errorName: readString(error, "name") ?? "Error",
    statusCode: readNumber(error, "statusCode"),
  };
}

function hostOf(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { host } = new URL(url);
  return host === "" ? undefined : host;
}

function codeText(code: unknown): string | undefined {
  return (typeof code === "string" && code !== "") || typeof code === "number" ? String(code) : undefined;
}

function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
