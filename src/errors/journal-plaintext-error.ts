import { JournalValueError } from "./journal-value-error.ts";

/** A value that is not encrypted where only encrypted ones are accepted. */
export class JournalPlaintextError extends JournalValueError {
  override name = "JournalPlaintextError";

  constructor(what: "input" | "value") {
    const hint =
      what === "input"
        ? 'Call it through this app, which encrypts; for callers without keys, such as Kafka, set JOURNAL_PLAINTEXT to "inputs"'
        : 'It was stored before encryption was switched on: until such runs and states are gone set JOURNAL_PLAINTEXT to "accept"';
    super(
      "journal-plaintext",
      `Cannot take ${what === "input" ? "an input" : "a value of the journal"} that is not encrypted. ${hint}`,
    );
  }
}
