/** JSON over Restate's Admin API. Every group of the client is built on it. */
import type { ZodType } from "zod";
import { RestateRefusedError } from "../errors/restate-refused-error.ts";
import { RestateUnexpectedError } from "../errors/restate-unexpected-error.ts";
import { type RestateAddress, RestateHttp, type RestateRequest } from "../http/restate-http.ts";
import type { Sql } from "./sql.ts";

/** How the Admin API is reached. */
export interface AdminOptions extends RestateAddress {
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

/** The Admin API of one Restate. */
export class AdminHttp {
  readonly #http: RestateHttp;
  readonly #timeoutMs: number;

  constructor({ timeoutMs = DEFAULT_TIMEOUT_MS, ...address }: AdminOptions) {
    this.#http = new RestateHttp("admin", address);
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Sends a request, and reads its answer with `schema`.
   *
   * @throws RestateRefusedError with Restate's status, message and code, such as `META0003`.
   * @throws RestateUnexpectedError (502) when the answer has another shape.
   * @throws RestateUnreachableError, RestateUnauthorizedError
   */
  async json<T>(request: AdminRequest, schema: ZodType<T>): Promise<T> {
    const body = await this.send(request);
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    throw new RestateUnexpectedError("admin", `${request.method} ${request.path}`, parsed.error);
  }

  /** Sends a request whose answer does not matter, or is read by the caller. The errors are those of `json()`. */
  async send({ method, path, body }: AdminRequest): Promise<unknown> {
    const answer = await this.#http.exchange({
      method,
      path,
      timeoutMs: this.#timeoutMs,
      headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const parsed = answer.json();
    if (answer.ok) return parsed;
    const { message, restate_code: restateCode } = (parsed ?? {}) as { message?: unknown; restate_code?: unknown };
    throw new RestateRefusedError({
      status: answer.status,
      message: `Restate refused ${method} ${path}: ${typeof message === "string" ? message : answer.text() || answer.status}`,
      restateCode: typeof restateCode === "string" ? restateCode : undefined,
    });
  }

  /** Rows of a query over Restate's introspection tables. A column that is null in a row is absent there. */
  async query<T>(query: Sql, rowSchema: ZodType<T>): Promise<T[]> {
    const body = await this.send({ method: "POST", path: "/query", body: { query: query.text } });
    const parsed = rowSchema.array().safeParse((body as { readonly rows?: unknown } | undefined)?.rows);
    if (parsed.success) return parsed.data;
    throw new RestateUnexpectedError("admin", "a query", parsed.error);
  }
}
