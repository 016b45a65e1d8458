import type { BlobStore } from "./blob-store.ts";

/** The part of Cloudflare's `R2Bucket` that is used here. */
export interface R2BucketLike {
  put(key: string, value: Uint8Array): PromiseLike<unknown>;
  get(key: string): PromiseLike<{ arrayBuffer(): PromiseLike<ArrayBuffer> } | null>;
}

/**
 * A blob store in Cloudflare R2. Takes a bucket binding, or a function that gives it when it is first needed.
 *
 * @example
 * ```ts
 * import { env } from "cloudflare:workers";
 *
 * const store = r2BlobStore(() => env.BLOBS);
 * ```
 */
export function r2BlobStore(bucket: R2BucketLike | (() => R2BucketLike)): BlobStore {
  const resolve = (): R2BucketLike => (typeof bucket === "function" ? bucket() : bucket);
  return {
    put: async (key, bytes) => {
      await resolve().put(key, bytes);
    },
    get: async (key) => {
      const object = await resolve().get(key);
      return object === null ? undefined : new Uint8Array(await object.arrayBuffer());
    },
  };
}
