/** A model that was tried and did not answer. */
export interface TriedModel {
  readonly provider: string;
  readonly modelId: string;
  /** HTTP status such as `429`, `timeout`, or the name of the error. */
  readonly code: string;
  /** How long it was waited for, in milliseconds. */
  readonly ms: number;
}

/** What is known when a model has failed, and it is to be decided whether the next one is asked. */
export interface FallbackFailure extends TriedModel {
  readonly statusCode: number | undefined;
  /** What was thrown. */
  readonly error: unknown;
}

/** Options of `fallbackModel`. */
export interface FallbackOptions {
  /**
   * Longest time for one model, in milliseconds: until its answer is there or, of a stream, its first output. Then the next
   * one is asked. Default: none.
   */
  readonly timeoutMs?: number;
  /**
   * Whether the next model is asked after this failure. `byDefault` is what would be done without this function. It runs
   * inside the step. What it throws ends the call.
   */
  readonly shouldFallBack?: (failure: FallbackFailure, byDefault: boolean) => boolean;
}
