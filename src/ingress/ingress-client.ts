/**
 * Restate's ingress (1.7), typed: invoke handlers, and find their results again.
 *
 * What the server does, beside its documentation:
 * - A call with an idempotency key, and a workflow's `run`, has an id that follows from the target and the key. Sending it
 *   again never runs it again: it answers with the id. So a call whose answer was lost is found by sending it once more.
 * - `run` of a workflow whose key was used already: `send` answers with the id of the first one, `call` fails with 409.
 * - `attach` says of an unknown invocation that the *invocation* failed with 404; `output` says that there is none.
 */
import { z } from "zod";
import { currentSealing, type Sealing } from "../encryption/sealing.ts";
import { InvocationNotFoundError } from "../errors/invocation-not-found-error.ts";
import { RestateOverloadedError } from "../errors/restate-overloaded-error.ts";
import { RestateRefusedError } from "../errors/restate-refused-error.ts";
import { RestateUnexpectedError } from "../errors/restate-unexpected-error.ts";
import {
  path,
  query,
  type RestateAddress,
  type RestateAnswer,
  RestateHttp,
  retryAfterSeconds,
} from "../http/restate-http.ts";
import { type InvocationResult, resultIn } from "./result.ts";
import { type InvocationTarget, targetPath } from "./target.ts";

/** How the ingress is reached. */
export interface IngressOptions extends RestateAddress {
  /**
   * Encrypts what handlers are invoked with and decrypts their results. Default: the encryption of the attempt, or of the
   * request to the app, in which the client is made or used; none elsewhere.
   */
  readonly encryption?: Sealing | undefined;
  /** Longest wait for an answer that no invocation has to give, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
}

/** What a handler is invoked with. */
export interface InvocationRequest {
  /** JSON. Undefined: no input. */
  readonly body?: BodyInit | undefined;
  /** Two invocations of a target with the same key are one. A workflow's `run` takes none: its key is one. */
  readonly idempotencyKey?: string | undefined;
  /** Passed on to the handler, such as `traceparent`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Gives the request up; the invocation goes on. */
  readonly signal?: AbortSignal | undefined;
}

/** How a handler is called. */
export interface CallRequest extends InvocationRequest {
  /** Longest wait for the result, in milliseconds. */
  readonly timeoutMs: number;
}

/** How a handler is sent a message. */
export interface SendRequest extends InvocationRequest {
  /** How long Restate waits before it runs, in milliseconds. Default: not at all. */
  readonly delayMs?: number | undefined;
  /** Longest wait for Restate's word that it has the invocation, in milliseconds. Default: the client's. */
  readonly timeoutMs?: number | undefined;
}

/** Restate has an invocation and will run it. */
export interface AcceptedInvocation {
  readonly id: string;
  /** False: this target and idempotency key, or this workflow, was accepted earlier. */
  readonly isNew: boolean;
  /** When it will run, as ISO 8601; only of delayed ones. */
  readonly startsAt?: string | undefined;
}

/** This workflow had been started earlier; `id` is that of its run. */
export interface AlreadyStarted {
  readonly kind: "already-started";
  readonly id: string;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const JSON_HEADERS = { accept: "application/json", "content-type": "application/json" };
const MAX_MESSAGE_LENGTH = 500;

const acceptedSchema = z.object({
  invocationId: z.string(),
  status: z.string(),
  executionTime: z.string().optional(),
});
const lookupSchema = z.object({ invocationId: z.string() });
const healthSchema = z.object({ services: z.string().array() });
const refusalSchema = z.object({ message: z.string() });

/** The ingress of one Restate. */
export class IngressClient {
  readonly #http: RestateHttp;
  readonly #timeoutMs: number;
  readonly #encryption: Sealing | undefined;

  constructor({ timeoutMs = DEFAULT_TIMEOUT_MS, encryption = currentSealing(), ...address }: IngressOptions) {
    this.#encryption = encryption;
    this.#http = new RestateHttp("ingress", address);
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Invokes a handler and waits for its result. The invocation goes on when nobody waits for it any more.
   *
   * @throws RestateUnreachableError (503) without an answer in time; RestateOverloadedError (503), one of them.
   * @throws RestateRefusedError with Restate's status and message.
   * @throws RestateUnauthorizedError, RestateUnexpectedError (502)
   */
  async call(target: InvocationTarget, request: CallRequest): Promise<InvocationResult | AlreadyStarted> {
    const answer = await this.#invoke(targetPath("call", target), target, request, request.timeoutMs);
    const result = await this.#resultIn(answer);
    if (result === undefined) throw refusal("call a handler", answer);
    return isAlreadyStarted(result) ? { kind: "already-started", id: result.id } : result;
  }

  /** Invokes a handler without waiting for it. The errors are those of `call()`. */
  async send(target: InvocationTarget, request: SendRequest): Promise<AcceptedInvocation> {
    const delay = request.delayMs === undefined ? undefined : `${request.delayMs}ms`;
    const { timeoutMs = this.#timeoutMs } = request;
    const answer = await this.#invoke(targetPath("send", target) + query({ delay }), target, request, timeoutMs);
    const { invocationId: id, status, executionTime } = read("send to a handler", answer, acceptedSchema);
    return { id, isNew: status === "Accepted", ...(executionTime === undefined ? {} : { startsAt: executionTime }) };
  }

  /**
   * The result of an invocation; undefined while it has not ended.
   *
   * @throws InvocationNotFoundError (404) when there is none of this id, or its result is not kept any more.
   */
  async output(id: string): Promise<InvocationResult | undefined> {
    const answer = await this.#get(path("restate", "output", id), this.#timeoutMs);
    const result = await this.#resultIn(answer);
    if (result !== undefined) return result;
    if (answer.status === NOT_READY) return undefined;
    if (answer.status === 404) throw new InvocationNotFoundError(id);
    throw refusal("read a result", answer);
  }

  /**
   * Waits for the result of an invocation; undefined when it has not ended in time.
   *
   * @throws InvocationNotFoundError as `output()`
   */
  async attach(id: string, timeoutMs: number): Promise<InvocationResult | undefined> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), timeoutMs);
    let answer: RestateAnswer;
    try {
      answer = await this.#get(path("restate", "attach", id), timeoutMs + this.#timeoutMs, limit.signal);
    } catch (error) {
      if (limit.signal.aborted) return undefined;
      throw error;
    } finally {
      clearTimeout(timer);
    }
    const result = await this.#resultIn(answer);
    if (result === undefined) throw refusal("wait for a result", answer);
    // An unknown invocation, or one that failed with these very words.
    return isFailure(result, 404, "not found") ? this.output(id) : result;
  }

