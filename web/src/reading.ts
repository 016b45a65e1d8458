/** What is read of a conversation's turns, and how it is put together with what the app says. */
import type { UIMessage } from "ai";
import type { Approval } from "../../src/approvals/approvals.ts";
import type { SessionView } from "./api.ts";

/** What of the turn's stream was read in this tab. */
export class Reading {
  /** True when the last request failed, or its connection broke. */
  failed = false;
  /** Id of the last assistant message that ended. */
  finished: string | undefined;
  /** State in which the stream was last read to its end, or began to be read. */
  #seen: string | undefined;
  #open = 0;
  /** Grows with each stream that is read: what the app said before is out of date then. */
  #generation = 0;

  get generation(): number {
    return this.#generation;
  }

  begin(): void {
    this.failed = false;
    this.#generation += 1;
    this.#open += 1;
  }

  end(): void {
    this.#open -= 1;
  }

  /** What was read may have been cut: it has to be read again. */
  forget(): void {
    this.#seen = undefined;
  }

  /** True when no stream is being read, and none was begun since. */
  isFree(generation: number): boolean {
    return this.#open === 0 && generation === this.#generation;
  }

  /** True when the running turn's stream has, or may have, something that was not read. */
  isNews({ turn }: SessionView, asked: readonly Approval[]): boolean {
    if (turn !== undefined && this.finished === answerIdOf(turn)) return false;
    const state = JSON.stringify([turn, asked.map(({ id }) => id).toSorted()]);
    if (state === this.#seen) return false;
    this.#seen = state;
    return true;
  }
}

/** The messages before the answer that is being given, and what is shown of it. */
export function beginningOf({ messages, turn }: SessionView, before: readonly UIMessage[]): UIMessage[] {
  const known = new Set(messages.map(({ id }) => id));
  const answer = before.filter(({ id }) => turn !== undefined && id === answerIdOf(turn) && !known.has(id));
  return [...messages, ...answer];
}

/** True when the last message of `shown` is the user's, and the app does not have it. */
export function isUnsent(shown: readonly UIMessage[], { messages }: SessionView): boolean {
  const last = shown.at(-1);
  return last?.role === "user" && !messages.some(({ id }) => id === last.id);
}

/** True for the same messages with the same content. */
export function isSame(a: readonly UIMessage[], b: readonly UIMessage[]): boolean {
  return a.length === b.length && JSON.stringify(a) === JSON.stringify(b);
}

/** The text of a message. */
export function textOf(message: UIMessage): string {
  return message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n");
}

/** Why the app says that an answer failed; undefined for one that did not. */
export function failureOf({ metadata }: UIMessage): string | undefined {
  const { error } = (metadata ?? {}) as { readonly error?: { readonly message?: unknown } };
  return typeof error?.message === "string" ? error.message : undefined;
}

/** As sessions name the answer of a turn. */
function answerIdOf(turn: string): string {
  return `${turn}-answer`;
}
