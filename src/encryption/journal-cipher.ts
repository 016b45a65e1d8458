/**
 * Encrypts and decrypts values of journals.
 *
 * - C1 The first key encrypts, every key decrypts.
 * - C2 No nonce is used twice: its first half is random for each isolate and some of its values, its second half for each
 *   value.
 * - C3 A value can be begun synchronously: how long it will be is known at once, its bytes later.
 * - C4 Nothing that one request waits for is left to another one: what is kept is settled. Workers may end a request, and
 *   its I/O with it.
 */
import { JournalKeyUnknownError } from "../errors/journal-key-unknown-error.ts";
import { JournalTamperedError } from "../errors/journal-tampered-error.ts";
import { JournalPlaintextError } from "../errors/journal-plaintext-error.ts";
import { deriveKey, type Deriver, deriverOf, PREFIX_BYTES } from "./derived-keys.ts";
import { checkedKeys, type JournalKey, parseJournalKeys } from "./journal-keys.ts";
import { headerOf, NONCE_BYTES, overheadBytes, readSealed } from "./sealed-value.ts";

/** What a value is for: one that was made for something else does not open. */
export type SealedPurpose = "value" | "failure" | "blob";

/** A value that is being encrypted. */
export interface BegunValue {
  /** Its length when it is encrypted, in bytes. */
  readonly length: number;
  readonly sealed: Promise<Uint8Array<ArrayBuffer>>;
}

/** A derived key and how often it was used. */
interface Chosen {
  readonly prefix: Uint8Array<ArrayBuffer>;
  readonly key: CryptoKey;
  uses: number;
}

/** Values under one derived key: far below what random halves of 96 bits allow. */
const MAX_USES = 2 ** 20;
/** Derived keys that are remembered for decryption. Each isolate that wrote to a journal has one. */
const MAX_KNOWN = 512;

/** Encrypts with the first of its keys and decrypts with all of them. */
export class JournalCipher {
  /** Ids of the keys; the first one encrypts. */
  readonly keyIds: readonly string[];
  readonly #keys: ReadonlyMap<string, JournalKey>;
  readonly #first: JournalKey;
  readonly #header: Uint8Array<ArrayBuffer>;
  readonly #derivers = new Map<string, Deriver>();
  readonly #known = new Map<string, CryptoKey>();
  #chosen: Chosen | undefined;

  /**
   * @param keys As `JOURNAL_KEYS` has them, or read already.
   * @throws DefinitionError when they are malformed.
   */
  constructor(keys: string | readonly JournalKey[]) {
    const checked = typeof keys === "string" ? parseJournalKeys(keys) : checkedKeys(keys);
    const [first] = checked;
    if (first === undefined) throw new TypeError("checkedKeys() lets no empty list pass");
    this.#first = first;
    this.#keys = new Map(checked.map((key) => [key.id, key]));
    this.keyIds = [...this.#keys.keys()];
    this.#header = headerOf(first.id);
  }

  /** Begins to encrypt a value (C3). It is copied: what happens to `plain` afterwards does not matter. */
  begin(plain: Uint8Array, purpose: SealedPurpose = "value"): BegunValue {
    const chosen = this.#chosen;
    const own = new Uint8Array(plain);
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    if (chosen !== undefined && chosen.uses < MAX_USES) {
      chosen.uses += 1;
      nonce.set(chosen.prefix);
      return { length: this.#length(plain), sealed: this.#seal(chosen.key, nonce, own, purpose) };
    }
    return { length: this.#length(plain), sealed: this.#sealAnew(nonce, own, purpose) };
  }

  /** Encrypts a value. */
  seal(plain: Uint8Array, purpose: SealedPurpose = "value"): Promise<Uint8Array<ArrayBuffer>> {
    return this.begin(plain, purpose).sealed;
  }

  /**
   * Decrypts a value.
   *
   * @throws JournalPlaintextError for what is not encrypted.
   * @throws JournalKeyUnknownError for the key of another app, or one that was removed.
   * @throws JournalTamperedError when the key does not open it.
   */
  async open(bytes: Uint8Array, purpose: SealedPurpose = "value"): Promise<Uint8Array<ArrayBuffer>> {
    const value = readSealed(bytes);
    if (value === undefined) throw new JournalPlaintextError("value");
    const { keyId, header, nonce, content } = value;
    const key = await this.#keyFor(keyId, nonce.slice(0, PREFIX_BYTES));
    try {
      const plain = await crypto.subtle.decrypt(parameters(nonce, header, purpose), key, content);
      return new Uint8Array(plain);
    } catch (error) {
      throw new JournalTamperedError(keyId, error);
    }
  }

  #length(plain: Uint8Array): number {
    return plain.length + overheadBytes(this.#first.id);
  }

  async #sealAnew(
    nonce: Uint8Array<ArrayBuffer>,
    plain: Uint8Array<ArrayBuffer>,
    purpose: SealedPurpose,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const prefix = nonce.slice(0, PREFIX_BYTES);
    const key = await this.#keyFor(this.#first.id, prefix);
    this.#chosen = { prefix, key, uses: 1 };
    return this.#seal(key, nonce, plain, purpose);
  }

  async #seal(
    key: CryptoKey,
    nonce: Uint8Array<ArrayBuffer>,
    plain: Uint8Array<ArrayBuffer>,
    purpose: SealedPurpose,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const header = this.#header;
    const content = await crypto.subtle.encrypt(parameters(nonce, header, purpose), key, plain);
    const sealed = new Uint8Array(header.length + NONCE_BYTES + content.byteLength);
    sealed.set(header);
    sealed.set(nonce, header.length);
    sealed.set(new Uint8Array(content), header.length + NONCE_BYTES);
    return sealed;
  }

  /** The derived key, from memory or anew; two at once may both derive it (C4). */
  async #keyFor(keyId: string, prefix: Uint8Array): Promise<CryptoKey> {
    const name = `${keyId}:${prefix.join()}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const derived = await deriveKey(await this.#deriver(keyId), prefix);
    if (this.#known.size >= MAX_KNOWN) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    this.#known.set(name, derived);
    return derived;
  }

  async #deriver(keyId: string): Promise<Deriver> {
    const known = this.#derivers.get(keyId);
    if (known !== undefined) return known;
    const key = this.#keys.get(keyId);
    if (key === undefined) throw new JournalKeyUnknownError(keyId, this.keyIds);
    const deriver = await deriverOf(key.secret);
    this.#derivers.set(keyId, deriver);
    return deriver;
  }
}

const purposes: Readonly<Record<SealedPurpose, Uint8Array>> = {
  value: new TextEncoder().encode("value"),
  failure: new TextEncoder().encode("failure"),
  blob: new TextEncoder().encode("blob"),
};

function parameters(nonce: Uint8Array<ArrayBuffer>, header: Uint8Array, purpose: SealedPurpose): AesGcmParams {
  const additionalData = Uint8Array.from([...header, ...purposes[purpose]]);
  return { name: "AES-GCM", iv: nonce.slice(PREFIX_BYTES), additionalData };
}
