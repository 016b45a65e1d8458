/** What the model is given with a turn: a summary, the turns before, and the new message. */
import type { ModelMessage, UserModelMessage } from "ai";
import type { Past } from "./past-turns.ts";

/** The conversation up to the new message, and with it. */
export function promptOf({ summary, turns }: Past, message: UserModelMessage): ModelMessage[] {
  return [...summaryMessages(summary), ...turns.flat(), message];
}

/** A user message: the AI SDK refuses system messages among those of a conversation. */
export function summaryMessages(summary: string | undefined): ModelMessage[] {
  if (summary === undefined) return [];
  return [{ role: "user", content: `Summary of our conversation until here:\n\n${summary}` }];
}
