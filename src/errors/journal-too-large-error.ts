import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/**
 * The journal of an invocation has grown past its bound, so its next step was not started. What was done so far stays
 * in the journal.
 *
 * An invoker sees 413: the same request again would grow the same journal. A 5xx would invite callers to try again,
 * and pay every model call again.
 */
export class JournalTooLargeError extends EdgeAgentError {
  override name = "JournalTooLargeError";
  /** The step that was not started. */
  readonly step: string;
  /** Size of the journal, in bytes. */
  readonly bytes: number;
  /** The bound, in bytes. */
  readonly maxBytes: number;

  constructor(step: string, bytes: number, maxBytes: number) {
    super({
      errorCode: "journal-too-large",
      message: `Cannot start "${step}": the invocation's journal holds ${bytes} bytes, more than the limit of ${maxBytes}. Continue long runs as a new invocation (continueAsNew), keep large data outside of the journal (blobs), or return smaller tool results`,
      status: 413,
      fields: { step, bytes, maxBytes },
    });
    this.step = step;
    this.bytes = bytes;
    this.maxBytes = maxBytes;
  }

  static override isInstance(error: unknown): error is JournalTooLargeError {
    return hasErrorCode(error, "journal-too-large");
  }
}
