import { AgentClientError } from "./client-error.ts";

/** Something, or a function that gives it at each request, so that it can be renewed. */
export type Supplied<T> = T | (() => T | Promise<T>);

/** Only what the client uses of `fetch`: a Worker's service binding fits, too. */
export type ClientFetch = (url: string, init: RequestInit) => Promise<Response>;

/** How a client reaches the app. */
export interface AgentClientOptions {
  /**
   * Where the app is, such as `https://agents.example.com`, or `/` in a browser that has the page from it. A path is
   * kept: with `https://example.com/ai` the client calls `https://example.com/ai/agents/…`.
   */
  readonly url: string;
  /** Sent as `authorization: Bearer …`. A function is asked at each request. Do not ship one key to all browsers. */
  readonly apiKey?: Supplied<string> | undefined;
  /** More headers for every request, such as those of an identity provider. A function is asked at each request. */
  readonly headers?: Supplied<Readonly<Record<string, string>>> | undefined;
  /** Default: the global `fetch`. */
  readonly fetch?: ClientFetch | undefined;
  /** How often a request is repeated that may be repeated. Default 5; 0: never. */
  readonly maxRetries?: number | undefined;
  /** Pause before the first repetition, in milliseconds; it doubles each time, up to 10 s, less some jitter. Default 250. */
  readonly retryDelayMs?: number | undefined;
  /** Longest wait for one answer of the app before it is asked again, in milliseconds. Default 25,000; at most 60,000. */
  readonly pollMs?: number | undefined;
}

/** Options of every call. */
export interface RequestOptions {
  /** Gives the call up; its reason is thrown as it is. The invocation goes on: `cancel()` ends it. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Longest time until the call settles, in milliseconds, retries included; then it fails with the kind `timeout`.
   * Default: 15 minutes for a call that waits for a result, 30 seconds for others.
   */
  readonly timeoutMs?: number | undefined;
  /** W3C trace context, such as `00-<trace id>-<span id>-01`: the invocation becomes part of that trace. */
  readonly traceparent?: string | undefined;
  /** More headers for these requests. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Options of a call that starts an invocation and waits for it. */
export interface RunOptions extends RequestOptions {
  /**
   * Calls with the same key are one invocation: the second one gets the result of the first. Default: a new random key,
   * so that a lost answer is asked for again and nothing runs twice. `false`: no key, and no retries.
   */
  readonly idempotencyKey?: string | false | undefined;
  /** Which limit the call counts for, such as a provider's, where the app lets callers say so. */
  readonly limitKey?: string | undefined;
}

/** Options of a call that starts an invocation and does not wait for it. */
export interface SendOptions extends RunOptions {
  /** Start it only after this time, in milliseconds. Default: at once. Not for the `run` of workflows. */
  readonly delayMs?: number | undefined;
}

/** `options.url` without a slash at its end. Keys in URLs end in logs, so there is no place for them. */
export function baseUrl(url: string): string {
  const isRelative = url.startsWith("/") && !url.startsWith("//");
  const parsed = parse(url, isRelative ? "http://localhost" : undefined);
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw invalid('url must be an http or https URL, or a path such as "/"');
  }
  if (parsed.username !== "" || parsed.password !== "") throw invalid("url must not hold credentials: use apiKey");
  if (parsed.search !== "" || parsed.hash !== "") throw invalid("url must have no query and no fragment");
  return (isRelative ? "" : parsed.origin) + parsed.pathname.replace(/\/+$/, "");
}

/** One segment of a path. URL parsers take dots for steps through the path, percent-encoded ones too. */
export function segment(what: string, value: string): string {
  if (typeof value === "string" && !/^\.{0,2}$/.test(value) && value.isWellFormed()) return encodeURIComponent(value);
  throw invalid(`${what} must be text, and neither empty nor "." or ".."`);
}

/** A number within bounds, or its default. */
export function bounded(what: string, value: number | undefined, standard: number, min: number, max: number): number {
  if (value === undefined) return standard;
  if (value >= min && value <= max) return value;
  throw invalid(`${what} must be between ${min} and ${max}: current value is ${value}`);
}

/** The caller has passed something that cannot be used; its value may be secret, so only its name is told. */
export function invalid(detail: string, action = "use the client"): AgentClientError {
  return new AgentClientError({ kind: "bad-request", code: "invalid-options", action, detail });
}

function parse(url: string, base: string | undefined): URL | undefined {
  try {
    return new URL(url, base);
  } catch {
    return undefined;
  }
}
