import type { TimeoutConfiguration, ToolSet } from "ai";

/**
 * The AI SDK's `timeout` setting, taken apart. The AI SDK would run real timers between steps (G8); here
 * `totalMs` is a durable timer, and the others bound what happens inside a step: `stepMs`, `firstChunkMs` and
 * `chunkMs` one model call, `toolMs` one tool call.
 */
export interface Timeouts {
  readonly totalMs: number | undefined;
  readonly model: { readonly stepMs?: number; readonly firstChunkMs?: number; readonly chunkMs?: number };
  tool(toolName: string): number | undefined;
}

/** Reads an AI SDK timeout configuration; undefined means no bound. */
export function timeoutsOf(setting: unknown): Timeouts {
  const timeout = setting as TimeoutConfiguration<ToolSet> | undefined;
  const parts = typeof timeout === "number" ? { totalMs: timeout } : (timeout ?? {});
  const { totalMs, stepMs, firstChunkMs, chunkMs, toolMs } = parts;
  const perTool: Readonly<Record<string, number | undefined>> = parts.tools ?? {};
  // A model call cannot outlast the run that it is part of.
  const modelMs = [stepMs, totalMs].filter((ms) => ms !== undefined);
  return {
    totalMs,
    model: {
      ...(modelMs.length === 0 ? {} : { stepMs: Math.min(...modelMs) }),
      ...(firstChunkMs === undefined ? {} : { firstChunkMs }),
      ...(chunkMs === undefined ? {} : { chunkMs }),
    },
    tool: (toolName) => perTool[`${toolName}Ms`] ?? toolMs,
  };
}
