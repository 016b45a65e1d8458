/**
 * HTTP with Restate's ingress or admin API: the address, the token, a time limit, and failures told apart.
 *
 * A connection that fails, a time limit and an answer that says "not now" are `RestateUnreachableError`; 401 and 403 are
 * `RestateUnauthorizedError`. Every other answer is the caller's to read. An answer that an *invocation* gave is never
 * judged here: its handler chose the status.
 *
 * "Not now" is 502, 503, 504; from the ingress every 5xx and 408, because proxies have their own (520, 530) and nobody
 * learns from them whether the request was heard. The Admin API explains itself with 500.
 */
import { InvalidRequestError } from "../errors/invalid-request-error.ts";
import { RestateUnauthorizedError } from "../errors/restate-unauthorized-error.ts";
import { RestateUnreachableError } from "../errors/restate-unreachable-error.ts";

/** Where Restate is. */
export interface RestateAddress {
  /** Such as `https://….env.us.restate.cloud:8080`. */
  readonly url: string;
  /** Bearer token; Restate Cloud asks for one. */
  readonly token?: string | undefined;
  /** Called when an exchange begins; what it returns is called at its end. For measuring. */
  readonly onExchange?: (() => () => void) | undefined;
}

/** One request to Restate. */
export interface RestateRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path with its segments encoded, and the query: see `path()` and `query()`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit | undefined;
  /** Longest wait for the head of the answer and its body, in milliseconds. */
  readonly timeoutMs: number;
  /** Gives the request up earlier. Its reason is thrown as it is. */
  readonly signal?: AbortSignal | undefined;
}

/** What Restate answered, read to its end. */
export class RestateAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: ArrayBuffer;

  constructor(response: Response, bytes: ArrayBuffer) {
    this.status = response.status;
    this.headers = response.headers;
    this.bytes = bytes;
  }

  /** True for 200–299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** True when an invocation's handler gave this answer, rather than Restate. */
  get isOfInvocation(): boolean {
    return this.headers.get("x-restate-error-source") === "invocation";
  }

  text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  /** The parsed body; undefined when it is empty or no JSON. */
  json(): unknown {
    try {
      return JSON.parse(this.text());
    } catch {
      return undefined;
    }
  }
}

const UNAVAILABLE: ReadonlySet<number> = new Set([502, 503, 504]);
const MAX_RETRY_AFTER_SECONDS = 3_600;

/** Restate's ingress or its admin API. */
export class RestateHttp {
  readonly door: "ingress" | "admin";
  readonly #url: string;
  readonly #token: string | undefined;
  readonly #onExchange: (() => () => void) | undefined;

  constructor(door: "ingress" | "admin", address: RestateAddress) {
    this.door = door;
    this.#url = address.url.replace(/\/+$/, "");
    this.#token = address.token;
    this.#onExchange = address.onExchange;
  }

  /**
   * @throws RestateUnreachableError (503) without an answer, or with one that says "not now".
   * @throws RestateUnauthorizedError (502) when the token is not accepted.
   */
  async exchange({ method, path, headers, body, timeoutMs, signal }: RestateRequest): Promise<RestateAnswer> {
    const limit = new AbortController();
    // Not AbortSignal.timeout(): its timer outlives the request, and thousands of them slow workerd down.
    const timer = setTimeout(() => limit.abort(), timeoutMs);
    const end = this.#onExchange?.();
    let answer: RestateAnswer;
    try {
      const response = await fetch(this.#url + path, {
        method,
        headers: { ...headers, ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }) },
        signal: signal === undefined ? limit.signal : AbortSignal.any([signal, limit.signal]),
        // A token must not follow to another host.
        redirect: "manual",
        ...(body === undefined ? {} : { body }),
      });
      answer = new RestateAnswer(response, await response.arrayBuffer());
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      throw this.#unreachable(
        limit.signal.aborted ? `gave no answer within ${timeoutMs} ms` : "cannot be reached",
        error,
      );
    } finally {
      clearTimeout(timer);
      end?.();
    }
    if (answer.isOfInvocation) return answer;
    if (this.#isNotNow(answer.status)) {
      throw this.#unreachable(`answered ${answer.status}`, undefined, retryAfterSeconds(answer.headers));
    }
    if (answer.status === 401 || answer.status === 403) throw new RestateUnauthorizedError(this.door, answer.status);
    return answer;
  }

  #isNotNow(status: number): boolean {
    return this.door === "ingress" ? status === 408 || status >= 500 : UNAVAILABLE.has(status);
  }

  #unreachable(what: string, cause?: unknown, seconds?: number): RestateUnreachableError {
    return new RestateUnreachableError({
      door: this.door,
      message: `Restate's ${this.door} ${what}; try again`,
      ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
      cause,
    });
  }
}

/** The header `retry-after`: whole seconds, 1 to 3600. Undefined when it says nothing of use. */
export function retryAfterSeconds(headers: Headers): number | undefined {
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return seconds > 0 ? Math.min(Math.ceil(seconds), MAX_RETRY_AFTER_SECONDS) : undefined;
}

/**
 * A path of encoded segments: `path("services", "A/B")` is `/services/A%2FB`.
 *
 * @throws InvalidRequestError (400) for `.` and `..`: every URL parser takes them for steps through the path,
 * percent-encoded too, so they would reach something else.
 */
export function path(...segments: readonly string[]): string {
  if (segments.some((segment) => segment === "." || segment === "..")) {
    throw new InvalidRequestError('Cannot ask Restate for what is named "." or "..": no URL can carry such a name');
  }
  return segments.map((segment) => `/${encodeURIComponent(segment)}`).join("");
}

/** A query string, with its `?`, of what is defined. */
export function query(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const entries = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return entries.length === 0 ? "" : `?${new URLSearchParams(entries).toString()}`;
}
