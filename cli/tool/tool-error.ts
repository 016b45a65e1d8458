import { EXIT, type ExitCode } from "./exit-codes.ts";

/** What a `ToolError` is made of. */
export interface ToolErrorInit {
  /** Stable name, such as `worker-not-ready`. */
  readonly code: string;
  /** What was tried and what was wrong. */
  readonly message: string;
  /** What to do, in one sentence. */
  readonly hint?: string | undefined;
  readonly exitCode?: ExitCode;
  /** Facts for `--json`. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** A failure that the tool can explain. */
export class ToolError extends Error {
  override name = "ToolError";
  readonly code: string;
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor({ code, message, hint, exitCode = EXIT.unexpected, details, cause }: ToolErrorInit) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
    this.hint = hint;
    this.exitCode = exitCode;
    this.details = details;
  }
}

/** A wrong flag, setting or file. */
export function usageError(code: string, message: string, hint?: string): ToolError {
  return new ToolError({ code, message, hint, exitCode: EXIT.usage });
}
