import type { RunOptions } from "../restate.ts";

/** How one journaled step's result is written to and read from the journal. */
export interface StepCodec<T> {
  /** Content type shown in Restate's UI. */
  readonly contentType?: string;
  /** Runs inside the step. */
  encode(value: T): Uint8Array | Promise<Uint8Array>;
  /** Runs between steps: of I/O, only what fetches content that never changes. */
  decode(bytes: Uint8Array): T | Promise<T>;
}

/** What the code inside a journaled step is given. */
export interface StepScope {
  /** Aborted when the invocation is cancelled or this attempt ends. Hand it to `fetch`. */
  readonly signal: AbortSignal;
}

/**
 * Retry bounds of one step. Without any, the invocation's retry policy applies: it retries, then pauses. `Infinity` is no
 * bound: `{ maxRetryAttempts: Infinity }` retries for ever.
 */
export type StepOptions = Omit<RunOptions<unknown>, "serde">;

/**
 * Runs journaled steps. The one thing that durable models and tools need from the layers below, so they can be
 * tested without Restate.
 *
 * `step()` settles in journal order. A failure inside `action` is classified once (see `errors/classify.ts`):
 * transient failures never reject the returned promise, they end the attempt and Restate retries the step.
 */
export interface StepHost {
  step<T>(
    name: string,
    action: (scope: StepScope) => PromiseLike<T>,
    codec: StepCodec<T>,
    options?: StepOptions,
  ): PromiseLike<T>;
}
