/** What a turn is about, found out before anything happens. */
import { InvalidInputError } from "../../errors/invalid-input-error.ts";
import type { ObjectContext } from "../../restate.ts";
import { lastSlot, type RunningTurn, type SessionHead, withTurn } from "../session-head.ts";
import { slotOf } from "./find-turn.ts";
import { steeredInto, type SteeredMessage } from "./steered.ts";
import { answerIdOf } from "../session-info.ts";
import { asModelMessage, asUserMessage, type CheckedSend, type UserMessage } from "../session-input.ts";
import { NO_USAGE } from "../../agent/usage.ts";
import type { StoredTurn, TurnFailure } from "./stored-turn.ts";
import { readTurn, writeId, writeMessageTurn, writeTurn } from "./turn-state.ts";

/** A turn that is about to begin. */
export interface TurnStart {
  readonly turn: string;
  readonly message: UserMessage;
  /** The slot of the turn that it takes the place of, with all after it. */
  readonly replaces: number | undefined;
  /** Messages that were added to that turn, and stay. */
  readonly steered: readonly SteeredMessage[];
}

/** The id of a turn, and of its message where that has none. */
export function turnIdOf(input: CheckedSend, context: ObjectContext): string {
  if (input.turn !== undefined) return input.turn;
  // The id of a message that takes the place of another may be the same.
  if (input.kind === "message" && input.replaces !== undefined) return context.rand.uuidv4();
  const own = input.kind === "message" && typeof input.message !== "string" ? input.message.id : undefined;
  return own ?? context.rand.uuidv4();
}

/**
 * What the turn answers.
 *
 * @throws InvalidInputError (400) when there is nothing to regenerate or to replace, or not this.
 */
export async function turnStart(
  service: string,
  context: ObjectContext,
  head: SessionHead,
  input: CheckedSend,
  turn: string,
): Promise<TurnStart> {
  if (input.kind === "message") {
    const { replaces } = input;
    const place = replaces === undefined ? undefined : await slotOfMessage(service, context, head, replaces);
    const message = asUserMessage(input.message, replaces ?? turn, input.metadata);
    return { turn, message, replaces: place, steered: [] };
  }
  const slot = input.of === undefined ? lastSlot(head) : await slotOfTurn(context, head, input.of);
  const stored = slot === undefined ? undefined : await readTurn(context, slot);
  const [message, answer] = stored?.messages ?? [];
  if (slot === undefined || message?.role !== "user") {
    const what = input.of === undefined ? "no turn yet" : `no message "${input.of}" that could be, or not any more`;
    throw new InvalidInputError(`Cannot regenerate in ${service}: the conversation has ${what}`);
  }
  return {
    turn,
    message: { ...message, role: "user" },
    replaces: slot,
    steered: await steeredInto(context, slot, answer),
  };
}

/** Of the last turn all messages are known, also where an older version has noted only the turn's id. */
async function slotOfTurn(context: ObjectContext, head: SessionHead, id: string): Promise<number | undefined> {
  const found = await slotOf(context, head, id);
  if (found !== undefined) return found;
  const slot = lastSlot(head);
  const last = slot === undefined ? undefined : await readTurn(context, slot);
  return last?.messages.some((message) => message.id === id) === true ? slot : undefined;
}

/** The slot of the turn that a user message began. */
async function slotOfMessage(service: string, context: ObjectContext, head: SessionHead, id: string): Promise<number> {
  const slot = await slotOfTurn(context, head, id);
  const stored = slot === undefined ? undefined : await readTurn(context, slot);
  if (slot !== undefined && stored?.messages[0]?.id === id) return slot;
  throw new InvalidInputError(
    `Cannot replace message "${id}" in ${service}: the conversation has no such user message that began a turn, or not any more`,
  );
}

const KILLED: TurnFailure = { message: "The turn was killed", code: 500 };

/**
 * The head without the turn of an invocation that was killed: nobody could note its end then, so it is noted now. Its
 * steps are lost; the user's message stays. Its slot is not used again: an isolate may remember what the killed one
 * was about to store there (H2).
 */
export async function withoutKilled(context: ObjectContext, head: SessionHead, turn: string): Promise<SessionHead> {
  const { running, ...rest } = head;
  if (running === undefined) return head;
  // It is sent again: then it never happened.
  const nextSlot = running.slot + 1;
  if (running.turn === turn) return { ...rest, nextSlot };
  const { replaces } = running;
  const slot = nextSlot;
  writeTurn(context, slot, killedTurn(running), [await asModelMessage(running.message)]);
  const known = { slot, turn: running.turn, invocationId: running.invocationId };
  writeId(context, running.turn, known);
  writeMessageTurn(context, running.message.id, known);
  return withTurn(head, slot, replaces);
}

/** Metadata of its message. */
export function killedFacts({ turn, startedAt }: RunningTurn): Readonly<Record<string, unknown>> {
  return { turn, startedAt, error: { message: "An error occurred." } };
}

function killedTurn(running: RunningTurn): StoredTurn {
  const { turn, message } = running;
  const metadata = killedFacts(running);
  const answer = { id: answerIdOf(turn), role: "assistant" as const, metadata, parts: [] };
  const messages = [message, answer];
  return { v: 1, turn, messages, text: "", finishReason: "error", usage: NO_USAGE, failure: KILLED };
}
