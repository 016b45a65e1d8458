/**
 * An app's encryption: what stands between its handlers and Restate, so that whoever runs Restate sees no prompt, answer,
 * argument, result, state or reason of a failure.
 *
 * - J1 Every value that the SDK gives to Restate goes through the codec. Nothing is sent before it is encrypted (P1).
 * - J2 A value that cannot be decrypted fails the attempt, never the invocation, and is told to no handler: Restate repeats
 *   the attempt, then pauses. With the right keys the invocation goes on as if nothing had been.
 * - J3 On replay values are encrypted anew, with other bytes. Restate's core compares no values of a journal that has a
 *   codec, only the commands.
 * - J4 What is not encrypted is refused, unless the app says otherwise: whoever runs Restate could put in words of its own.
 *   Failures are not refused, as Restate makes some itself.
 * - J5 Why something fails is encrypted by the hooks, or else on the way out (error-messages.ts).
 */
import { JournalPlaintextError } from "../errors/journal-plaintext-error.ts";
import type { AnyHooks, JournalCodec, ServiceOptions } from "../restate.ts";
import { JournalValueError } from "../errors/journal-value-error.ts";
import { withSealedErrors } from "./error-messages.ts";
import { openedError, openFailure, sealedError, sealFailure, type StoredFailure } from "./failures.ts";
import { JournalCipher } from "./journal-cipher.ts";
import type { JournalKey } from "./journal-keys.ts";
import { PendingValues } from "./pending-values.ts";
import { keyIdOf } from "./sealed-value.ts";
import { currentSealing, type Sealing, withSealing } from "./sealing.ts";

/** What is done with values that are not encrypted. */
export type PlaintextPolicy = "refuse" | "inputs" | "accept" | "write";

/** How an app encrypts. */
export interface JournalEncryptionOptions {
  /** As the setting `JOURNAL_KEYS` has them, or a list. The first one encrypts, all decrypt. */
  readonly keys: string | readonly JournalKey[];
  /**
   * What is done with values that are not encrypted. `refuse` (default): the attempt fails with `journal-plaintext`.
   * `inputs`: handlers take them from callers that have no keys, such as Kafka. `accept`: everywhere, while runs and states
   * from before are there. `write`: everywhere, and nothing is encrypted yet, or any more: the first step of switching
   * encryption on, while versions without keys run, and the last one of switching it off.
   */
  readonly plaintext?: PlaintextPolicy | undefined;
  /** Whether messages of failures are encrypted, too (default), or stay readable for whoever runs Restate. */
  readonly failures?: "encrypt" | "readable" | undefined;
}

/** What begins the content type of the protocol's messages; the rest is its version. */
const INVOCATION_TYPE = "application/vnd.restate.invocation";

const NEVER: Promise<never> = new Promise<never>(() => undefined);

/** An app's encryption. Made by `journalEncryption()`. */
export class JournalEncryption implements Sealing {
  readonly cipher: JournalCipher;
  readonly plaintext: PlaintextPolicy;
  readonly failures: "encrypt" | "readable";

  constructor({ keys, plaintext = "refuse", failures = "encrypt" }: JournalEncryptionOptions) {
    this.cipher = new JournalCipher(keys);
    this.plaintext = plaintext;
    this.failures = failures;
  }

  get keyIds(): readonly string[] {
    return this.cipher.keyIds;
  }

  async seal(plain: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    return this.passes(plain) ? new Uint8Array(plain) : this.cipher.seal(plain);
  }

  async open(stored: Uint8Array, what: "input" | "value" = "value"): Promise<Uint8Array<ArrayBuffer>> {
    if (stored.length === 0) return new Uint8Array();
    if (keyIdOf(stored) !== undefined) return this.cipher.open(stored);
    const { plaintext } = this;
    if (plaintext === "accept" || plaintext === "write" || (plaintext === "inputs" && what === "input")) {
      return new Uint8Array(stored);
    }
    throw new JournalPlaintextError(what);
  }

  /** Encrypts a blob. */
  async sealBlob(plain: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    return this.passes(plain) ? new Uint8Array(plain) : this.cipher.seal(plain, "blob");
  }

  /** Decrypts a blob. Throws as `open()`. */
  async openBlob(stored: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    return keyIdOf(stored) === undefined ? this.open(stored) : this.cipher.open(stored, "blob");
  }

  /** True for what is sent as it is: no bytes, and everything while nothing is encrypted yet. */
  passes(plain: Uint8Array): boolean {
    return plain.length === 0 || this.plaintext === "write";
  }

  openFailure(failure: StoredFailure): Promise<StoredFailure> {
    return openFailure(this.cipher, failure);
  }

  openError(error: Error): Promise<unknown> {
    return openedError(this.cipher, error);
  }

