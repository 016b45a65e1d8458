/** Invocations over the Admin API: found through SQL, acted on through its routes. */
import { z } from "zod";
import { InvalidRequestError } from "../../errors/invalid-request-error.ts";
import { InvocationNotFoundError } from "../../errors/invocation-not-found-error.ts";
import { RestateRefusedError } from "../../errors/restate-refused-error.ts";
import type { AdminHttp } from "../admin-http.ts";
import { type ActionOptions, type InvocationAction, sendAction } from "./invocation-actions.ts";
import { batchAtOnce, type BatchItem, batchOneByOne, MAX_BATCH } from "./invocation-batch.ts";
import { filterCondition, type InvocationFilter } from "./invocation-filter.ts";
import { isInvocationId } from "./invocation-id.ts";
import { afterPlace, cursorOf, type InvocationPage, orderBy, type PageRequest, placeOf } from "./invocation-page.ts";
import { INVOCATION_COLUMNS, invocationRowSchema } from "./invocation-row.ts";
import type { Invocation } from "./invocation.ts";
import { readFailedAttempts } from "../timeline/journal-events.ts";
import { type JournalPage, type JournalRequest, readJournal } from "../timeline/journal.ts";
import { allOf, sql, type Sql } from "../sql.ts";
import { readTimeline } from "../timeline/read-timeline.ts";
import type { Timeline } from "../timeline/timeline.ts";

/** What a batch by filter did, or would do. */
export interface FilteredBatch {
  /** How many invocations match. */
  readonly matched: number;
  /** What happened to each; empty in a dry run. */
  readonly items: readonly BatchItem[];
}

const MAX_PAGE = 500;
const countSchema = z.object({ count: z.int() });
const idSchema = z.object({ id: z.string() });

/**
 * The invocations of one Restate. Besides what is said at each method, all throw RestateUnreachableError (503),
 * RestateUnauthorizedError (502) and RestateUnexpectedError (502).
 */
export class Invocations {
  readonly #http: AdminHttp;

  constructor(http: AdminHttp) {
    this.#http = http;
  }

