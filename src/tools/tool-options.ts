import type { StepOptions } from "../journal/step-host.ts";
import type { ToolRollback } from "./rollback/tool-rollback.ts";

/** How one tool of an agent is run, and how its calls are undone. */
export interface ToolOptions<INPUT = unknown, OUTPUT = unknown> extends StepOptions, ToolRollback<INPUT, OUTPUT> {
  /**
   * `false`: not a journaled step. The tool runs in the handler, again on every replay, and may use
   * `restateContext()`. Default true, unless `autoWrapTools` is false.
   */
  readonly wrap?: boolean;
  /**
   * True when the tool has no side effect: it may begin before the model response that asked for it is durable, and so
   * share a request with it on Workers. After a crash it may then run for a response that is asked for again. Default
   * false: it begins when everything before it is durable.
   */
  readonly readOnly?: boolean;
}

/** What a tool's `TerminalError` does: tell the model (default), or end the run. */
export type ToolErrorPolicy = "model" | "fail";
