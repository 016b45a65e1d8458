/** Invocations over the Admin API: found through SQL, acted on through its routes. */
import { InvocationNotFoundError } from "../errors/invocation-not-found-error.ts";
import { RestateRefusedError } from "../errors/restate-refused-error.ts";
import { path } from "../http/restate-http.ts";
import type { AdminHttp } from "./admin-http.ts";
import { type Invocation, INVOCATION_COLUMNS, invocationIdSchema, invocationRowSchema } from "./invocation.ts";
import { sql } from "./sql.ts";

/** The invocations of one Restate. */
export class Invocations {
  readonly #http: AdminHttp;

  constructor(http: AdminHttp) {
    this.#http = http;
  }

  /** An invocation; undefined when Restate knows none of this id, or it is no id. */
  async get(id: string): Promise<Invocation | undefined> {
    if (!invocationIdSchema.safeParse(id).success) return undefined;
    const query = sql`SELECT ${INVOCATION_COLUMNS} FROM sys_invocation WHERE id = ${id}`;
    try {
      const [invocation] = await this.#http.query(query, invocationRowSchema);
      return invocation;
    } catch (error) {
      if (isMalformedId(error)) return undefined;
      throw error;
    }
  }

  /**
   * Asks the handler to end: it sees a `CancelledError` at its next await.
   *
   * @throws InvocationNotFoundError (404) when there is none of this id.
   * @throws RestateRefusedError (409) when it has ended already.
   */
  async cancel(id: string): Promise<void> {
    await this.#act(id, "cancel");
  }

  async #act(id: string, action: string): Promise<unknown> {
    if (!invocationIdSchema.safeParse(id).success) throw new InvocationNotFoundError(id);
    try {
      return await this.#http.send({ method: "PATCH", path: path("invocations", id, action) });
    } catch (error) {
      if (isMalformedId(error) || isUnknown(error, id)) throw new InvocationNotFoundError(id);
      throw error;
    }
  }
}

/** Restate decodes an id before it searches, and calls one that is too large a number invalid. */
function isMalformedId(error: unknown): boolean {
  return (
    error instanceof RestateRefusedError &&
    /non valid invocation id|field 'invocation_id' is invalid/.test(error.message)
  );
}

/** A deployment may be unknown too. */
function isUnknown(error: unknown, id: string): boolean {
  return error instanceof RestateRefusedError && error.code === 404 && error.message.includes(`'${id}'`);
}
