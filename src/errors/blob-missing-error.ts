import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** The result of a step refers to content that its blob store does not have (any more), or has changed. */
export class BlobMissingError extends EdgeAgentError {
  override name = "BlobMissingError";
  /** The step whose result cannot be read. */
  readonly step: string;
  /** Key of the blob in its store. */
  readonly key: string;

  constructor(step: string, key: string, problem: string) {
    super({
      errorCode: "blob-missing",
      message: `Cannot read the result of "${step}" from the journal: blob "${key}" ${problem}. Keep the blobs of an invocation until it has ended`,
      fields: { step, key, problem },
    });
    this.step = step;
    this.key = key;
  }

  static override isInstance(error: unknown): error is BlobMissingError {
    return hasErrorCode(error, "blob-missing");
  }
}
