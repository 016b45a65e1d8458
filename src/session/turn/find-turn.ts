/** Which turn of a conversation is meant: by its id, or by that of its message or of the assistant's. */
import type { ObjectSharedContext } from "../../restate.ts";
import { lastSlot, type SessionHead, slotsOf } from "../session-head.ts";
import { answerIdOf } from "../session-info.ts";
import { checkFind } from "../session-input.ts";
import type { SessionMessage } from "../session-types.ts";
import type { KnownId } from "./stored-turn.ts";
import { readHead, readId, readMessageTurn, readTurn } from "./turn-state.ts";

type Reader = Pick<ObjectSharedContext, "get">;

/** What `find` answers. */
export interface FoundTurn {
  readonly turn: string;
  /** Absent in what older versions stored. */
  readonly invocationId?: string | undefined;
  /** The user's message. */
  readonly message?: SessionMessage | undefined;
  /** False for a turn in whose place, or before which, the conversation has gone on. */
  readonly isPart: boolean;
  /** Whether nothing comes after it. */
  readonly isLast: boolean;
}

/** The turn that has the message of this id now; undefined when there is none. */
async function turnOfMessage(context: Reader, id: string): Promise<KnownId | undefined> {
  const suffix = answerIdOf("");
  return (
    (await readMessageTurn(context, id)) ??
    (await readId(context, id)) ??
    (id.endsWith(suffix) ? readId(context, id.slice(0, id.length - suffix.length)) : undefined)
  );
}

/** The slot of the turn that has the message of this id, if it is part of the conversation. */
export async function slotOf(context: Reader, head: SessionHead, id: string): Promise<number | undefined> {
  const known = await turnOfMessage(context, id);
  return known !== undefined && slotsOf(head).includes(known.slot) ? known.slot : undefined;
}

/**
 * The handler `find`, for the routes: the turn of this id, or that answers this message now. Null when there is none.
 *
 * @throws InvalidInputError (400)
 */
export async function find(
  service: string,
  context: ObjectSharedContext,
  rawInput: unknown,
): Promise<FoundTurn | null> {
  const { turn: turnId, message: messageId } = checkFind(service, rawInput);
  const head = await readHead(context);
  if (head === undefined) return null;
  const { running } = head;
  const isRunning = turnId === undefined ? running?.message.id === messageId : running?.turn === turnId;
  if (running !== undefined && isRunning) {
    const { turn, invocationId, message } = running;
    return { turn, invocationId, message, isPart: true, isLast: true };
  }
  const known = turnId === undefined ? await turnOfMessage(context, messageId ?? "") : await readId(context, turnId);
  if (known === undefined) return null;
  const { slot, turn, invocationId } = known;
  const stored = await readTurn(context, slot);
  const isPart = slotsOf(head).includes(slot);
  const isLast = running === undefined && slot === lastSlot(head);
  return { turn, invocationId, message: stored?.messages[0], isPart, isLast };
}
