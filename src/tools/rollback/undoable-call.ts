import type { RollbackOutcome } from "../../errors/rollback-report.ts";
import { TerminalError } from "../../restate.ts";
import { type CompensationInit, outcomeOf, type StoredCall } from "./compensation.ts";
import type { RollbackScope } from "./rollback-scope.ts";
import type { RollbackCall, ToolRollback } from "./tool-rollback.ts";

/** A call of a tool that can be undone, from its begin to its end. It is noted when it ends, in the order of the journal. */
export class UndoableCall {
  readonly #scope: RollbackScope;
  readonly #options: ToolRollback;
  readonly #call: Omit<StoredCall, "run" | "output" | "outcome">;
  #step: CompensationInit["step"];
  #isOpen = false;

  private constructor(scope: RollbackScope, options: ToolRollback, call: UndoableCall["#call"]) {
    this.#scope = scope;
    this.#options = options;
    this.#call = call;
  }

  /** Undefined when the tool has no compensation. */
  static of(
    scope: RollbackScope,
    options: ToolRollback,
    call: Omit<StoredCall, "run" | "output" | "outcome">,
  ): UndoableCall | undefined {
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
    const call = { ...this.#call, run: this.#scope.name, output, outcome };
    const step = outcome === "unknown" ? this.#step : undefined;
    this.#scope.note({ ...compensationOf(call, this.#options), step });
  }
}

/** How a call is undone, by the options of its tool. */
export function compensationOf(
  { run, tool, toolCallId, input, output, outcome }: StoredCall,
  options: ToolRollback | undefined,
): CompensationInit {
  const onRollback = options?.onRollback?.bind(options) as ((call: RollbackCall) => unknown) | undefined;
  const handlesAll = options?.rollbackOn === "started";
  return {
    run,
    what: { tool, toolCallId },
    input,
    output,
    outcome,
    act:
      onRollback === undefined
        ? undefined
        : (became, result, abortSignal) =>
            onRollback({ toolCallId, input, abortSignal, outcome: became, output: result } as RollbackCall),
    refusal: (became) => (handlesAll || became === "done" ? undefined : UNCERTAIN[became]),
    options: options?.rollbackOptions,
  };
}

const UNCERTAIN: Readonly<Record<Exclude<RollbackOutcome, "done">, string>> = {
  failed: 'The call failed, and may have had an effect; its tool has no rollbackOn: "started"',
  unknown: 'The call was interrupted, and may have had an effect; its tool has no rollbackOn: "started"',
};
