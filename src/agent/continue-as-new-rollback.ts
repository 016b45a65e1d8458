/**
 * Undoing in a run that takes several invocations. What can be undone is handed over with the conversation: the tool calls,
 * with their inputs and results. The segment that fails undoes those of all segments before it, too.
 *
 * - K1 Only what `toolOptions` of the service's agent say can cross: code that `onRollback()` was given, and tools of other
 *   agents, cannot. Such a compensation ends the run with a DefinitionError, and is undone.
 * - K2 Whose turn it is to undo is told by the failure: one that carries a report was undone by the segment that it comes
 *   from. One without (it was killed, or cancelled before it began) leaves it to the segment that waits for it.
 * - K3 So a cancelled segment waits for the one that it has called.
 */
import { DefinitionError } from "../errors/definition-error.ts";
import { rollbackReport } from "../errors/rollback-report.ts";
import { inFiber, requirePlace } from "../journal/ambient.ts";
import { CancelledError, TerminalError } from "../restate.ts";
import type { Compensation, StoredCall } from "../tools/rollback/compensation.ts";
import { RollbackScope } from "../tools/rollback/rollback-scope.ts";
import { compensationOf } from "../tools/rollback/undoable-call.ts";
import type { AgentRollback } from "./agent-rollback.ts";

/** What the segments of one service need to know. */
export interface ChainRollbackInit extends AgentRollback {
  readonly service: string;
  /** Name of the agent. */
  readonly agent: string;
}

/** See the head of this file. */
export class ChainRollback {
  readonly #init: ChainRollbackInit;

  constructor(init: ChainRollbackInit) {
    this.#init = init;
  }

  /** True when the agent has a tool that can be undone. */
  get #isNeeded(): boolean {
    return Object.values(this.#init.toolOptions).some((options) => options?.onRollback !== undefined);
  }

  /** Runs one segment, which may have to undo `earlier`, too. */
  segment<T>(earlier: readonly StoredCall[], work: (scope: RollbackScope) => Promise<T>): Promise<T> {
    const { agent, toolOptions, onRollbackFailed } = this.#init;
    return inFiber(requirePlace("continueAsNew"), (place) => {
      const scope = RollbackScope.enter(place, {
        name: agent,
        onRollbackFailed,
        refuse: (compensation) => this.#refusal(compensation),
      });
      for (const call of earlier) {
        const own = Object.hasOwn(toolOptions, call.tool) ? toolOptions[call.tool] : undefined;
        void scope.note(compensationOf(call, own));
      }
      return scope.run(() => work(scope));
    });
  }

  /** Waits for the next segment, which undoes what `scope` holds (K2, K3). */
  async next<T>(scope: RollbackScope, call: () => PromiseLike<T>): Promise<T> {
    if (!this.#isNeeded) return await call();
    let isCancelled = false;
    const release = scope.place.invocation.scheduler.onCancel(() => {
      isCancelled = true;
    });
    try {
      return await inFiber(scope.place, async () => await call(), { shielded: true });
    } catch (error) {
      if (rollbackReport(error) !== undefined) scope.clear();
      throw isCancelled && error instanceof TerminalError ? asCancelled(error) : error;
    } finally {
      release();
    }
  }

  /** K1 */
  #refusal({ call, item }: Compensation): DefinitionError | undefined {
    const { agent, service } = this.#init;
    if (call?.run.replace(/:\d+$/, "") === agent) return undefined;
    const what = call === undefined ? `onRollback("${item.label}")` : `the tool "${call.tool}" of another agent`;
    return new DefinitionError(
      `Cannot undo in service "${service}", which has continueAsNew, what ${what} registers: only onRollback in the toolOptions of its own agent can be handed to the next invocation; use that, or leave out continueAsNew`,
    );
  }
}

/** As a cancellation of this invocation, with what the called one tells. */
function asCancelled({ message, metadata }: TerminalError): CancelledError {
  return Object.assign(new CancelledError(), { message, ...(metadata === undefined ? {} : { metadata }) });
}

/** What is to be undone, as it is handed over. */
export function storedCalls(scope: RollbackScope): readonly StoredCall[] {
  return scope.pending.flatMap(({ call }) => (call === undefined ? [] : [call]));
}
