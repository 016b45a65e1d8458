/**
 * The same action on many invocations.
 *
 * Restate has an endpoint for that, which its CLI and UI use and which no document describes: one request for a
 * thousand invocations, where Workers may send only so many. So it is tried first; a server (or a proxy before it) that
 * does not offer it (404, 405) is asked once for each invocation, a few at a time. After any other answer part of the
 * batch may have happened, and a restart that is asked for twice happens twice.
 */
import { z } from "zod";
import { EdgeAgentError } from "../../errors/edge-agent-error.ts";
import { RestateUnauthorizedError } from "../../errors/restate-unauthorized-error.ts";
import { RestateUnexpectedError } from "../../errors/restate-unexpected-error.ts";
import { RestateUnreachableError } from "../../errors/restate-unreachable-error.ts";
import { path } from "../../http/restate-http.ts";
import type { AdminHttp } from "../admin-http.ts";
import type { ActionOptions, InvocationAction } from "./invocation-actions.ts";

/** Most invocations of one batch. */
export const MAX_BATCH = 1000;

/** Workers open six connections at once; more would wait there. */
const CONCURRENCY = 6;

/** What happened to one invocation of a batch. */
export interface BatchItem {
  readonly id: string;
  readonly done: boolean;
  /** Why not: `invocation-not-found`, `restate-refused`, or what was wrong with Restate, such as `restate-unreachable`. */
  readonly code?: string | undefined;
  readonly reason?: string | undefined;
  /** Of `restart`: the invocation that began. */
  readonly newId?: string | undefined;
}

const succeededSchema = z.union([
  z.string().transform((id) => ({ old_invocation_id: id, new_invocation_id: undefined })),
  z.object({ old_invocation_id: z.string(), new_invocation_id: z.string() }),
]);

const answerSchema = z.object({
  succeeded: succeededSchema.array(),
  failed: z.object({ invocation_id: z.string(), error: z.string() }).array(),
});

/**
 * One request for all; undefined when the server has no such endpoint.
 *
 * @throws RestateUnexpectedError (502) when its answer is not what it was: the actions have happened or not.
 * @throws RestateRefusedError with what Restate says.
 */
export async function batchAtOnce(
  http: AdminHttp,
  action: InvocationAction,
  ids: readonly string[],
  { deployment }: ActionOptions,
): Promise<BatchItem[] | undefined> {
  const name = action === "restart" ? "restart-as-new" : action;
  const body = { invocation_ids: ids, ...(deployment === undefined ? {} : { deployment }) };
  const request = { method: "POST", path: path("internal", "invocations_batch_operations", name), body } as const;
  const answer = await http.jsonIfOffered(request, answerSchema);
  if (answer === undefined) return undefined;
  const items = new Map<string, BatchItem>();
  for (const { old_invocation_id: id, new_invocation_id: newId } of answer.succeeded)
    items.set(id, { id, done: true, newId });
  for (const { invocation_id: id, error } of answer.failed) {
    const code = /not found|not exist/.test(error) ? "invocation-not-found" : "restate-refused";
    items.set(id, { id, done: false, code, reason: error });
  }
  const unmentioned = { done: false, code: "restate-unexpected", reason: "Restate did not say what happened" };
  return ids.map((id) => items.get(id) ?? { id, ...unmentioned });
}

/**
 * One request for each, a few at a time. When Restate itself fails, no more is asked, and
 * what happened to the others is told all the same.
 *
 * @throws What `act` threw that is no refusal, if nothing was done.
 */
export async function batchOneByOne(
  ids: readonly string[],
  act: (id: string) => Promise<string | undefined>,
): Promise<BatchItem[]> {
  const items: BatchItem[] = [];
  const waiting = ids.entries();
  let trouble: RestateTrouble | undefined;
  const attempt = async (id: string): Promise<BatchItem> => {
    try {
      return { id, done: true, newId: await act(id) };
    } catch (error) {
      if (isTrouble(error)) trouble ??= error;
      else if (!EdgeAgentError.isInstance(error)) throw error;
      return { id, done: false, ...reasonOf(error) };
    }
  };
  const work = async (): Promise<void> => {
    for (const [index, id] of waiting) {
      items[index] = trouble === undefined ? await attempt(id) : { id, done: false, ...reasonOf(trouble) };
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  if (trouble !== undefined && !items.some(({ done }) => done)) throw trouble;
  return items;
}

/** Restate does not answer, or not as it should: asking for more would not help. */
type RestateTrouble = RestateUnreachableError | RestateUnauthorizedError | RestateUnexpectedError;

function isTrouble(error: unknown): error is RestateTrouble {
  return (
    error instanceof RestateUnreachableError ||
    error instanceof RestateUnauthorizedError ||
    error instanceof RestateUnexpectedError
  );
}

function reasonOf({ errorCode, message }: RestateTrouble | EdgeAgentError): Pick<BatchItem, "code" | "reason"> {
  return { code: errorCode, reason: message };
}
