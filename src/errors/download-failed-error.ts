import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";
import { definedFields } from "./error-fields.ts";

/** A file that a prompt refers to cannot be had: its server refused it for good, or its URL is not allowed. */
export class DownloadFailedError extends EdgeAgentError {
  override name = "DownloadFailedError";
  /** Where from, without query (it may hold a signature). */
  readonly url: string;
  /** HTTP status of the answer, if there was one. */
  readonly statusCode: number | undefined;

  constructor(url: string, detail: string, statusCode?: number) {
    super({
      errorCode: "download-failed",
      message: `Download of ${url} failed: ${detail}`,
      fields: definedFields({ url, statusCode }),
    });
    this.url = url;
    this.statusCode = statusCode;
  }

  static override isInstance(error: unknown): error is DownloadFailedError {
    return hasErrorCode(error, "download-failed");
  }
}