  /** An invocation; undefined when Restate knows none of this id, or it is no id. */
  async get(id: string): Promise<Invocation | undefined> {
    if (!isInvocationId(id)) return undefined;
    const query = sql`SELECT ${INVOCATION_COLUMNS} FROM sys_invocation WHERE id = ${id}`;
    const [invocation] = await this.#http.query(query, invocationRowSchema);
    if (invocation?.status !== "paused" || invocation.lastFailure !== undefined) return invocation;
    return { ...invocation, lastFailure: await this.#failureOfPause(id) };
  }

  /**
   * Invocations that match, by their creation.
   *
   * @throws InvalidRequestError (400) for a cursor that no page gave, and for a text that cannot be searched for.
   */
  async list(filter: InvocationFilter = {}, page: PageRequest = {}): Promise<InvocationPage> {
    const { limit = 50, cursor, order = "newest", total = false } = page;
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
      throw new InvalidRequestError(`Cannot list ${limit} invocations: a page has 1 to ${MAX_PAGE}`);
    }
    const matches = filterCondition(filter);
    const condition = cursor === undefined ? matches : allOf([matches, afterPlace(placeOf(cursor, order))]);
    const [found, count] = await Promise.all([
      this.#http.query(
        sql`SELECT ${INVOCATION_COLUMNS} FROM sys_invocation WHERE ${condition} ORDER BY ${orderBy(order)} LIMIT ${limit + 1}`,
        invocationRowSchema,
      ),
      total ? this.#count(matches) : undefined,
    ]);
    const invocations = found.slice(0, limit);
    const last = invocations.at(-1);
    const next = found.length > limit && last !== undefined ? cursorOf({ ...last, order }) : undefined;
    return { invocations, next, total: count };
  }

  /** How many match. */
  count(filter: InvocationFilter): Promise<number> {
    return this.#count(filterCondition(filter));
  }

  /** @throws InvocationNotFoundError (404) */
  async journal(id: string, request: JournalRequest = {}): Promise<JournalPage> {
    await this.#require(id);
    return readJournal(this.#http, id, request);
  }

  /** @throws InvocationNotFoundError (404) */
  async timeline(id: string, options: { readonly payloads?: boolean | undefined } = {}): Promise<Timeline> {
    return readTimeline(this.#http, await this.#require(id), options);
  }

  /**
   * Asks the handler to end: it sees a `CancelledError` at its next await.
   *
   * @throws InvocationNotFoundError (404) when there is none of this id.
   * @throws RestateRefusedError (409) when it has ended already.
   */
  async cancel(id: string): Promise<void> {
    await this.act(id, "cancel");
  }

  /**
   * Does something with an invocation; `restart` answers the id of the new one. Cancelling and pausing are asked for, and
   * happen soon.
   *
   * @throws InvocationNotFoundError (404)
   * @throws RestateRefusedError (400, 409) with Restate's reason, such as that a running invocation cannot be purged.
   */
  async act(id: string, action: InvocationAction, options: ActionOptions = {}): Promise<string | undefined> {
    if (!isInvocationId(id)) throw new InvocationNotFoundError(id);
    try {
      return await sendAction(this.#http, id, action, options);
    } catch (error) {
      if (isUnknown(error, id)) throw new InvocationNotFoundError(id);
      throw error;
    }
  }

  /**
   * Does the same with up to 1,000 invocations. One that is refused does not stop the others.
   *
   * @throws InvalidRequestError (400) for more ids.
   */
  async actOnAll(
    ids: readonly string[],
    action: InvocationAction,
    options: ActionOptions = {},
  ): Promise<readonly BatchItem[]> {
    if (ids.length > MAX_BATCH) throw new InvalidRequestError(`A batch may have ${MAX_BATCH} invocations`);
    const known = [...new Set(ids)].filter(isInvocationId);
    const items = new Map((await this.#batch(known, action, options)).map((item) => [item.id, item]));
    return [...new Set(ids)].map((id) => items.get(id) ?? unknownItem(id));
  }

  /**
   * Does the same with all that match, the oldest first, if they are no more than `atMost`.
   *
   * @throws InvalidRequestError (400) when more match; then nothing happened.
   */
  async actOnMatching(
    filter: InvocationFilter,
    action: InvocationAction,
    { atMost, dryRun = false, ...options }: ActionOptions & { readonly atMost: number; readonly dryRun?: boolean },
  ): Promise<FilteredBatch> {
    const bound = Math.min(atMost, MAX_BATCH);
    const matches = filterCondition(filter);
    if (dryRun) return { matched: await this.#count(matches), items: [] };
    const query = sql`SELECT id FROM sys_invocation WHERE ${matches} ORDER BY ${orderBy("oldest")} LIMIT ${bound + 1}`;
    const ids = (await this.#http.query(query, idSchema)).map(({ id }) => id);
    if (ids.length > bound) {
      throw new InvalidRequestError(`More than ${bound} invocations match: nothing was done; narrow the filter`);
    }
    return { matched: ids.length, items: await this.#batch(ids, action, options) };
  }

  async #batch(ids: readonly string[], action: InvocationAction, options: ActionOptions): Promise<BatchItem[]> {
    if (ids.length === 0) return [];
    // Restate's own batches know no `from`, and restart on the deployments that they choose.
    const isPlain = action !== "restart" || (options.from === undefined && options.deployment === undefined);
    const atOnce = isPlain ? await batchAtOnce(this.#http, action, ids, options) : undefined;
    return atOnce ?? batchOneByOne(ids, (id) => this.act(id, action, options));
  }

  async #count(matches: Sql): Promise<number> {
    const [row] = await this.#http.query(
      sql`SELECT count(*) AS count FROM sys_invocation WHERE ${matches}`,
      countSchema,
    );
    return row?.count ?? 0;
  }

  async #require(id: string): Promise<Invocation> {
    const invocation = await this.get(id);
    if (invocation === undefined) throw new InvocationNotFoundError(id);
    return invocation;
  }

  /** Restate moves it from the invocation to an event. */
  async #failureOfPause(id: string): Promise<Invocation["lastFailure"]> {
    const last = (await readFailedAttempts(this.#http, id)).at(-1);
    if (last?.paused !== true) return undefined;
    const { message, code, commandIndex, name } = last;
    return { message, code, step: commandIndex === undefined ? undefined : { commandIndex, name } };
  }
}

/** A deployment may be unknown too. */
function isUnknown(error: unknown, id: string): boolean {
  return error instanceof RestateRefusedError && error.code === 404 && error.message.includes(`invocation '${id}'`);
}

function unknownItem(id: string): BatchItem {
  return { id, done: false, code: "invocation-not-found", reason: "This is no id of an invocation" };
}
