import { readMessage } from "./read-error.ts";

/**
 * A serde does not take what the journal has: it was stored by another version, or put there by others. Nothing is lost, so
 * it is no `TerminalError`: Restate repeats the attempt, then pauses the invocation. No handler hears of it: one that took
 * another path for it would not find its way back.
 */
export class JournalUnreadableError extends Error {
  override name = "JournalUnreadableError";
  readonly errorCode = "journal-unreadable";

  /** @param command Index of the command in the journal, if it is known. */
  constructor(cause: unknown, command: number | undefined) {
    super(
      `Cannot read a value of the journal${command === undefined ? "" : ` (command ${command})`}: ${readMessage(cause)}. Deploy a version whose serde takes what is stored, then resume what was paused (journal-unreadable)`,
      { cause },
    );
  }
}
