import type { R2BucketLike } from "../../src/journal/r2-blob-store.ts";

declare global {
  namespace Cloudflare {
    /** The Worker's bindings, as far as tests and examples use them. */
    interface Env {
      readonly BLOBS: R2BucketLike & {
        head(key: string): Promise<{ readonly size: number } | null>;
        delete(key: string): Promise<void>;
      };
    }
  }
}

declare module "cloudflare:workers" {
  export const env: Cloudflare.Env;
}
