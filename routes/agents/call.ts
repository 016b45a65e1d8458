/** Waiting for an invocation without ever losing it. */
import { RestateOverloadedError } from "../../src/errors/restate-overloaded-error.ts";
import { RestateUnreachableError } from "../../src/errors/restate-unreachable-error.ts";
import type {
  AcceptedInvocation,
  AlreadyStarted,
  CallRequest,
  IngressClient,
  InvocationRequest,
} from "../../src/ingress/ingress-client.ts";
import type { InvocationResult } from "../../src/ingress/result.ts";
import type { InvocationTarget } from "../../src/ingress/target.ts";
import { HttpProblem } from "../problem.ts";

/** The result, or an invocation that goes on: it took longer than the caller waits. */
export type Outcome = InvocationResult | AlreadyStarted | (AcceptedInvocation & { readonly kind: "accepted" });

/** Pauses before each attempt to find an invocation whose call broke off, in milliseconds: about a second in all. */
const PAUSES_MS = [0, 200, 600];

/**
 * Calls a handler. When the time is over, or the connection breaks, the same invocation is *sent*: Restate answers with
 * the id of the one that it has, or accepts it now if the call had not arrived. Nothing runs twice, because the
 * idempotency key, or the workflow's key, is the same.
 *
 * @throws HttpProblem `restate-unreachable` (503) when Restate cannot be asked any more; it says how to ask again without
 * running anything twice.
 */
export async function callOrAccept(
  ingress: IngressClient,
  target: InvocationTarget,
  request: CallRequest,
): Promise<Outcome> {
  try {
    return await ingress.call(target, request);
  } catch (error) {
    if (!(error instanceof RestateUnreachableError)) throw error;
    if (error instanceof RestateOverloadedError) throw withKey(error, request);
    return findAgain(ingress, target, request, error);
  }
}

async function findAgain(
  ingress: IngressClient,
  target: InvocationTarget,
  request: InvocationRequest,
  broken: RestateUnreachableError,
): Promise<Outcome> {
  const { body, idempotencyKey, headers } = request;
  let last = broken;
  for (const pauseMs of PAUSES_MS) {
    if (pauseMs > 0) await pause(pauseMs);
    try {
      return { kind: "accepted", ...(await ingress.send(target, { body, idempotencyKey, headers: headers ?? {} })) };
    } catch (error) {
      if (!(error instanceof RestateUnreachableError)) throw error;
      last = error;
    }
  }
  throw withKey(last, request);
}

/** Sends, and says how to send again when Restate cannot be reached. */
export async function sendOrSay(
  send: () => Promise<AcceptedInvocation>,
  request: InvocationRequest,
): Promise<AcceptedInvocation> {
  try {
    return await send();
  } catch (error) {
    throw error instanceof RestateUnreachableError ? withKey(error, request) : error;
  }
}

function withKey(error: RestateUnreachableError, { idempotencyKey }: InvocationRequest): HttpProblem {
  const how =
    idempotencyKey === undefined
      ? "To find out whether it began, repeat the request with prefer: respond-async: a workflow's key runs once"
      : "It may have begun: repeat the request with the same idempotency-key, so that nothing is done twice";
  return new HttpProblem("restate-unreachable", 503, `${error.message}. ${how}`, {
    headers: { "retry-after": String(error.retryAfterSeconds) },
    members: { door: error.door, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) },
    cause: error,
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
