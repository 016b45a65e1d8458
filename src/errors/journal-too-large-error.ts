import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/**
 * The journal of an invocation has grown past its bound: its next step was not started, or the result of a step was not
 * stored. What was done so far stays in the journal.
 *
 * An invoker sees 413: the same request again would grow the same journal. A 5xx would invite callers to try again,
 * and pay every model call again.
 */
export class JournalTooLargeError extends EdgeAgentError {
  override name = "JournalTooLargeError";
  /** The step that was not started, or whose result was not stored. */
  readonly step: string;
  /** Size of the journal in bytes, with the result that was not stored. */
  readonly bytes: number;
  /** The bound, in bytes. */
  readonly maxBytes: number;

  constructor(step: string, bytes: number, maxBytes: number) {
    super({
      errorCode: "journal-too-large",
      message: `The invocation's journal is too large at "${step}": ${bytes} bytes, more than the limit of ${maxBytes}. Continue long runs as a new invocation (continueAsNew), keep large data outside of the journal (blobs), or return smaller tool results`,
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
