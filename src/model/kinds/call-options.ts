import type { BlobOptions } from "../../journal/blobs.ts";
import type { StepOptions } from "../../journal/step-host.ts";

/** Options of the durable models that are no language models. */
export interface DurableCallOptions {
  /** Prefix of the step names, such as `<name> embed <n>`. Default: the model's id. */
  readonly name?: string;
  /** Retry bounds of each call. Default: the invocation's retry policy. */
  readonly runOptions?: StepOptions;
  /** Longest time of one call, in milliseconds. Exceeding it is a transient failure. Default: none. */
  readonly timeout?: { readonly stepMs?: number };
  /** Where results above a size go, such as images, audio and many embeddings. Default: into the journal. */
  readonly blobs?: BlobOptions;
}
