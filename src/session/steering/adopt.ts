/**
 * Looks after the messages that were added to a turn and that nobody has told the fate of when the turn has ended: who
 * added one may have been killed, and so may the turn. None is lost, and none is given to a later turn as if it were meant
 * for that (inbox-object.ts, I4).
 */
import { invocationEnd } from "../../journal/invocation-end.ts";
import type { ObjectSharedContext } from "../../restate.ts";
import type { SteerAnswer } from "../session-types.ts";
import type { Session } from "../session.ts";
import type { CloseRequest, TakenMessage } from "./inbox-object.ts";
import { callInbox } from "./call-inbox.ts";
import { knownAnswer, ownTurn, Sent } from "./own-turn.ts";

/** Waits for the turn's end. What the turn has, it keeps; what it has not becomes turns of their own, in order. */
export async function adopt(
  session: Session,
  context: ObjectSharedContext,
  { invocationId }: CloseRequest,
): Promise<void> {
  const { inbox } = session;
  if (inbox === undefined) return;
  await invocationEnd(context, invocationId);
  const left = (await callInbox(inbox, context, "close", { invocationId })) as readonly TakenMessage[];
  const sent = new Sent();
  for (const { message, awakeables } of left) {
    const known = await knownAnswer(context, message.id);
    const answer: SteerAnswer = known ?? (await ownTurn(session, context, message, sent));
    // Who has been told is not told again: the first word counts.
    for (const awakeable of awakeables) context.resolveAwakeable(awakeable, answer);
  }
}
