import { type Answer, asRecord, type Attempted, invocationIdOf } from "./answer.ts";
import { AgentClientError } from "./client-error.ts";
import type { Connection } from "./connection.ts";
import { Deadline } from "./deadline.ts";
import { bounded, type RequestOptions } from "./options.ts";
import { backoffMs } from "./retry.ts";

const WAIT_MS = 15 * 60_000;
const REQUEST_MS = 30_000;
/** Longest time limit: what timers can hold, about 24 days. */
const MAX_MS = 2 ** 31 - 1;
/** An app that answers sooner than this was not waiting. */
const QUICK_MS = 1_000;

/** Where an invocation is. `completed` and `failed` are final; the others are Restate's own words. */
export type AgentInvocationStatus =
  | "completed"
  | "failed"
  | "cancelling"
  | "pending"
  | "scheduled"
  | "ready"
  | "running"
  | "paused"
  | "backing-off"
  | "suspended"
  | (string & {});

/** An invocation that was started, perhaps elsewhere. */
export interface AgentInvocation<OUTPUT> {
  /** Restate's id: keep it, and ask for the result from anywhere. */
  readonly id: string;

  /**
   * Waits for the result.
   *
   * @throws AgentClientError `agent-failed` when the invocation failed or was cancelled; `timeout` when it goes on.
   */
  result(options?: RequestOptions): Promise<OUTPUT>;

  /**
   * Where it is, without waiting.
   *
   * @throws AgentClientError `invocation-not-found` when it never was, or is forgotten.
   */
  status(options?: RequestOptions): Promise<AgentInvocationStatus>;

  /**
   * Asks for it to be cancelled: its handler ends at the next place where it looks, and its result is then a failure
   * with code 409; one that has not begun is forgotten at once. False when it had ended already, and so keeps its result.
   *
   * @throws AgentClientError
   */
  cancel(options?: RequestOptions): Promise<boolean>;
}

/** An invocation by its id. `name` is for errors. */
export function invocation<OUTPUT>(connection: Connection, id: string, name: string): AgentInvocation<OUTPUT> {
  const path = `/invocations/${encodeURIComponent(id)}`;
  const attempted = (verb: string): Attempted => ({ action: `${verb} ${name}`, invocationId: id });
  return {
    id,
    async result(options = {}) {
      const deadline = deadlineOf(options, WAIT_MS);
      return (await pollResult(connection, attempted("get the result of"), deadline, options)) as OUTPUT;
    },
    async status(options = {}) {
      const request = { ...attempted("get the status of"), method: "GET", path, isRepeatable: true } as const;
      try {
        const headers = callHeaders(options);
        const { status, body } = await connection.send({ ...request, headers }, deadlineOf(options, REQUEST_MS));
        if (status !== 202) return "completed";
        const said = asRecord(body)?.["status"];
        return typeof said === "string" ? said : "running";
      } catch (error) {
        if (AgentClientError.isInstance(error) && error.kind === "agent-failed") return "failed";
        throw error;
      }
    },
    async cancel(options = {}) {
      const request = { ...attempted("cancel"), method: "DELETE", path, isRepeatable: true } as const;
      try {
        await connection.send({ ...request, headers: callHeaders(options) }, deadlineOf(options, REQUEST_MS));
        return true;
      } catch (error) {
        if (AgentClientError.isInstance(error) && error.code === "invocation-completed") return false;
        throw error;
      }
    },
  };
}

/** Waits for the result of an invocation, in as many requests as it takes. */
export async function pollResult(
  connection: Connection,
  attempted: Attempted,
  deadline: Deadline,
  options: RequestOptions,
): Promise<unknown> {
  const path = `/invocations/${encodeURIComponent(attempted.invocationId ?? "")}`;
  const headers = callHeaders(options);
  for (let quick = 0; ;) {
    const start = performance.now();
    const request = { ...attempted, method: "GET", path, headers, wait: "query", isRepeatable: true } as const;
    const answer = await connection.send(request, deadline);
    if (answer.status !== 202) return answer.body;
    quick = performance.now() - start < QUICK_MS ? quick + 1 : 0;
    if (quick > 0) await deadline.pause(Math.min(deadline.leftMs, backoffMs(quick, connection.retryDelayMs)));
  }
}

/**
 * The id in a 202.
 *
 * @throws AgentClientError `unexpected-answer` when there is none.
 */
export function acceptedId({ status, headers, body }: Answer, attempted: Attempted): string {
  const id = invocationIdOf(headers, body);
  if (id !== undefined) return id;
  const detail = `the answer is ${status} without the id of an invocation; url may be wrong`;
  throw new AgentClientError({ ...attempted, kind: "server-error", code: "unexpected-answer", status, detail });
}

/** The time of a call that waits for a result, or that does not. */
export function deadlineOf({ timeoutMs, signal }: RequestOptions, standardMs: number = WAIT_MS): Deadline {
  return new Deadline(bounded("timeoutMs", timeoutMs, standardMs, 0, MAX_MS), signal);
}

/** The headers that a call's options ask for. */
export function callHeaders({ headers, traceparent }: RequestOptions): Record<string, string | undefined> {
  return { ...headers, traceparent };
}
