import { JournalValueError } from "./journal-value-error.ts";

/** A value names a key that is here, and yet that key does not open it. */
export class JournalTamperedError extends JournalValueError {
  override name = "JournalTamperedError";
  /** Id of the key that the value names. */
  readonly keyId: string;

  constructor(keyId: string, cause?: unknown) {
    super(
      "journal-tampered",
      `Cannot decrypt a value of the journal: the key "${keyId}" does not open it. It was changed on its way or where it is stored, or another secret has this id now`,
      { cause },
    );
    this.keyId = keyId;
  }
}
