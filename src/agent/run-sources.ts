/** Loads the tools that an agent's settings do not hold but stand for, such as those of MCP servers. */
import { ApprovalScope } from "../approvals/approval-scope.ts";
import { jsonCodec, valueForm } from "../journal/codec.ts";
import { type SourceHost, sourcesIn, type ToolSource, withLoadedTools } from "../tools/tool-source.ts";
import type { AgentRun } from "./agent-run.ts";
import type { LooseSettings } from "./run-settings.ts";

/** The settings of a run with these tools. */
export function loadTools(settings: LooseSettings, run: AgentRun): Promise<LooseSettings> {
  const { options, extras, place } = run;
  const approvals = extras.approvals ?? options.approvals ?? ApprovalScope.of(place.fiber);
  return withLoadedTools(settings, options.mcp ?? [], {
    steps: run.steps,
    run: run.name,
    stepOptions: options.runOptions ?? {},
    canAsk: approvals !== undefined,
    codec: (step) => run.codec(valueForm, step),
  });
}

/** The same outside of a handler, where nothing is journaled. */
export function loadToolsPlainly(
  settings: LooseSettings,
  agent: string,
  mcp: readonly ToolSource[] = [],
): Promise<LooseSettings> {
  return withLoadedTools(settings, mcp, {
    steps: { step: (_name, action) => action({ signal: new AbortController().signal }) },
    run: agent,
    stepOptions: {},
    canAsk: false,
    codec: () => jsonCodec,
  } satisfies SourceHost);
}

/** True when there is something to load. */
export function hasSources(settings: LooseSettings, mcp: readonly ToolSource[] = []): boolean {
  return mcp.length > 0 || sourcesIn(settings["tools"] as object | undefined).length > 0;
}
