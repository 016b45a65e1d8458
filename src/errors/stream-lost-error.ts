/** Why nothing more comes from a stream that has not ended. */
export type StreamLoss =
  /** Whoever wrote it is gone: its invocation has ended, and the stream has not. */
  | "over"
  /** It was forgotten while it was read. */
  | "forgotten"
  /** Nothing came for as long as the reader was to wait. */
  | "idle"
  /** Its store cannot be reached. */
  | "unreachable";

/** A stream ended for its reader without its end. */
export class StreamLostError extends Error {
  override name = "StreamLostError";
  readonly errorCode = "stream-lost";
  /** HTTP status for the caller. */
  readonly code = 503;
  readonly reason: StreamLoss;

  constructor(stream: string, reason: StreamLoss, cause?: unknown) {
    super(`Cannot read the stream "${stream}" to its end: ${WORDS[reason]}`, { cause });
    this.reason = reason;
  }
}

const WORDS: Readonly<Record<StreamLoss, string>> = {
  over: "its writer is gone without having ended it",
  forgotten: "it was forgotten",
  idle: "nothing came for too long",
  unreachable: "its store cannot be reached",
};
