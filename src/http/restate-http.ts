/**
 * HTTP with Restate's ingress or admin API: the address, the token, a time limit, and failures told apart.
 *
 * A connection that fails, a time limit and 502, 503, 504 are `RestateUnreachableError`; 401 and 403 are
 * `RestateUnauthorizedError`. Every other answer is the caller's to read. An answer that an *invocation* gave is never
 * judged here: its handler chose the status.
 */
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
   * @throws RestateUnreachableError (503) without an answer, or with 502, 503 or 504.
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
    if (UNAVAILABLE.has(answer.status)) {
      throw this.#unreachable(`answered ${answer.status}`, undefined, answer.headers.get("retry-after"));
    }
    if (answer.status === 401 || answer.status === 403) throw new RestateUnauthorizedError(this.door, answer.status);
    return answer;
  }

  #unreachable(what: string, cause?: unknown, retryAfter?: string | null): RestateUnreachableError {
    const seconds = Number(retryAfter ?? Number.NaN);
    return new RestateUnreachableError({
      door: this.door,
      message: `Restate's ${this.door} ${what}; try again`,
      ...(Number.isFinite(seconds) && seconds > 0 ? { retryAfterSeconds: Math.ceil(seconds) } : {}),
      cause,
    });
  }
}

/** A path of encoded segments: `path("services", "A/B")` is `/services/A%2FB`. */
export function path(...segments: readonly string[]): string {
  return segments.map((segment) => `/${encodeURIComponent(segment)}`).join("");
}

/** A query string, with its `?`, of what is defined. */
export function query(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const entries = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return entries.length === 0 ? "" : `?${new URLSearchParams(entries).toString()}`;
}
