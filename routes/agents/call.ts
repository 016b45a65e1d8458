/** Waiting for an invocation without ever losing it. */
import { RestateOverloadedError } from "../../src/errors/restate-overloaded-error.ts";
import { RestateUnexpectedError } from "../../src/errors/restate-unexpected-error.ts";
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

/** What waiting needs of the ingress. */
type Ingress = Pick<IngressClient, "call" | "send">;

/** Pauses before each attempt to find an invocation whose call broke off, in milliseconds: about a second in all. */
const PAUSES_MS = [0, 200, 600];
/** Longest time to find an invocation, all attempts and pauses, in milliseconds. Clients wait that much longer. */
export const FIND_AGAIN_MS = 8_000;
/** Longest wait of each attempt, in milliseconds. */
const ATTEMPT_MS = 3_000;

/**
 * Calls a handler. When the time is over, the connection breaks, or something answers that is not Restate, the same
 * invocation is *sent*: Restate answers with the id of the one that it has, or accepts it now if the call had not arrived.
 * Nothing runs twice, because the idempotency key, or the workflow's key, is the same.
 *
 * @param ownKey The idempotency key as the caller knows it.
 * @throws HttpProblem `restate-unreachable` (503), or `restate-unexpected` (502), when Restate cannot be asked any more; it
 * says how to ask again without running anything twice.
 */
export async function callOrAccept(
  ingress: Ingress,
  target: InvocationTarget,
  request: CallRequest,
  ownKey: string | undefined,
): Promise<Outcome> {
  try {
    return await ingress.call(target, request);
  } catch (error) {
    if (!mayHaveBegun(error)) throw error;
    if (error instanceof RestateOverloadedError) throw withKey(error, ownKey);
    return findAgain(ingress, target, request, ownKey, error);
  }
}

async function findAgain(
  ingress: Ingress,
  target: InvocationTarget,
  { body, idempotencyKey, headers = {} }: InvocationRequest,
  ownKey: string | undefined,
  broken: Unanswered,
): Promise<Outcome> {
  const end = performance.now() + FIND_AGAIN_MS;
  let last = broken;
  for (const pauseMs of PAUSES_MS) {
    if (pauseMs > 0) await pause(pauseMs);
    const timeoutMs = Math.min(ATTEMPT_MS, end - performance.now());
    if (timeoutMs <= 0) break;
    try {
      return { kind: "accepted", ...(await ingress.send(target, { body, idempotencyKey, headers, timeoutMs })) };
    } catch (error) {
      // Restate refuses to say. The call may have begun all the same, so that its key matters more than why.
      if (!mayHaveBegun(error)) break;
      last = error;
    }
  }
  throw withKey(last, ownKey);
}

/** Sends, and says how to send again when it is not known whether Restate has it. */
export async function sendOrSay(
  send: () => Promise<AcceptedInvocation>,
  ownKey: string | undefined,
): Promise<AcceptedInvocation> {
  try {
    return await send();
  } catch (error) {
    throw mayHaveBegun(error) ? withKey(error, ownKey) : error;
  }
}

/** The request was heard, or not: something else answered, or nothing. */
type Unanswered = RestateUnreachableError | RestateUnexpectedError;

function mayHaveBegun(error: unknown): error is Unanswered {
  return error instanceof RestateUnreachableError || error instanceof RestateUnexpectedError;
}

/** Whatever answers in Restate's place may be gone soon. */
const RETRY_AFTER_SECONDS = 2;

function withKey(error: Unanswered, idempotencyKey: string | undefined): HttpProblem {
  const how =
    idempotencyKey === undefined
      ? "To find out whether it began, repeat the request with prefer: respond-async: a workflow's key runs once"
      : "It may have begun: repeat the request with the same idempotency-key, so that nothing is done twice";
  const isAway = error instanceof RestateUnreachableError;
  const seconds = isAway ? error.retryAfterSeconds : RETRY_AFTER_SECONDS;
  return new HttpProblem(
    isAway ? "restate-unreachable" : "restate-unexpected",
    error.code,
    `${error.message}. ${how}`,
    {
      headers: { "retry-after": String(seconds) },
      members: { door: "ingress", ...(idempotencyKey === undefined ? {} : { idempotencyKey }) },
      cause: error,
    },
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
