/**
 * Tools that the client executes: those of the AI SDK without `execute`. Where somebody can ask the client (a session), such a
 * tool gets an `execute` that does, and waits; elsewhere the AI SDK's own behaviour stays, and the run ends with the call.
 */
import type { Tool, ToolExecutionOptions } from "ai";
import { contextTool } from "./context-tool.ts";

const CLIENT_TOOL: unique symbol = Symbol("restate-edge-agents.client-tool");

/** Asks the client to execute a call. */
export type AskClient = (input: unknown, options: ToolExecutionOptions<never>) => Promise<unknown>;

/** True for a tool that nobody here executes, and no provider. */
export function isForClient(tool: Tool): boolean {
  return tool.execute === undefined && tool.isProviderExecuted !== true;
}

/** The tool, which asks the client when it is called. */
export function clientTool(tool: Tool, ask: AskClient): Tool {
  return Object.assign(contextTool({ ...tool, execute: ask } as unknown as Parameters<typeof contextTool>[0]), {
    [CLIENT_TOOL]: true,
  }) as unknown as Tool;
}

/** True for tools made by `clientTool()`. */
export function isClientTool(tool: object | undefined): boolean {
  return tool !== undefined && CLIENT_TOOL in tool;
}
