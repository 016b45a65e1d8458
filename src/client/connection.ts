/**
 * Requests to the app, repeated where that is safe.
 *
 * - C1 A request is repeated when it is marked so: it reads, or its idempotency key makes it one invocation.
 * - C2 Repeated are lost connections, 429, what the app marks with `retry-after`, and a proxy's 502, 503, 504.
 * - C3 All of it is bounded: the number of repetitions, each request, and the whole by its deadline.
 * - C4 The API key goes into one header of requests to `url`, and nowhere else.
 */
import { type Answer, type Attempted, type Failed, readAnswer } from "./answer.ts";
import { AgentClientError } from "./client-error.ts";
import type { Deadline } from "./deadline.ts";
import { type AgentClientOptions, baseUrl, bounded, type ClientFetch, invalid, type Supplied } from "./options.ts";
import { backoffMs } from "./retry.ts";

/**
 * What a request may take besides the time that the app was asked to wait, in milliseconds: the app looks up to 8 s longer
 * for an invocation whose call broke off.
 */
export const GRACE_MS = 20_000;

/** What of a call's time is left for an answer to arrive, in milliseconds. */
const ANSWER_MS = 500;

/** One request. */
export interface ClientRequest<T = Answer> extends Attempted {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Which of the app's APIs. Default `agents`. */
  readonly api?: "agents" | "approvals" | "chat" | undefined;
  /** Below that API's path, with its segments encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly headers?: Readonly<Record<string, string | undefined>> | undefined;
  /** How the app is asked to wait for the result: by a header, or a query parameter. Undefined: it is not asked. */
  readonly wait?: "prefer" | "query" | undefined;
  /** JSON. */
  readonly body?: string | undefined;
  /** True when sending it twice does no more than sending it once. */
  readonly isRepeatable: boolean;
  /** What an error means when it answers a repetition, and an earlier try was perhaps heard. */
  readonly recover?: ((error: AgentClientError) => T | undefined) | undefined;
}

/** The way to one app. */
export class Connection {
  readonly pollMs: number;
  readonly retryDelayMs: number;
  readonly #url: string;
  readonly #fetch: ClientFetch;
  readonly #apiKey: Supplied<string> | undefined;
  readonly #headers: Supplied<Readonly<Record<string, string>>>;
  readonly maxRetries: number;

  constructor(options: AgentClientOptions) {
    this.#url = baseUrl(options.url);
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
    this.#apiKey = options.apiKey;
    this.#headers = options.headers ?? {};
    this.maxRetries = bounded("maxRetries", options.maxRetries, 5, 0, 100);
    this.retryDelayMs = bounded("retryDelayMs", options.retryDelayMs, 250, 1, 60_000);
    this.pollMs = bounded("pollMs", options.pollMs, 25_000, 1_000, 60_000);
  }

  /**
   * Sends a request until it is answered with 200–299.
   *
   * @throws AgentClientError; the reason of the caller's signal.
   */
  send(request: ClientRequest, deadline: Deadline): Promise<Answer> {
    return this.#repeat(request, deadline, (response) => readAnswer(response, request));
  }

