import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** A stream holds as much as its store allows: nothing is added to it any more. */
export class StreamTooLargeError extends EdgeAgentError {
  override name = "StreamTooLargeError";

  constructor(stream: string, bytes: number, maxBytes: number) {
    super({
      errorCode: "stream-too-large",
      message: `Cannot add to the stream "${stream}": it would hold ${bytes} bytes, and ${maxBytes} are allowed; keep large content outside of messages`,
      status: 413,
      fields: { stream, bytes, maxBytes },
    });
  }

  static override isInstance(error: unknown): error is StreamTooLargeError {
    return hasErrorCode(error, "stream-too-large");
  }
}
