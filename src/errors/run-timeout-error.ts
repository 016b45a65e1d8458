import { EdgeAgentError, hasErrorCode } from "./edge-agent-error.ts";

/** A run of an agent took longer than its total timeout. */
export class RunTimeoutError extends EdgeAgentError {
  override name = "RunTimeoutError";
  /** The bound, in milliseconds. */
  readonly timeoutMs: number;
  /** Name of the run, as in its step names. */
  readonly run: string;

  constructor(run: string, timeoutMs: number) {
    super({
      errorCode: "run-timeout",
      message: `The run of agent "${run}" did not end within ${timeoutMs} ms`,
      status: 408,
      fields: { run, timeoutMs },
    });
    this.timeoutMs = timeoutMs;
    this.run = run;
  }

  static override isInstance(error: unknown): error is RunTimeoutError {
    return hasErrorCode(error, "run-timeout");
  }
}
