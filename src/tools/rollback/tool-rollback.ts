/** How a tool tells that its calls can be undone. */
import type { RollbackOutcome } from "../../errors/rollback-report.ts";
import type { StepOptions } from "../../journal/step-host.ts";

/** What every compensation of a tool call is told. */
interface RollbackCallBase<INPUT> {
  readonly toolCallId: string;
  readonly input: INPUT;
  /** Aborted when the attempt ends. Hand it to `fetch`. */
  readonly abortSignal: AbortSignal;
}

/** A call that has ended with a result. */
export interface DoneCall<INPUT = unknown, OUTPUT = unknown> extends RollbackCallBase<INPUT> {
  readonly outcome: "done";
  readonly output: OUTPUT;
}

/**
 * A call that may have had an effect: it failed terminally (`failed`), or was under way when the run was cancelled, timed
 * out or lost its process in such a moment (`unknown`).
 */
export interface UncertainCall<INPUT = unknown> extends RollbackCallBase<INPUT> {
  readonly outcome: Exclude<RollbackOutcome, "done">;
  readonly output: undefined;
}

/** A call that a compensation undoes. */
export type RollbackCall<INPUT = unknown, OUTPUT = unknown> = DoneCall<INPUT, OUTPUT> | UncertainCall<INPUT>;

/** Retry bounds of compensations. */
interface Bounds {
  /**
   * Retry bounds of the compensation. Default: 20 attempts from 0.5 s to 1 min apart, about 13 minutes. After that it
   * counts as not undone, and the others go on: one that never succeeds must not keep them.
   */
  readonly rollbackOptions?: StepOptions;
}

/** Only calls with a result are undone; one that failed or whose outcome is unknown is reported. */
interface OnDone<INPUT, OUTPUT> extends Bounds {
  /**
   * Undoes a call of the tool when the run fails terminally or is cancelled later: one journaled step, `<agent> undo <tool>
   * <toolCallId>`. It is retried and runs at least once, so make it idempotent, as a tool's `execute`. A `TerminalError`
   * says that it cannot be undone.
   */
  onRollback?(call: DoneCall<INPUT, OUTPUT>): unknown;
  /**
   * Which calls `onRollback` is called for. `done`, the default: those with a result. `started`: those too which failed or
   * whose outcome nobody knows; it is told which.
   */
  readonly rollbackOn?: "done";
}

interface OnStarted<INPUT, OUTPUT> extends Bounds {
  /** As with `rollbackOn: "done"`, and called for calls that may have had an effect as well. */
  onRollback(call: RollbackCall<INPUT, OUTPUT>): unknown;
  readonly rollbackOn: "started";
}

/** The options with which a tool's calls can be undone. */
export type ToolRollback<INPUT = unknown, OUTPUT = unknown> = OnDone<INPUT, OUTPUT> | OnStarted<INPUT, OUTPUT>;

/** What is wrong with a tool's options, to follow its name; undefined: nothing. */
export function rollbackProblem(options: ToolRollback & { readonly readOnly?: boolean }): string | undefined {
  const { onRollback, rollbackOn = "done", rollbackOptions, readOnly } = options as Readonly<Record<string, unknown>>;
  if (onRollback === undefined) {
    const given = Object.entries({ rollbackOn: options.rollbackOn, rollbackOptions }).find(([, value]) => value !== undefined);
    return given === undefined ? undefined : `.${given[0]} needs onRollback`;
  }
  if (typeof onRollback !== "function") return ".onRollback must be a function";
  if (readOnly === true) return ".onRollback contradicts readOnly: a tool without side effects has nothing to undo";
  if (rollbackOn !== "done" && rollbackOn !== "started") {
    return `.rollbackOn must be "done" or "started": current value is ${String(rollbackOn)}`;
  }
  return undefined;
}
