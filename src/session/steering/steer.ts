/**
 * Adds a message to the running turn. This invocation looks after its message until its fate is known, so it is never
 * lost: the turn takes it and says what became of it, or it is taken back when the turn has ended and becomes a turn of
 * its own. It is never there twice: taking and taking back exclude each other (I1), and a turn's id is used once (U1).
 */
import { jsonSerde } from "../json-serde.ts";
import { RestatePromise } from "../../journal/restate-promise.ts";
import { type InvocationId, type ObjectSharedContext, TimeoutError } from "../../restate.ts";
import { readHead, readId } from "../turn/turn-state.ts";
import type { RunningTurn } from "../session-head.ts";
import { asUserMessage, checkSteer, type UserMessage } from "../session-input.ts";
import type { SteerAnswer } from "../session-types.ts";
import type { Session } from "../session.ts";
import { sendTurn } from "./send-turn.ts";

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

/** Of a message that a turn which has ended has. */
async function knownAnswer(context: ObjectSharedContext, id: string): Promise<SteerAnswer | undefined> {
  const known = await readId(context, id);
  return known === undefined ? undefined : { id, delivered: known.turn !== id, turn: known.turn };
}

/** Undefined when the turn has not taken it, and will not. */
async function viaInbox(
  inbox: string,
  context: ObjectSharedContext,
  { turn, invocationId }: RunningTurn,
  message: UserMessage,
): Promise<SteerAnswer | undefined> {
  const { id: awakeable, promise: fate } = context.awakeable<SteerAnswer>();
  await callInbox(inbox, context, "add", { turn, message, awakeable });
  let answer: SteerAnswer | undefined;
  try {
    answer = await RestatePromise.race([fate, ended(context, invocationId)]);
  } catch (error) {
    // Cancelled: nobody looks after the message any more.
    await callInbox(inbox, context, "remove", { turn, id: message.id });
    throw error;
  }
  if (answer !== undefined) return answer;
  const removed = await callInbox(inbox, context, "remove", { turn, id: message.id });
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

function callInbox(inbox: string, context: ObjectSharedContext, method: string, parameter: unknown): Promise<unknown> {
  const { key } = context;
  return context.genericCall<unknown, unknown>({
    service: inbox,
    key,
    method,
    parameter,
    inputSerde: jsonSerde,
    outputSerde: jsonSerde,
  });
}

async function ownTurn({ name }: Session, context: ObjectSharedContext, message: UserMessage): Promise<SteerAnswer> {
  const { id } = message;
  return { id, delivered: false, turn: id, invocationId: await sendTurn(context, name, message).invocationId };
}
