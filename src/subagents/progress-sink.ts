import type { ToolExecutionOptions } from "ai";
import type { AgentRun } from "../agent/agent-run.ts";
import type { RunSink } from "../stream/run-sink.ts";

export function progressSink(
  _parent: AgentRun,
  _agent: string,
  _call: ToolExecutionOptions<never>,
): RunSink | undefined {
  return undefined;
}
