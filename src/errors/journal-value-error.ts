/** Stable names of what can be wrong with a value of the journal. */
export type JournalValueErrorCode = "journal-key-unknown" | "journal-plaintext" | "journal-tampered";

/**
 * A value of the journal, or of a conversation with Restate, cannot be read with the keys that are here. Nothing is lost:
 * with the right keys it can be. So these are no `TerminalError`s, which would end the invocation: Restate repeats the
 * attempt, and pauses the invocation when the attempts of its retry policy are used up. Set the key, and resume it.
 */
export class JournalValueError extends Error {
  override name = "JournalValueError";
  readonly errorCode: JournalValueErrorCode;

  constructor(errorCode: JournalValueErrorCode, message: string, options?: ErrorOptions) {
    super(`${message} (${errorCode})`, options);
    this.errorCode = errorCode;
  }
}
