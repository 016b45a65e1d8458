import type { StepOptions } from "../journal/step-host.ts";

/** How one tool of an agent is run. */
export interface ToolOptions extends StepOptions {
  /**
   * `false`: not a journaled step. The tool runs in the handler, again on every replay, and may use
   * `restateContext()`. Default true, unless `autoWrapTools` is false.
   */
  readonly wrap?: boolean;
  /** True when the tool has no side effect. It may then run ahead of acknowledgements. Default false. */
  readonly readOnly?: boolean;
}

/** What a tool's `TerminalError` does: tell the model (default), or end the run. */
export type ToolErrorPolicy = "model" | "fail";
