/** Approval objects, as the routes call them: through Restate's ingress. */
import { z } from "@hono/zod-openapi";
import type { AnswerRequest, AnswerResult, ListRequest } from "../../src/approvals/approval-handlers.ts";
import { ALL_SHARDS, isKeptBy, shardOf, shardOfSession } from "../../src/approvals/approval-id.ts";
import { comparePlaces, type Place } from "../../src/approvals/approval-index.ts";
import { isApprovalObject } from "../../src/approvals/approval-object.ts";
import type { Approval } from "../../src/approvals/approvals.ts";
import type { AnyService } from "../../src/endpoint/restate-endpoint.ts";
import { RestateUnexpectedError } from "../../src/errors/restate-unexpected-error.ts";
import type { IngressClient } from "../../src/ingress/ingress-client.ts";
import { HttpProblem } from "../problem.ts";
import { type ApprovalList, approvalSchema } from "./approval-schemas.ts";

const TIMEOUT_MS = 15_000;

const pageSchema = z.object({ approvals: approvalSchema.array() });
const answerResultSchema: z.ZodType<AnswerResult> = z.discriminatedUnion("result", [
  z.object({ result: z.literal("recorded"), approval: approvalSchema }),
  z.object({ result: z.literal("decided"), approval: approvalSchema }),
  z.object({ result: z.literal("unknown") }),
]);

/** Names of the approval objects among the services. */
export function approvalObjectsOf(services: readonly AnyService[]): readonly string[] {
  return services.filter(isApprovalObject).map(({ name }) => name);
}

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
      const found = await this.#call(target, "get", id, approvalSchema.nullable());
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

  /** A page of questions, newest first. */
  async list({
    before,
    ...filter
  }: Omit<ListRequest, "before"> & { readonly before?: string | undefined }): Promise<ApprovalList> {
    const shards = filter.session === undefined ? ALL_SHARDS : [shardOfSession(filter.session)];
    const targets = this.#objects.flatMap((service) => shards.map((key) => ({ service, key })));
    const request: ListRequest = { ...filter, limit: filter.limit + 1, before: readCursor(before) };
    const pages = await Promise.all(targets.map((target) => this.#call(target, "list", request, pageSchema)));
    const all = pages.flatMap(({ approvals }) => approvals).toSorted((a, b) => comparePlaces(placeOf(a), placeOf(b)));
    const approvals = all.slice(0, filter.limit);
    const last = approvals.at(-1);
    return { approvals, next: all.length > filter.limit && last !== undefined ? cursorOf(last) : undefined };
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

function cursorOf(approval: Approval): string {
  const { ms, id } = placeOf(approval);
  return `${ms}.${id}`;
}

function readCursor(cursor: string | undefined): Place | undefined {
  const [ms, id] = cursor?.split(".") ?? [];
  return ms === undefined || id === undefined ? undefined : { ms: Number(ms), id };
}
