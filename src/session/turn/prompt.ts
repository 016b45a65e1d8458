/** What the model is given of the turns before one: a summary, and those after it. */
import type { ModelMessage } from "ai";
import type { Past } from "./past-turns.ts";

/** The conversation up to the new message. */
export function promptOf({ summary, turns }: Past): ModelMessage[] {
  return [...summaryMessages(summary), ...turns.flat()];
}

/** A user message: the AI SDK refuses system messages among those of a conversation. */
export function summaryMessages(summary: string | undefined): ModelMessage[] {
  if (summary === undefined) return [];
  return [{ role: "user", content: `Summary of our conversation until here:\n\n${summary}` }];
}