  /**
   * The id that an invocation of the target has with this idempotency key; without one, that of the workflow. It is
   * computed: whether there is such an invocation, `output()` tells.
   */
  async lookup({ service, key, handler, flowControl }: InvocationTarget, idempotencyKey?: string): Promise<string> {
    const scope = flowControl === undefined ? {} : { scope: flowControl.scope };
    const own = { service, ...(key === undefined ? {} : { key }), handler, idempotencyKey, ...scope };
    const target =
      idempotencyKey === undefined
        ? { target: "workflow", workflowName: service, workflowKey: key }
        : { target: "idempotentInvocation", ...own };
    const answer = await this.#http.exchange({
      method: "POST",
      path: "/restate/lookup",
      headers: JSON_HEADERS,
      body: JSON.stringify(target),
      timeoutMs: this.#timeoutMs,
    });
    return read("look an invocation up", answer, lookupSchema).invocationId;
  }

  /** Names of the registered services, when the ingress is healthy. */
  async health(): Promise<readonly string[]> {
    return read("tell its health", await this.#get("/restate/health", this.#timeoutMs), healthSchema).services;
  }

  async #invoke(
    path: string,
    { flowControl }: InvocationTarget,
    request: InvocationRequest,
    timeoutMs: number,
  ): Promise<RestateAnswer> {
    const limitKey = flowControl?.limitKey;
    const { idempotencyKey, headers, signal } = request;
    const body = await sealedBody(this.#sealing, request.body);
    return this.#http.exchange({
      method: "POST",
      path,
      headers: {
        ...headers,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
        ...(limitKey === undefined ? {} : { "x-restate-limit-key": limitKey }),
      },
      body,
      timeoutMs,
      signal,
    });
  }

  get #sealing(): Sealing | undefined {
    return this.#encryption ?? currentSealing();
  }

  #resultIn(answer: RestateAnswer): Promise<InvocationResult | undefined> {
    return resultIn(answer, this.#sealing);
  }

  #get(path: string, timeoutMs: number, signal?: AbortSignal): Promise<RestateAnswer> {
    return this.#http.exchange({ method: "GET", path, timeoutMs, signal });
  }
}

/** Nothing stays nothing. */
async function sealedBody(sealing: Sealing | undefined, body: BodyInit | undefined): Promise<BodyInit | undefined> {
  if (sealing === undefined || body === undefined) return body;
  return sealing.seal(new Uint8Array(await new Response(body).arrayBuffer()));
}

/** What `output` answers while an invocation runs. */
const NOT_READY = 470;

function isAlreadyStarted(result: InvocationResult): boolean {
  return isFailure(result, 409, "the workflow method was already invoked");
}

function isFailure(result: InvocationResult, code: number, message: string): boolean {
  return result.kind === "failure" && result.code === code && result.message === message;
}

function read<T>(what: string, answer: RestateAnswer, schema: z.ZodType<T>): T {
  if (!answer.ok) throw refusal(what, answer);
  const parsed = schema.safeParse(answer.json());
  if (parsed.success) return parsed.data;
  throw new RestateUnexpectedError("ingress", `a request to ${what}`, parsed.error);
}

/** What to throw for an answer of Restate's own that is no success. */
function refusal(what: string, answer: RestateAnswer): Error {
  if (answer.status === 429) return new RestateOverloadedError("ingress", retryAfterSeconds(answer.headers));
  const parsed = refusalSchema.safeParse(answer.json());
  // A page of a proxy.
  if (!parsed.success || answer.ok || answer.status < 400) {
    return new RestateUnexpectedError("ingress", `a request to ${what}`, new Error(`Status ${answer.status}`));
  }
  const [line = ""] = parsed.data.message.split("\n");
  const message = `Restate refused to ${what}: ${line.slice(0, MAX_MESSAGE_LENGTH)}`;
  return new RestateRefusedError({ status: answer.status, message });
}