  /** The SDK's codec. It belongs to the attempt in which it is called. */
  readonly codec: JournalCodec = {
    encode: (plain) => currentAttempt().encode(plain),
    decode: (stored) => currentAttempt().decode(stored),
  };

  /** The services, with hooks that fail attempts (J2) and encrypt failures. */
  guarded<S extends object>(services: readonly S[]): S[] {
    const hook: AnyHooks = () => ({
      interceptor: {
        handler: (next) => sealing(this, () => Promise.race([next(), currentAttempt().failure])),
        run: (_name, next) => sealing(this, next),
      },
    });
    return services.map((service) => {
      const { options }: { readonly options?: ServiceOptions } = service;
      return { ...service, options: { ...options, hooks: [hook, ...(options?.hooks ?? [])] } };
    });
  }

  /** Serves a request of Restate's: what handlers give to it is encrypted, what they get from it decrypted. */
  async serve(handle: () => Promise<Response>): Promise<Response> {
    const attempt = new Attempt(this);
    const response = await withSealing(attempt, handle);
    const isInvocation = response.headers.get("content-type")?.startsWith(INVOCATION_TYPE) === true;
    if (response.body === null || !isInvocation) return response;
    const { status, headers } = response;
    return new Response(attempt.fill(response.body), { status, headers });
  }
}

/** An attempt of an invocation. */
class Attempt implements Sealing {
  readonly values: PendingValues;
  readonly #encryption: JournalEncryption;
  readonly #failure: PromiseWithResolvers<never> = Promise.withResolvers<never>();
  /** Reasons that say of a value why it cannot be decrypted. */
  readonly #readable = new Set<string>();
  #hasInput = false;

  constructor(encryption: JournalEncryption) {
    this.#encryption = encryption;
    this.values = new PendingValues(encryption.cipher);
    this.#failure.promise.catch(() => undefined);
  }

  /** Rejects when something cannot be decrypted that the SDK could not tell from a failure of the invocation (J2). */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  get keyIds(): readonly string[] {
    return this.#encryption.keyIds;
  }

  seal(plain: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    return this.#encryption.seal(plain);
  }

  open(stored: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    return this.#encryption.open(stored);
  }

  openFailure(failure: StoredFailure): Promise<StoredFailure> {
    return this.#encryption.openFailure(failure);
  }

  async openError(error: Error): Promise<unknown> {
    try {
      return await this.#encryption.openError(error);
    } catch (cause) {
      return this.#fail(cause);
    }
  }

  /** What is sent to Restate, encrypted. */
  fill(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    return this.values.fill(body, (messages) => withSealedErrors(messages, (failure) => this.#sealedFailure(failure)));
  }

  async #sealedFailure(failure: StoredFailure): Promise<StoredFailure | undefined> {
    const { failures, plaintext, cipher } = this.#encryption;
    if (failures === "readable" || plaintext === "write" || this.#readable.has(failure.message)) return undefined;
    const sealed = await sealFailure(cipher, failure);
    return sealed.message === failure.message ? undefined : sealed;
  }

  #fail(error: unknown): Promise<never> {
    if (error instanceof JournalValueError) this.#readable.add(error.message);
    this.#failure.reject(error);
    return NEVER;
  }

  encode(plain: Uint8Array): Uint8Array {
    return this.#encryption.passes(plain) ? plain : this.values.add(plain);
  }

  /**
   * The first value that an attempt reads is its input. Nothing is thrown into the SDK (J2): for an input that cannot be read
   * it would end the invocation, and of a race, which is how handlers here wait, it would never hear.
   */
  async decode(stored: Uint8Array): Promise<Uint8Array> {
    const what = this.#hasInput ? "value" : "input";
    this.#hasInput = true;
    const own = this.values.find(stored);
    try {
      return await this.#encryption.open(own === undefined ? stored : await own, what);
    } catch (error) {
      return this.#fail(error);
    }
  }
}

/**
 * Encrypts what an app tells Restate, with AES-256-GCM.
 *
 * @throws DefinitionError when the keys are malformed.
 *
 * @example
 * ```ts
 * createRestateEndpoint({ services, identityKeys, encryption: journalEncryption({ keys: process.env.JOURNAL_KEYS }) });
 * ```
 */
export function journalEncryption(options: JournalEncryptionOptions): JournalEncryption {
  return new JournalEncryption(options);
}

async function sealing({ cipher, failures, plaintext }: JournalEncryption, next: () => Promise<void>): Promise<void> {
  try {
    await next();
  } catch (error) {
    throw failures === "readable" || plaintext === "write" ? error : await sealedError(cipher, error);
  }
}

function currentAttempt(): Attempt {
  const sealing = currentSealing();
  if (sealing instanceof Attempt) return sealing;
  throw new TypeError("The journal's codec is used outside of an attempt");
}
