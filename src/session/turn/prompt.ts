/** What the model is given of the turns before one: a summary, and those after it. */
import type { ModelMessage } from "ai";
import { type ConversationMark, withMark } from "../../agent/conversation-mark.ts";
import type { Past } from "./past-turns.ts";

/** The conversation up to the new message. */
export function promptOf({ summary, mark, turns }: Past): ModelMessage[] {
  return [...summaryMessages(summary, mark), ...turns.flat()];
}

/** With `mark` on it. A user message: the AI SDK refuses system messages among those of a conversation. */
export function summaryMessages(summary: string | undefined, mark: ConversationMark = {}): ModelMessage[] {
  if (summary === undefined) return [];
  const message: ModelMessage = { role: "user", content: `Summary of our conversation until here:\n\n${summary}` };
  return Object.keys(mark).length === 0 ? [message] : withMark([message], mark);
}
