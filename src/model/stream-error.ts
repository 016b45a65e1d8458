import { StreamProviderError } from "ai";
import { readMessage, readNumber, readProperty, readString } from "../errors/read-error.ts";

/** Statuses of the error types that providers send in streams, where there is no HTTP status. */
const STATUS_OF_TYPE: Readonly<Record<string, number>> = {
  authentication_error: 401,
  billing_error: 402,
  context_length_exceeded: 400,
  invalid_api_key: 401,
  invalid_request_error: 400,
  model_not_found: 404,
  not_found_error: 404,
  permission_error: 403,
  request_too_large: 413,
};

/**
 * The error that an `error` part of a stream reports. Providers send errors, plain objects or texts; plain objects
 * become what the AI SDK makes of them, so that they are judged like an HTTP answer (G6).
 */
export function streamError(reported: unknown): unknown {
  if (typeof reported !== "object" || reported === null || isError(reported)) return reported;
  const response = readProperty(readProperty(reported, "response"), "error");
  const details = response ?? readProperty(reported, "error") ?? reported;
  const type = readString(details, "type") ?? readString(reported, "type");
  const code = readString(details, "code") ?? readNumber(details, "code");
  const statusCode = statusOf(details) ?? statusOf(reported) ?? knownStatus(code) ?? knownStatus(type);
  return new StreamProviderError({
    message: readMessage(details),
    ...(type === undefined ? {} : { type }),
    ...(code === undefined ? {} : { code }),
    ...(statusCode === undefined ? {} : { statusCode }),
    ...(readProperty(details, "isRetryable") === true ? { isRetryable: true } : {}),
  });
}

/** Also errors of another realm. */
function isError(value: object): boolean {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

function statusOf(details: unknown): number | undefined {
  const candidates = ["statusCode", "status_code", "status", "code"].map((name) => Number(readProperty(details, name)));
  return candidates.find((status) => Number.isInteger(status) && status >= 400 && status <= 599);
}

function knownStatus(name: string | number | undefined): number | undefined {
  return typeof name === "string" && Object.hasOwn(STATUS_OF_TYPE, name) ? STATUS_OF_TYPE[name] : undefined;
}
