/**
 * Keeps large content outside of the journal. Keys are made from the content (`<prefix><SHA-256 in hexadecimal>`), so
 * the content of a key never changes: storing it again is harmless, and so is reading it on every replay.
 *
 * What is stored must be there until the invocation has ended, its retention for restarts included. Nothing is
 * deleted by this library: let the store expire old objects.
 */
export interface BlobStore {
  /** Resolves when `bytes` are durable under `key`. Whatever it throws is a transient failure: the step is retried. */
  put(key: string, bytes: Uint8Array): PromiseLike<void>;
  /** The bytes of `key`; undefined when there are none. Whatever it throws is transient: the attempt is retried. */
  get(key: string): PromiseLike<Uint8Array | undefined>;
}

/** A store for tests: its content lives and dies with it. */
export interface MemoryBlobStore extends BlobStore {
  /** What is stored, by key. */
  readonly blobs: Map<string, Uint8Array>;
}

/** Makes a store in memory, for tests. */
export function memoryBlobStore(): MemoryBlobStore {
  const blobs = new Map<string, Uint8Array>();
  return {
    blobs,
    put: async (key, bytes) => void blobs.set(key, bytes.slice()),
    get: async (key) => blobs.get(key)?.slice(),
  };
}
