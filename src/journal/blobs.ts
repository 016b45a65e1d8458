/** Puts blobs into a store and gets them back, during one attempt of an invocation. */
import { BlobMissingError } from "../errors/blob-missing-error.ts";
import { DefinitionError } from "../errors/definition-error.ts";
import { readMessage } from "../errors/read-error.ts";
import type { BlobReference } from "./blob-reference.ts";
import type { BlobStore } from "./blob-store.ts";

/** Default of `BlobOptions.aboveBytes`: 64 KiB. */
export const DEFAULT_ABOVE_BYTES: number = 64 * 1024;

/** Where large binary content goes. */
export interface BlobOptions {
  readonly store: BlobStore;
  /** Content larger than this, in bytes, goes into the store. Default 65,536. */
  readonly aboveBytes?: number;
  /** What keys begin with, such as `agents/`. Default: nothing. Content keeps the key that it was stored under. */
  readonly prefix?: string;
}

/**
 * The blobs of one attempt: a key is read at most once, and what was written is not read at all. It holds them, so it
 * must not outlive the attempt.
 */
export class Blobs {
  readonly aboveBytes: number;
  readonly #store: BlobStore;
  readonly #prefix: string;
  /** Content whose hash is right; or what is wrong with it. */
  readonly #known = new Map<string, Promise<Uint8Array | string>>();

  /** @throws DefinitionError when `aboveBytes` is not a number of bytes. */
  constructor({ store, aboveBytes = DEFAULT_ABOVE_BYTES, prefix = "" }: BlobOptions) {
    if (!(aboveBytes >= 0)) {
      throw new DefinitionError(
        `Cannot store blobs: aboveBytes must be a number of bytes, not negative: current value is ${aboveBytes}`,
      );
    }
    this.aboveBytes = aboveBytes;
    this.#store = store;
    this.#prefix = prefix;
  }

  /** Stores `bytes`, which must not change any more, and gives their key. */
  async put(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    const key = `${this.#prefix}${await sha256(bytes)}`;
    const known = this.#known.get(key);
    if (known === undefined || typeof (await known.catch(String)) === "string") {
      await this.#keep(key, async () => {
        await withStore(`Cannot store blob "${key}"`, () => this.#store.put(key, bytes));
        return bytes;
      });
    }
    return key;
  }

  /**
   * The content of a reference in the result of `step`. It is shared: it must not be changed.
   *
   * @throws BlobMissingError when the store does not have what was stored.
   */
  async get({ key, bytes: length }: BlobReference, step: string): Promise<Uint8Array> {
    const content = await (this.#known.get(key) ?? this.#keep(key, () => this.#load(key)));
    if (typeof content === "string") throw new BlobMissingError(step, key, content);
    if (content.length !== length) {
      throw new BlobMissingError(step, key, `has ${content.length} bytes instead of ${length}`);
    }
    return content;
  }

  async #load(key: string): Promise<Uint8Array | string> {
    const stored = await withStore(`Cannot read blob "${key}"`, () => this.#store.get(key));
    if (stored === undefined) return "is not in the store";
    const content = new Uint8Array(stored);
    if (key.endsWith(await sha256(content))) return content;
    return `has other content than what was stored (${content.length} bytes)`;
  }

  /** Keeps what `load` gives, but no failure: the next one may have more luck. */
  #keep(key: string, load: () => Promise<Uint8Array | string>): Promise<Uint8Array | string> {
    const loading = load();
    this.#known.set(key, loading);
    loading.catch(() => this.#known.delete(key));
    return loading;
  }
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A store that fails is down, not wrong: its errors are made plain ones, which are retried (G6). */
async function withStore<T>(what: string, call: () => PromiseLike<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new Error(`${what}: ${readMessage(error)}`, { cause: error });
  }
}
