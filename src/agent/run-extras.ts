/** What the library's own callers give to a run besides the AI SDK's parameters. */
import type { ToolSet } from "ai";
import type { Approvals } from "../approvals/approvals.ts";
import type { RunSink } from "../stream/run-sink.ts";
import type { BudgetBound } from "./budget/budget.ts";
import type { BudgetMeter } from "./budget/budget-meter.ts";
import type { UsageLedger } from "./usage-ledger.ts";

/** A parameter of `generate()` and `stream()` with what only this library passes. */
export const EXTRAS: unique symbol = Symbol("restate-edge-agents.extras");

/** See `EXTRAS`. */
export interface RunExtras {
  /** Told what happens in the run. */
  readonly sink?: RunSink | undefined;
  /** Who is asked before tools that need an approval; before those of the agent's options. */
  readonly approvals?: Approvals | undefined;
  /** Gets what the run uses, too. Default: the run in whose tool this one happens. */
  readonly usage?: UsageLedger | undefined;
  /** The budget of the conversation that it belongs to. */
  readonly budget?: BudgetMeter | undefined;
  /** What is left of the budgets of who has called over Restate; `usage` is what counts for them. */
  readonly bounds?: readonly BudgetBound[] | undefined;
  /** False: the caller undoes what the run has done, should it take the run's failure for one. Default true. */
  readonly undoesItself?: boolean | undefined;
  /** The tools, of which those that the client executes ask it. Default: the AI SDK's way, the run ends with the calls. */
  readonly clientTools?: ((tools: ToolSet) => ToolSet) | undefined;
}
