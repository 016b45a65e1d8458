/**
 * Encryption for a journal codec that must not wait.
 *
 * The SDK's codec has a synchronous `encode()`, and Web Crypto is asynchronous. So `encode()` gives a placeholder of the
 * right length, and what leaves for Restate passes `fill()`, which waits for the encryption and puts it there.
 *
 * - P1 A placeholder is 16 bytes that nobody can guess, a random mark and a number, and zeros. No plaintext is in it: if it
 *   were ever sent as it is, nothing would be told. `fill()` sends none: it fails the answer instead.
 * - P2 The SDK may repeat a placeholder, or read it back in the same attempt (a state that was just set): both get the one
 *   encryption of the one value.
 * - P3 Pieces may be cut anywhere.
 * - P4 The order of bytes is kept, and nothing is held back but for an encryption that is under way, which takes
 *   microseconds.
 */
import type { JournalCipher } from "./journal-cipher.ts";

const MARK_BYTES = 12;
const NUMBER_BYTES = 4;
const PLACEHOLDER_BYTES = MARK_BYTES + NUMBER_BYTES;

interface Pending {
  readonly length: number;
  readonly sealed: Promise<Uint8Array>;
}

/** The values that one attempt of an invocation encrypts. */
export class PendingValues {
  readonly #cipher: JournalCipher;
  readonly #mark: Uint8Array;
  readonly #values: Pending[] = [];

  constructor(cipher: JournalCipher) {
    this.#cipher = cipher;
    this.#mark = crypto.getRandomValues(new Uint8Array(MARK_BYTES));
    // Zeros are what most of a placeholder is: a mark that begins otherwise is found sooner.
    this.#mark[0] = (this.#mark[0] ?? 0) | 1;
  }

  /** A placeholder for a value, as long as its encryption. */
  add(plain: Uint8Array): Uint8Array {
    const { length, sealed } = this.#cipher.begin(plain);
    // Whoever fills the placeholder in hears of a failure; an attempt that ends before must not be an unhandled one.
    sealed.catch(() => undefined);
    const placeholder = new Uint8Array(length);
    placeholder.set(this.#mark);
    new DataView(placeholder.buffer).setUint32(MARK_BYTES, this.#values.length);
    this.#values.push({ length, sealed });
    return placeholder;
  }

  /** What a placeholder stands for; undefined for other bytes. */
  find(bytes: Uint8Array): Promise<Uint8Array> | undefined {
    return this.#isMarkAt(bytes, 0) ? this.#valueAt(bytes, 0)?.sealed : undefined;
  }

  /** The bytes with every placeholder filled in. */
  fill(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    let held: Uint8Array = new Uint8Array();
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          for (;;) {
            const { done, value } = await reader.read();
            if (done) {
              if (held.length > 0) throw new TypeError("An answer to Restate ended inside of a value");
              return controller.close();
            }
            const { filled, rest } = await this.#fillPiece(held.length === 0 ? value : joined(held, value));
            held = rest;
            if (filled.length > 0) return controller.enqueue(filled);
          }
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  /** Fills a piece in, up to a placeholder that goes on in the next one. */
  async #fillPiece(piece: Uint8Array): Promise<{ readonly filled: Uint8Array; readonly rest: Uint8Array }> {
    const [first = 0] = this.#mark;
    for (let at = piece.indexOf(first); at >= 0; at = piece.indexOf(first, at)) {
      if (!this.#isMarkAt(piece, at)) {
        at += 1;
        continue;
      }
      const pending = piece.length - at < PLACEHOLDER_BYTES ? undefined : this.#valueAt(piece, at);
      const isWhole = pending !== undefined && piece.length - at >= pending.length;
      if (!isWhole) return { filled: piece.subarray(0, at), rest: piece.slice(at) };
      piece.set(await pending.sealed, at);
      at += pending.length;
    }
    return { filled: piece, rest: new Uint8Array() };
  }

  /** True when the mark begins there, or as much of it as there is. */
  #isMarkAt(bytes: Uint8Array, at: number): boolean {
    const end = Math.min(MARK_BYTES, bytes.length - at);
    for (let index = 0; index < end; index++) if (bytes[at + index] !== this.#mark[index]) return false;
    return end > 0;
  }

  #valueAt(bytes: Uint8Array, at: number): Pending | undefined {
    if (bytes.length - at < PLACEHOLDER_BYTES) return undefined;
    const pending = this.#values[new DataView(bytes.buffer, bytes.byteOffset + at + MARK_BYTES).getUint32(0)];
    if (pending === undefined) throw new TypeError("A mark of this attempt has a number that it never gave");
    return pending;
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
