/** Messages that were added to a turn while it ran, when that turn is run again. */
import type { FileUIPart, TextUIPart, UserModelMessage } from "ai";
import type { ObjectContext } from "../../restate.ts";
import type { SessionMessage } from "../session-types.ts";
import { readModelMessages } from "./turn-state.ts";

/** One of them. */
export interface SteeredMessage {
  readonly id: string;
  readonly parts: readonly (TextUIPart | FileUIPart)[];
  readonly model: UserModelMessage;
}

/** Those that the turn in `slot` took. What its model was given of it is read only when there are some. */
export async function steeredInto(
  context: ObjectContext,
  slot: number,
  answer: SessionMessage | undefined,
): Promise<readonly SteeredMessage[]> {
  const told = (answer?.parts ?? []).flatMap((part) => (part.type === "steering-message" ? [part] : []));
  if (told.length === 0) return [];
  const messages = (await readModelMessages(context, slot)) ?? [];
  // The first one began the turn.
  const given = messages.flatMap((message) => (message.role === "user" ? [message] : [])).slice(1);
  return told.flatMap(({ id, parts }, index): SteeredMessage[] => {
    const model = given[index];
    return model === undefined ? [] : [{ id, parts, model }];
  });
}
