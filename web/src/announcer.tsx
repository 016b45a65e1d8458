/**
 * Tells those who hear the page what happens, in a few words: that an answer begins, that somebody is asked, and, once it
 * is complete, the answer itself. Not the words as they stream in: those would be read over each other.
 */
import { isToolUIPart, type UIMessage } from "ai";
import type { ReactElement } from "react";
import { plainTextOf } from "./markdown.ts";
import { textOf } from "./reading.ts";
import type { Conversation } from "./use-conversation.ts";

/** Longest text that is read out, in characters. */
const MAX_CHARACTERS = 1_500;

/** A live region. */
export function Announcer({ conversation }: { readonly conversation: Conversation }): ReactElement {
  return (
    <div className="hidden" role="status" aria-live="polite" aria-atomic="true">
      {announcement(conversation)}
    </div>
  );
}

function announcement({ messages, running, pending, error }: Conversation): string {
  if (error !== undefined) return `It failed: ${error}`;
  const last = messages.at(-1);
  const asked = pending[0] ?? undefined;
  if (asked?.kind === "question") return `You are asked: ${asked.reason ?? asked.tool}`;
  if (asked !== undefined) return `Your approval is needed for ${asked.tool}`;
  if (running) return toolAtWork(last) ?? "The agent is answering";
  if (last?.role !== "assistant") return "";
  const text = plainTextOf(textOf(last));
  const whole = text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)} …` : text;
  return `The agent has answered: ${whole}`;
}

function toolAtWork(message: UIMessage | undefined): string | undefined {
  if (message?.role !== "assistant") return undefined;
  const part = message.parts.findLast(isToolUIPart);
  if (part?.state !== "input-available") return undefined;
  return `The tool ${part.type.replace(/^tool-/, "")} is at work`;
}
