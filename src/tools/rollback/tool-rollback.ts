/** How a tool tells that its calls can be undone. */
import type { RollbackOutcome } from "../../errors/rollback-report.ts";
import { retryBoundsProblem } from "../../journal/retry-bounds.ts";
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
 * A call that may have had an effect: it failed terminally (`failed`), or was under way when the run was cancelled or
 * timed out, and nobody knows how far it got (`unknown`).
 */
export interface UncertainCall<INPUT = unknown> extends RollbackCallBase<INPUT> {
  readonly outcome: Exclude<RollbackOutcome, "done">;
  readonly output: undefined;
}

/** A call that a compensation undoes: the parameter of one that serves as `onRollback` and `onRollbackUncertain`. */
export type RollbackCall<INPUT = unknown, OUTPUT = unknown> = DoneCall<INPUT, OUTPUT> | UncertainCall<INPUT>;

/** The options with which a tool's calls can be undone. */
export interface ToolRollback<INPUT = unknown, OUTPUT = unknown> {
  /**
   * Undoes a call of the tool that had a result, when the run later fails terminally or is cancelled: one journaled step,
   * `<agent> undo <tool> <toolCallId>`. It is retried and runs at least once, so make it idempotent, as a tool's `execute`.
   * A `TerminalError` says that it cannot be undone.
   */
  onRollback?(this: void, call: DoneCall<INPUT, OUTPUT>): unknown;
  /**
   * The same for calls without a result that may have had an effect. Without it they are reported as not undone.
   */
  onRollbackUncertain?(this: void, call: UncertainCall<INPUT>): unknown;
  /**
   * Retry bounds of both. Default: 20 attempts from 0.5 s to 1 min apart, about 13 minutes. After that it counts as not
   * undone, and the others go on: one that never succeeds must not keep them. `maxRetryAttempts: Infinity` tries for ever.
   */
  readonly rollbackOptions?: StepOptions;
}

/** The other options of a tool. */
export function withoutRollback<O extends ToolRollback>(options: O): Omit<O, keyof ToolRollback> {
  const { onRollback: _onRollback, onRollbackUncertain: _uncertain, rollbackOptions: _options, ...rest } = options;
  return rest;
}

/** What is wrong with a tool's options, to follow its name; undefined: nothing. */
export function rollbackProblem(
  options: ToolRollback & { readonly readOnly?: boolean },
  tool: { readonly isProviderExecuted?: boolean | undefined } | undefined,
): string | undefined {
  const { onRollback, onRollbackUncertain, rollbackOptions, readOnly } = options;
  const given: Readonly<Record<string, unknown>> = { onRollback, onRollbackUncertain };
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && typeof value !== "function") return `.${name} must be a function`;
  }
  if (onRollback !== undefined && readOnly === true) {
    return ".onRollback contradicts readOnly: a tool without side effects has nothing to undo";
  }
  if (onRollback !== undefined && tool?.isProviderExecuted === true) {
    return ".onRollback never runs: the provider executes this tool, so nothing here knows its calls";
  }
  const problem = retryBoundsProblem(rollbackOptions ?? {});
  if (problem !== undefined) return `.rollbackOptions${problem}`;
  if (onRollback !== undefined) return undefined;
  if (onRollbackUncertain !== undefined) return ".onRollbackUncertain needs onRollback";
  return rollbackOptions === undefined ? undefined : ".rollbackOptions needs onRollback";
}
