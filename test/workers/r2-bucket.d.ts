import type { R2BucketLike } from "../../src/journal/r2-blob-store.ts";

declare module "cloudflare:workers" {
  /** The Worker's bindings, as far as these tests use them. */
  export const env: {
    readonly BLOBS: R2BucketLike & {
      head(key: string): Promise<{ readonly size: number } | null>;
      delete(key: string): Promise<void>;
    };
  };
}
