/** Approval objects, as the routes call them: through Restate's ingress. */
import { z } from "@hono/zod-openapi";
import type { AnswerRequest, AnswerResult, ApprovalPage, ListRequest } from "../../src/approvals/approval-handlers.ts";
import { ALL_SHARDS, isKeptBy, shardOf, shardOfSession } from "../../src/approvals/approval-id.ts";
import { comparePlaces, type Place } from "../../src/approvals/approval-index.ts";
import type { Approval } from "../../src/approvals/approvals.ts";
import { RestateUnexpectedError } from "../../src/errors/restate-unexpected-error.ts";
import type { IngressClient } from "../../src/ingress/ingress-client.ts";
import { HttpProblem } from "../problem.ts";
import { type ApprovalList, keptSchema } from "./approval-schemas.ts";
import type { ApprovalView } from "./approval-view.ts";

const TIMEOUT_MS = 15_000;

/** Questions that are looked at in one go when not all of them are shown. */
const SCANNED = 100;
/** Most goes of one request. */
const MAX_SCANS = 5;

const pageSchema = z.object({
  approvals: keptSchema.array(),
  more: z.object({ id: z.string(), ms: z.number() }).optional(),
});
const answerResultSchema: z.ZodType<AnswerResult> = z.discriminatedUnion("result", [
  z.object({ result: z.literal("recorded"), approval: keptSchema }),
  z.object({ result: z.literal("decided"), approval: keptSchema }),
  z.object({ result: z.literal("unknown") }),
]);

/** Which questions are listed. */
export type PageRequest = Omit<ListRequest, "before"> & {
  /** The `next` of the page before. */
  readonly before?: string | undefined;
};

/** The questions of some approval objects. */
export class ApprovalClient {
  readonly #ingress: Pick<IngressClient, "call">;
  readonly #objects: readonly string[];

  /** @param objects Names of the approval objects. */
  constructor(ingress: Pick<IngressClient, "call">, objects: readonly string[]) {
    this.#ingress = ingress;
    this.#objects = objects;
  }

  /** The question with its whole input; undefined when there is none of this id, or it is forgotten. */
  async get(id: string): Promise<Approval | undefined> {
    for (const target of this.#keepersOf(id)) {
      const found = await this.#call(target, "get", id, keptSchema.nullable());
      if (found !== null) return found;
    }
    return undefined;
  }

  /** Answers a question: exactly one answer is recorded. */
  async answer(request: AnswerRequest): Promise<AnswerResult> {
    for (const target of this.#keepersOf(request.id)) {
      const result = await this.#call(target, "answer", request, answerResultSchema);
      if (result.result !== "unknown") return result;
    }
    return { result: "unknown" };
  }

  /**
   * A page of the questions that are seen, newest first: down to `next` none is left out. It looks at some hundreds at most,
   * so a page may have fewer than its limit, and a `next`.
   */
  async list({ before, limit, ...filter }: PageRequest, sees: ApprovalView["sees"]): Promise<ApprovalList> {
    if (sees === undefined) return listOf(await this.#page({ ...filter, limit, before: readCursor(before) }));
    const found: Approval[] = [];
    let at = readCursor(before);
    for (let scans = 0; scans < MAX_SCANS; scans++) {
      const page = await this.#page({ ...filter, limit: Math.max(limit, SCANNED), before: at });
      const isSeen = await Promise.all(page.approvals.map(sees));
      const seen = page.approvals.filter((_, n) => isSeen[n] === true);
      found.push(...seen.slice(0, limit - found.length));
      const last = found.at(-1);
      // One that is seen comes after the last: there the next page begins.
      if (found.length === limit && last !== undefined && last.id !== page.approvals.at(-1)?.id) {
        return listOf({ approvals: found, more: placeOf(last) });
      }
      at = page.more;
      if (at === undefined || found.length === limit) break;
    }
    return listOf({ approvals: found, more: at });
  }

  /** What the objects have, in one order: each has told everything down to its own end, so all have down to the first. */
  async #page({ limit, ...filter }: ListRequest): Promise<ApprovalPage> {
    const shards = filter.session === undefined ? ALL_SHARDS : [shardOfSession(filter.session)];
    const targets = this.#objects.flatMap((service) => shards.map((key) => ({ service, key })));
    const request: ListRequest = { ...filter, limit: limit + 1 };
    const pages = await Promise.all(targets.map((target) => this.#call(target, "list", request, pageSchema)));
    const [end] = pages.flatMap(({ more }) => (more === undefined ? [] : [more])).toSorted(comparePlaces);
    const all = pages
      .flatMap(({ approvals }) => approvals)
      .filter((approval) => end === undefined || comparePlaces(placeOf(approval), end) <= 0)
      .toSorted((a, b) => comparePlaces(placeOf(a), placeOf(b)));
    const approvals = all.slice(0, limit);
    const last = approvals.at(-1);
    return { approvals, more: all.length > limit && last !== undefined ? placeOf(last) : end };
  }

  #keepersOf(id: string): readonly { readonly service: string; readonly key: string }[] {
    const key = shardOf(id);
    if (key === undefined) return [];
    return this.#objects.filter((service) => isKeptBy(id, service)).map((service) => ({ service, key }));
  }

  async #call<T>(
    target: { readonly service: string; readonly key: string },
    handler: string,
    input: unknown,
    schema: z.ZodType<T>,
  ): Promise<T> {
    const body = JSON.stringify(input);
    const result = await this.#ingress.call({ ...target, handler }, { body, timeoutMs: TIMEOUT_MS });
    const what = `a call to ${target.service}.${handler}`;
    if (result.kind !== "success") {
      const message = result.kind === "failure" ? result.message : result.kind;
      throw new HttpProblem("invocation-failed", 502, `Cannot reach the approvals: ${what} failed: ${message}`);
    }
    const parsed = schema.safeParse(JSON.parse(new TextDecoder().decode(result.bytes) || "null"));
    if (parsed.success) return parsed.data;
    throw new RestateUnexpectedError("ingress", what, parsed.error);
  }
}

function placeOf({ id, requestedAt, answeredAt }: Approval): Place {
  return { id, ms: Date.parse(answeredAt ?? requestedAt) };
}

function listOf({ approvals, more }: ApprovalPage): ApprovalList {
  return { approvals, next: more === undefined ? undefined : `${more.ms}.${more.id}` };
}

function readCursor(cursor: string | undefined): Place | undefined {
  const [ms, id] = cursor?.split(".") ?? [];
  return ms === undefined || id === undefined ? undefined : { ms: Number(ms), id };
}
