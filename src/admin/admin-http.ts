/** JSON over Restate's Admin API. Every group of the client is built on it. */
import type { ZodType } from "zod";
import { currentSealing, type Sealing } from "../encryption/sealing.ts";
import { RestateOverloadedError } from "../errors/restate-overloaded-error.ts";
import { RestateRefusedError } from "../errors/restate-refused-error.ts";
import { RestateUnexpectedError } from "../errors/restate-unexpected-error.ts";
import {
  type RestateAddress,
  type RestateAnswer,
  RestateHttp,
  type RestateRequest,
  retryAfterSeconds,
} from "../http/restate-http.ts";
import { openedRow } from "./encrypted.ts";
import type { Sql } from "./sql.ts";

/** How the Admin API is reached. */
export interface AdminOptions extends RestateAddress {
  /** Decrypts what is shown and encrypts what is stored. Default: that of the request to the app; none elsewhere. */
  readonly encryption?: Sealing | undefined;
  /** Longest wait for an answer, in milliseconds. Default 15,000. */
  readonly timeoutMs?: number;
}

/** One request of the Admin API. */
export interface AdminRequest {
  readonly method: RestateRequest["method"];
  /** Made with `path()` and `query()`, which encode. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** Registration waits for the endpoint's discovery, which may take longer than the rest. */
const DEFAULT_TIMEOUT_MS = 15_000;

const MAX_MESSAGE_LENGTH = 500;

/** How Restate begins the texts with which it refuses values that it cannot read; they are no JSON. */
const UNREADABLE = /^(Failed to deserialize |Invalid URL: )/;

/** What tells that a server does not know an operation. */
const NOT_OFFERED: ReadonlySet<number> = new Set([404, 405]);

/** The Admin API of one Restate. */
export class AdminHttp {
  readonly encryption: Sealing | undefined;
  readonly #http: RestateHttp;
  readonly #timeoutMs: number;

  constructor({ timeoutMs = DEFAULT_TIMEOUT_MS, encryption = currentSealing(), ...address }: AdminOptions) {
    this.encryption = encryption;
    this.#http = new RestateHttp("admin", address);
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Sends a request, and reads its answer with `schema`.
   *
   * @throws RestateRefusedError with Restate's status, message and code, such as `META0003`.
   * @throws RestateUnexpectedError (502) when the answer has another shape, or is an error that is not Restate's.
   * @throws RestateUnreachableError (503), of which RestateOverloadedError is one; RestateUnauthorizedError (502)
   */
  async json<T>(request: AdminRequest, schema: ZodType<T>): Promise<T> {
    return read(request, await this.send(request), schema);
  }

  /** As `json()`; undefined when the server does not know the operation (404, 405). */
  async jsonIfOffered<T>(request: AdminRequest, schema: ZodType<T>): Promise<T | undefined> {
    const answer = await this.#exchange(request);
    return NOT_OFFERED.has(answer.status) ? undefined : read(request, success(request, answer), schema);
  }

  /** Sends a request whose answer does not matter, or is read by the caller. The errors are those of `json()`. */
  async send(request: AdminRequest): Promise<unknown> {
    return success(request, await this.#exchange(request));
  }

  /**
   * Rows of a query over Restate's introspection tables. A column that is null in a row is absent there.
   *
   * @throws RestateUnexpectedError (502) also when Restate refuses the query: no caller wrote it.
   */
  async query<T>(query: Sql, rowSchema: ZodType<T>): Promise<T[]> {
    let body: unknown;
    try {
      body = await this.send({ method: "POST", path: "/query", body: { query: query.text } });
    } catch (error) {
      throw error instanceof RestateRefusedError ? new RestateUnexpectedError("admin", "a query", error) : error;
    }
    const { rows } = (body ?? {}) as { readonly rows?: unknown };
    const opened = Array.isArray(rows) ? await Promise.all(rows.map((row) => openedRow(this.encryption, row))) : rows;
    const parsed = rowSchema.array().safeParse(opened);
    if (parsed.success) return parsed.data;
    throw new RestateUnexpectedError("admin", "a query", parsed.error);
  }

  #exchange({ method, path, body }: AdminRequest): Promise<RestateAnswer> {
    return this.#http.exchange({
      method,
      path,
      timeoutMs: this.#timeoutMs,
      headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  }
}

function read<T>({ method, path }: AdminRequest, body: unknown, schema: ZodType<T>): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new RestateUnexpectedError("admin", `${method} ${path}`, parsed.error);
}

/** The parsed body of an answer that is a success. */
function success(request: AdminRequest, answer: RestateAnswer): unknown {
  if (answer.ok) return answer.json();
  throw refusal(request, answer);
}

/** What to throw for an answer that is none. Only what Restate itself says is passed on. */
function refusal({ method, path }: AdminRequest, answer: RestateAnswer): Error {
  const { status } = answer;
  if (status === 429) return new RestateOverloadedError("admin", retryAfterSeconds(answer.headers));
  const { message, restateCode } = refusalIn(answer);
  if (status < 400 || message === undefined) {
    return new RestateUnexpectedError("admin", `${method} ${path}`, new Error(`Status ${status}`));
  }
  const [line = ""] = message.split("\n", 1);
  const shown = line.slice(0, MAX_MESSAGE_LENGTH).toWellFormed();
  return new RestateRefusedError({ status, message: `Restate refused ${method} ${path}: ${shown}`, restateCode });
}

function refusalIn(answer: RestateAnswer): { readonly message?: string; readonly restateCode?: string | undefined } {
  const { message, restate_code: code } = (answer.json() ?? {}) as { message?: unknown; restate_code?: unknown };
  if (typeof message === "string") return { message, restateCode: typeof code === "string" ? code : undefined };
  const text = answer.text();
  return UNREADABLE.test(text) ? { message: text } : {};
}
