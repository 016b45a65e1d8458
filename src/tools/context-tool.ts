import { type Tool, tool } from "ai";
import type { ToolErrorPolicy } from "./tool-options.ts";

const CONTEXT_TOOL = Symbol.for("restate-edge-agents.context-tool");

/**
 * A tool that drives Restate itself: several steps, timers, awakeables, calls to other services, all through
 * `restateContext()`. Same settings as the AI SDK's `tool()`. It is not a step: its code runs again on replay, so
 * everything with a side effect belongs into `restateContext().run()`.
 */
export const contextTool: typeof tool = ((settings: Tool) =>
  Object.assign(tool(settings), { [CONTEXT_TOOL]: true })) as unknown as typeof tool;

/** True for tools made by `contextTool()`. */
export function isContextTool(candidate: object): boolean {
  return CONTEXT_TOOL in candidate;
}

/** On a tool: what its `TerminalError` does, before the agent's `toolErrors`. */
export const ERROR_POLICY: unique symbol = Symbol.for("restate-edge-agents.error-policy");

/** The tool's own policy. */
export function ownErrorPolicy(tool: object): ToolErrorPolicy | undefined {
  return (tool as { readonly [ERROR_POLICY]?: ToolErrorPolicy })[ERROR_POLICY];
}
