/** Texts that must reach no message, as messages are stored. */
const MIN_LENGTH = 8;

/** What a connection has sent to prove who it is, and what went wrong on the way to it. */
export class Secrets {
  /** Why a token could not be renewed, when that may pass. The AI SDK says only that there is no new one. */
  trouble: Error | undefined;
  readonly #texts = new Set<string>();

  /** Of an `authorization` header, what stands behind its scheme is one, too. */
  add(text: string | null | undefined): void {
    for (const part of [text ?? "", (text ?? "").replace(/^\w+ +/, "")]) {
      if (part.length >= MIN_LENGTH) this.#texts.add(part);
    }
  }

  /** `message` without them. */
  redact(message: string): string {
    let redacted = message;
    for (const text of this.#texts) redacted = redacted.replaceAll(text, "***");
    return redacted;
  }
}
