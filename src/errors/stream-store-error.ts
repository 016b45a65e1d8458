/**
 * A stream store answered with something else than it should. Trying again may help, so it is no `TerminalError`: thrown
 * inside a step, Restate retries the step.
 */
export class StreamStoreError extends Error {
  override name = "StreamStoreError";
  readonly errorCode = "stream-store-failed";
  /** HTTP status for the caller. */
  readonly code = 503;
}
