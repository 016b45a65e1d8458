/** What a turn is about, found out before anything happens. */
import { InvalidInputError } from "../../errors/invalid-input-error.ts";
import type { ObjectContext } from "../../restate.ts";
import { lastSlot, type RunningTurn, type SessionHead, withTurn } from "../session-head.ts";
import { answerIdOf } from "../session-info.ts";
import { asModelMessage, asUserMessage, type CheckedSend, type UserMessage } from "../session-input.ts";
import { NO_USAGE } from "../../agent/usage.ts";
import type { StoredTurn, TurnFailure } from "./stored-turn.ts";
import { readTurn, writeId, writeTurn } from "./turn-state.ts";

/** A turn that is about to begin. */
export interface TurnStart {
  readonly turn: string;
  readonly message: UserMessage;
  /** The slot of the turn that it takes the place of. */
  readonly replaces: number | undefined;
}

/** The id of a turn, and of its message where that has none. */
export function turnIdOf(input: CheckedSend, context: ObjectContext): string {
  if (input.turn !== undefined) return input.turn;
  const own = input.kind === "message" && typeof input.message !== "string" ? input.message.id : undefined;
  return own ?? context.rand.uuidv4();
}

/**
 * What the turn answers.
 *
 * @throws InvalidInputError (400) when there is nothing to regenerate, or not this.
 */
export async function turnStart(
  service: string,
  context: ObjectContext,
  head: SessionHead,
  input: CheckedSend,
  turn: string,
): Promise<TurnStart> {
  if (input.kind === "message") {
    return { turn, message: asUserMessage(input.message, turn, input.metadata), replaces: undefined };
  }
  const slot = lastSlot(head);
  const last = slot === undefined ? undefined : await readTurn(context, slot);
  const [message] = last?.messages ?? [];
  if (last === undefined || message?.role !== "user") {
    throw new InvalidInputError(`Cannot regenerate in ${service}: the conversation has no turn yet`);
  }
  if (input.of !== undefined && !last.messages.some(({ id }) => id === input.of)) {
    throw new InvalidInputError(
      `Cannot regenerate in ${service}: only the last turn can be, and message "${input.of}" is not of it`,
    );
  }
  return { turn, message: { ...message, role: "user" }, replaces: slot };
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
  writeId(context, running.turn, { slot, turn: running.turn });
  return withTurn(head, slot, replaces);
}

function killedTurn({ turn, message, startedAt }: RunningTurn): StoredTurn {
  const metadata = { turn, startedAt, error: { message: "An error occurred." } };
  const answer = { id: answerIdOf(turn), role: "assistant" as const, metadata, parts: [] };
  const messages = [message, answer];
  return { v: 1, turn, messages, text: "", finishReason: "error", usage: NO_USAGE, failure: KILLED };
}
