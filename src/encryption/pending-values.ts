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
 * - P3 Pieces may be cut anywhere: what is looked at are whole messages. Part of one is of no use to Restate.
 * - P4 The order of bytes is kept, and a whole message is held back only while its encryption is under way.
 */
import { HEAD_BYTES } from "./error-messages.ts";
import type { JournalCipher } from "./journal-cipher.ts";

const MARK_BYTES = 12;
const NUMBER_BYTES = 4;
const PLACEHOLDER_BYTES = MARK_BYTES + NUMBER_BYTES;

interface Pending {
  readonly length: number;
  readonly sealed: Promise<Uint8Array>;
}

type LastChange = (messages: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;

const unchanged: LastChange = (messages) => Promise.resolve(messages);

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

  /**
   * The messages with every placeholder filled in.
   *
   * @param last What is done with whole messages in the end.
   */
  fill(body: ReadableStream<Uint8Array>, last: LastChange = unchanged): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    let held: Uint8Array = new Uint8Array();
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          for (;;) {
            const { done, value } = await reader.read();
            if (done) {
              if (held.length > 0) throw new TypeError("An answer to Restate ended inside of a message");
              return controller.close();
            }
            const bytes = held.length === 0 ? value : joined(held, value);
            const end = endOfMessages(bytes);
            held = bytes.slice(end);
            if (end === 0) continue;
            const messages = bytes.slice(0, end);
            await this.#fillIn(messages);
            return controller.enqueue(await last(messages));
          }
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  async #fillIn(messages: Uint8Array): Promise<void> {
    const [first = 0] = this.#mark;
    for (let at = messages.indexOf(first); at >= 0; at = messages.indexOf(first, at)) {
      const pending = this.#isMarkAt(messages, at) ? this.#valueAt(messages, at) : undefined;
      if (pending !== undefined) messages.set(await pending.sealed, at);
      at += pending?.length ?? 1;
    }
  }

  #isMarkAt(bytes: Uint8Array, at: number): boolean {
    return at + PLACEHOLDER_BYTES <= bytes.length && this.#mark.every((byte, index) => bytes[at + index] === byte);
  }

  #valueAt(bytes: Uint8Array, at: number): Pending {
    const number = new DataView(bytes.buffer, bytes.byteOffset + at + MARK_BYTES).getUint32(0);
    const pending = this.#values[number];
    if (pending !== undefined && at + pending.length <= bytes.length) return pending;
    throw new TypeError("A mark of this attempt is not followed by its value");
  }
}

/** Each message has a head of 8 bytes, the last four of them its length (Restate's service protocol). */
function endOfMessages(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = 0;
  while (end + HEAD_BYTES <= bytes.length) {
    const next = end + HEAD_BYTES + view.getUint32(end + 4);
    if (next > bytes.length) break;
    end = next;
  }
  return end;
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
