import type { RollbackOutcome } from "../../errors/rollback-report.ts";
import { TerminalError } from "../../restate.ts";
import type { CallOfTool } from "../current-call.ts";
import { type Act, type CompensationInit, outcomeOf } from "./compensation.ts";
import type { RollbackScope } from "./rollback-scope.ts";
import type { ToolRollback, UncertainCall } from "./tool-rollback.ts";

/** A call that may have begun. */
interface BegunCall extends CallOfTool {
  readonly input: unknown;
}

/** A call of a tool that can be undone, from its begin to its end. It is noted when it ends, in the order of the journal. */
export class UndoableCall {
  readonly #scope: RollbackScope;
  readonly #options: ToolRollback;
  readonly #call: BegunCall;
  #step: CompensationInit["step"];
  #isOpen = false;

  private constructor(scope: RollbackScope, options: ToolRollback, call: BegunCall) {
    this.#scope = scope;
    this.#options = options;
    this.#call = call;
  }

  /** Undefined when the tool has no compensation. */
  static of(scope: RollbackScope, options: ToolRollback, call: BegunCall): UndoableCall | undefined {
    return options.onRollback === undefined ? undefined : new UndoableCall(scope, options, call);
  }

  /** From here on it may have an effect. */
  begins(): void {
    this.#isOpen = true;
  }

  /** The step that it is. */
  is(step: NonNullable<CompensationInit["step"]>): void {
    this.#step = step;
  }

  done(output: unknown): void {
    this.#note("done", output);
  }

  /** A failure that is not terminal ends the attempt, and says nothing. */
  failed(error: unknown): void {
    if (error instanceof TerminalError) this.#note(outcomeOf(error), undefined);
  }

  #note(outcome: RollbackOutcome, output: unknown): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { tool, toolCallId, input } = this.#call;
    void this.#scope.note({
      run: this.#scope.name,
      what: { tool, toolCallId },
      input,
      output,
      outcome,
      options: this.#options.rollbackOptions,
      act: (became) => actOf({ toolCallId, input }, became, this.#options),
      step: outcome === "unknown" ? this.#step : undefined,
    });
  }
}

function actOf(
  call: { readonly toolCallId: string; readonly input: unknown },
  became: RollbackOutcome,
  { onRollback, onRollbackUncertain }: ToolRollback,
): Act | string {
  if (became === "done") {
    return (output, abortSignal) => onRollback?.({ ...call, abortSignal, outcome: became, output });
  }
  if (onRollbackUncertain === undefined) return UNCERTAIN[became];
  return (_, abortSignal) => onRollbackUncertain({ ...call, abortSignal, outcome: became, output: undefined });
}

const UNCERTAIN: Readonly<Record<UncertainCall["outcome"], string>> = {
  failed: "The call failed, and may have had an effect; its tool has no onRollbackUncertain",
  unknown: "The call was interrupted, and may have had an effect; its tool has no onRollbackUncertain",
};