  /**
   * As `send()`, for an answer that streams: it is given when its head is there. Only the caller's signal ends its body.
   *
   * @throws AgentClientError; the reason of the caller's signal.
   */
  async open(request: ClientRequest<{ readonly response: Response }>, deadline: Deadline): Promise<Response> {
    const { response } = await this.#repeat(request, deadline, async (given) => {
      if (given.ok) return { response: given };
      const answer = await readAnswer(given, request);
      return "error" in answer ? answer : { response: given };
    });
    return response;
  }

  async #repeat<T extends object>(
    request: ClientRequest<T>,
    deadline: Deadline,
    read: (response: Response) => Promise<T | Failed>,
  ): Promise<T> {
    let isHeard = false;
    for (let n = 1; ; n++) {
      const outcome = await this.#attempt(request, deadline, read);
      if (!("error" in outcome)) return outcome;
      const recovered = isHeard ? request.recover?.(outcome.error) : undefined;
      if (recovered !== undefined) return recovered;
      // 429 is said before anything begins; what else is repeated leaves that open.
      isHeard ||= outcome.error.status !== 429;
      if (!request.isRepeatable || !outcome.isTransient || n > this.maxRetries) throw outcome.error;
      const pauseMs = Math.max(outcome.error.retryAfterMs ?? 0, backoffMs(n, this.retryDelayMs));
      // Whoever waits until the time is over learns less than from this error.
      if (pauseMs >= deadline.leftMs) throw outcome.error;
      await deadline.pause(pauseMs);
    }
  }

  async #attempt<T extends object>(
    request: ClientRequest<T>,
    deadline: Deadline,
    read: (response: Response) => Promise<T | Failed>,
  ): Promise<T | Failed> {
    deadline.check();
    if (deadline.leftMs === 0) throw timedOut(request);
    const headers = await this.#requestHeaders(request);
    const waitS = request.wait === undefined ? 0 : this.#waitSeconds(deadline);
    if (request.wait === "prefer") headers.set("prefer", waitS === 0 ? "respond-async" : `wait=${waitS}`);
    const query = { ...request.query, ...(request.wait === "query" ? { wait: String(waitS) } : {}) };
    const { leftMs } = deadline;
    const limitMs = Math.min(leftMs, waitS * 1_000 + GRACE_MS);
    const { signal, release } = deadline.limit(limitMs);
    try {
      const search = new URLSearchParams(query).toString();
      const path = `/${request.api ?? "agents"}${request.path}${search === "" ? "" : `?${search}`}`;
      const response = await this.#fetch(this.#url + path, {
        method: request.method,
        headers,
        signal,
        redirect: "manual",
        // Workers have no such setting.
        ...("credentials" in Request.prototype ? { credentials: "omit" as const } : {}),
        ...(request.body === undefined ? {} : { body: request.body }),
      });
      return await read(response);
    } catch (cause) {
      deadline.check();
      // Timers may fire a little early.
      if (deadline.leftMs === 0 || (signal.aborted && limitMs === leftMs)) throw timedOut(request);
      const detail = signal.aborted
        ? `no answer within ${Math.round(limitMs)} ms`
        : "the connection failed, or the browser did not allow it (CORS)";
      const error = new AgentClientError({ ...request, kind: "unavailable", code: "connection-failed", detail, cause });
      return { error, isTransient: true };
    } finally {
      release();
    }
  }

  /** The app is asked to answer before the deadline, so that the caller gets the invocation's id. */
  #waitSeconds({ leftMs }: Deadline): number {
    return Math.max(0, Math.floor(Math.min(this.pollMs, leftMs - ANSWER_MS) / 1_000));
  }

  async #requestHeaders({ headers = {}, action }: Pick<ClientRequest, "headers" | "action">): Promise<Headers> {
    const all = new Headers();
    const set = (name: string, value: string | undefined): void => {
      try {
        if (value !== undefined) all.set(name, value);
      } catch {
        // The runtime's own error shows the value.
        throw invalid(`the header "${name}" has a value that headers cannot have`, action);
      }
    };
    for (const [name, value] of Object.entries(await supplied(this.#headers))) set(name, value);
    if (this.#apiKey !== undefined) {
      const key = await supplied(this.#apiKey);
      if (!/^[\x21-\x7e]+$/.test(key)) throw invalid("apiKey is empty, or has characters that headers cannot have");
      set("authorization", `Bearer ${key}`);
    }
    for (const [name, value] of Object.entries(headers)) set(name, value);
    return all;
  }
}

/** The time of a call is over. */
export function timedOut(attempted: Attempted): AgentClientError {
  const { action, invocationId, idempotencyKey } = attempted;
  const detail =
    invocationId === undefined
      ? "the time limit is over, and it is not known whether the app has taken the request"
      : `the time limit is over; ${invocationId} goes on, and its result can be asked for later`;
  return new AgentClientError({ kind: "timeout", code: "timeout", action, invocationId, idempotencyKey, detail });
}

async function supplied<T>(value: Supplied<T>): Promise<T> {
  return typeof value === "function" ? (value as () => T | Promise<T>)() : value;
}
