/**
 * What an isolate remembers of turns that have ended, so that the next turn need not ask for them. It may forget
 * anything at any time: content never changes (H1, H2), so whoever misses it reads the same again.
 *
 * It keeps the stored form, so that whoever changes what it is given changes nothing here, and content from memory is the
 * same as content that was read.
 */
import type { ModelMessage } from "ai";
import { decodeValue, encodeValue } from "../../journal/codec.ts";

/** A turn's messages, or a summary. */
export type CachedContent = readonly ModelMessage[] | string;

/** Most bytes of stored content that an isolate remembers, by default 8 MiB: a Worker has 128 MiB for everything. */
const MAX_BYTES = 8 * 1_048_576;

/** Forgets what was used longest ago when it has more than `maxBytes`. */
export class TurnCache {
  readonly #maxBytes: number;
  readonly #known = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(maxBytes: number = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  get(name: string): CachedContent | undefined {
    const known = this.#known.get(name);
    if (known === undefined) return undefined;
    this.#known.delete(name);
    this.#known.set(name, known);
    return decodeValue(known) as CachedContent;
  }

  set(name: string, content: CachedContent): void {
    this.#forget(name);
    const bytes = encodeValue(content);
    if (bytes.length > this.#maxBytes) return;
    this.#known.set(name, bytes);
    this.#bytes += bytes.length;
    for (const oldest of this.#known.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#forget(oldest);
    }
  }

  /** Bytes of what it remembers. */
  get bytes(): number {
    return this.#bytes;
  }

  clear(): void {
    this.#known.clear();
    this.#bytes = 0;
  }

  #forget(name: string): void {
    const known = this.#known.get(name);
    if (known === undefined) return;
    this.#known.delete(name);
    this.#bytes -= known.length;
  }
}

/** The one of this isolate. */
export const turnCache: TurnCache = new TurnCache();
