import { JournalValueError } from "./journal-value-error.ts";

/** A value was encrypted with a key that is not here: it was removed too early, or never set in this place. */
export class JournalKeyUnknownError extends JournalValueError {
  override name = "JournalKeyUnknownError";
  /** Id of the key that is missing. */
  readonly keyId: string;

  constructor(keyId: string, known: readonly string[]) {
    const here = known.length === 0 ? "none" : known.join(", ");
    super(
      "journal-key-unknown",
      `Cannot decrypt a value of the journal: it was encrypted with the key "${keyId}", and the keys here are: ${here}. Add that key to JOURNAL_KEYS again, then resume what was paused`,
    );
    this.keyId = keyId;
  }
}
