/**
 * Adds a message to the running turn. This invocation looks after its message until its fate is known, so it is never
 * lost: the turn takes it and says what became of it, or it is taken back when the turn has ended and becomes a turn of
 * its own. It is never there twice: taking and taking back exclude each other (I1), and a turn's id is used once (U1).
 *
 * When this invocation is cancelled it takes the message back, if the turn does not have it. When it is killed, the message
 * is looked after all the same (adopt.ts).
 */
import { jsonSerde } from "../json-serde.ts";
import { RestatePromise } from "../../journal/restate-promise.ts";
import { CancelledError, type InvocationId, type ObjectSharedContext, TimeoutError } from "../../restate.ts";
import { readHead } from "../turn/turn-state.ts";
import type { RunningTurn } from "../session-head.ts";
import { asUserMessage, checkSteer, type UserMessage } from "../session-input.ts";
import type { SteerAnswer } from "../session-types.ts";
import type { Session } from "../session.ts";
import type { AddRequest, RemoveRequest } from "./inbox-object.ts";
import { callInbox, tellInbox } from "./call-inbox.ts";
import { knownAnswer, ownTurn } from "./own-turn.ts";

/** How long a turn that has ended may take to say what became of a message that it took, in milliseconds. */
const FATE_MS = 10_000;

/** @throws InvalidInputError (400) */
export async function steer(session: Session, context: ObjectSharedContext, rawInput: unknown): Promise<SteerAnswer> {
  const input = checkSteer(session.name, rawInput);
  const own = typeof input.message === "string" ? undefined : input.message.id;
  const id = input.id ?? own ?? context.rand.uuidv4();
  const message = { ...asUserMessage(input.message, id), id };
  const [head, known] = await Promise.all([readHead(context), knownAnswer(context, id)]);
  if (known !== undefined) return known;
  const running = head?.running;
  // It is the very message that the running turn answers.
  if (running?.turn === id) return { id, delivered: false, turn: id, invocationId: running.invocationId };
  if (session.inbox === undefined || running === undefined) return ownTurn(session, context, message);
  return (await viaInbox(session.inbox, context, running, message)) ?? ownTurn(session, context, message);
}

/** Undefined when the turn has not taken it, and will not. */
async function viaInbox(
  inbox: string,
  context: ObjectSharedContext,
  { turn, invocationId }: RunningTurn,
  message: UserMessage,
): Promise<SteerAnswer | undefined> {
  const { id: awakeable, promise: fate } = context.awakeable<SteerAnswer>();
  const added: AddRequest = { turn, invocationId, message, awakeable };
  const own: RemoveRequest = { turn, id: message.id };
  let answer: SteerAnswer | undefined;
  let removed: unknown;
  try {
    await callInbox(inbox, context, "add", added);
    answer = await RestatePromise.race([fate, ended(context, invocationId)]);
    if (answer !== undefined) return answer;
    removed = await callInbox(inbox, context, "remove", own);
  } catch (error) {
    // Cancelled: whoever sent it does not want it any more. Not waited for, so that cancelling twice changes nothing.
    if (error instanceof CancelledError) tellInbox(inbox, context, "remove", own);
    throw error;
  }
  if (removed === true) return undefined;
  // Sent twice, the second one may have come when the turn had the message already.
  return (await knownAnswer(context, message.id)) ?? fate.orTimeout(FATE_MS).catch(lostWithItsTurn);
}

/** The turn had taken it and was killed before it could say what became of it. */
function lostWithItsTurn(error: unknown): undefined {
  if (error instanceof TimeoutError) return undefined;
  throw error;
}

/** Settles when an invocation has ended, in whatever way; also when it is not known any more. */
function ended(context: ObjectSharedContext, invocationId: string): RestatePromise<undefined> {
  return context.attach(invocationId as InvocationId, jsonSerde).map(() => undefined);
}
