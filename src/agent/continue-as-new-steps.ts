/**
 * What a segment of a long run knows of the steps before it: enough for stop conditions and `prepareStep`, which see
 * the whole run, and of bounded size however long the run.
 *
 * The last steps are kept one by one, without their texts and tool results. Older ones are folded: how many there
 * were, their usage, and how often each tool was called. So the number of steps, sums over usage, and the tools that
 * were called are exact for the whole run.
 */
import type { FinishReason, LanguageModelUsage, StepResult, ToolSet } from "ai";
import type { ModelUsage } from "./usage-ledger.ts";
import { addUsage, NO_USAGE } from "./usage.ts";

/** Steps that are kept one by one. */
const RECENT_STEPS = 20;

/** Names of tools that are counted. A model that makes names up must not make the handover grow. */
const MAX_TOOL_NAMES = 256;

/** A step, as stop conditions and `prepareStep` see it. */
export type AnyStep = StepResult<ToolSet, Record<string, unknown>>;

/** One step without what it said. */
export interface StepSummary {
  readonly finishReason: FinishReason;
  readonly usage: LanguageModelUsage;
  readonly model: AnyStep["model"];
  readonly toolCalls: readonly CallSummary[];
}

interface CallSummary {
  readonly toolCallId: string;
  readonly toolName: string;
  readonly dynamic?: true;
}

/** The steps of the segments before. */
export interface EarlierSteps {
  /** Steps before the recent ones. */
  readonly folded: number;
  /** Usage of the folded steps. */
  readonly usage: LanguageModelUsage;
  /** How often the folded steps called each tool. */
  readonly calls: ReadonlyMap<string, number>;
  /** The last steps, in order. */
  readonly recent: readonly StepSummary[];
}

/** Before the first segment there was nothing. */
export const NO_STEPS: EarlierSteps = { folded: 0, usage: NO_USAGE, calls: new Map(), recent: [] };

/** How many steps there were. */
export function stepCount({ folded, recent }: EarlierSteps): number {
  return folded + recent.length;
}

/** The usage of all of them. */
export function totalUsage({ usage, recent }: EarlierSteps): LanguageModelUsage {
  return recent.reduce((sum, step) => addUsage(sum, step.usage), usage);
}

/** The usage of each of them; nobody knows any more which model the folded ones were. */
export function usageByModel({ folded, usage, recent }: EarlierSteps): ModelUsage[] {
  const old = folded === 0 ? [] : [{ provider: "", modelId: "", steps: folded, usage }];
  return [...old, ...recent.map(({ model, usage: used }) => ({ ...model, steps: 1, usage: used }))];
}

/** `earlier`, and then the steps of the segment that ends. */
export function withSteps(earlier: EarlierSteps, steps: readonly AnyStep[]): EarlierSteps {
  const all = [...earlier.recent, ...steps.map(summaryOf)];
  const old = all.slice(0, Math.max(0, all.length - RECENT_STEPS));
  const calls = new Map(earlier.calls);
  for (const { toolName } of old.flatMap((step) => step.toolCalls)) {
    if (calls.has(toolName) || calls.size < MAX_TOOL_NAMES) calls.set(toolName, (calls.get(toolName) ?? 0) + 1);
  }
  return {
    folded: earlier.folded + old.length,
    usage: old.reduce((sum, step) => addUsage(sum, step.usage), earlier.usage),
    calls,
    recent: all.slice(old.length),
  };
}

/**
 * The earlier steps as the AI SDK would show them, without texts, tool inputs and results. Of the folded ones the
 * first has all their usage, and their tool calls are spread, in no order.
 */
export function stepResults({ folded, usage, calls, recent }: EarlierSteps): AnyStep[] {
  const spread: CallSummary[][] = Array.from({ length: folded }, () => []);
  let next = 0;
  for (const [toolName, count] of calls) {
    for (let n = 0; n < count; n++) spread[next++ % folded]?.push({ toolCallId: "", toolName });
  }
  const old = spread.map((toolCalls, index): StepSummary => ({
    finishReason: "tool-calls",
    usage: index === 0 ? usage : NO_USAGE,
    model: { provider: "", modelId: "" },
    toolCalls,
  }));
  return [...old, ...recent].map(stepResult);
}

/** The step at its place in the whole run; everything else as it is. */
export function numbered(step: AnyStep, stepNumber: number): AnyStep {
  if (step.stepNumber === stepNumber) return step;
  return new Proxy(step, {
    get: (target, property) =>
      property === "stepNumber" ? stepNumber : (Reflect.get(target, property, target) as unknown),
  });
}

function summaryOf({ finishReason, usage, model, toolCalls }: AnyStep): StepSummary {
  const { raw: _, ...counts } = usage;
  return {
    finishReason,
    usage: counts,
    model,
    toolCalls: toolCalls.map(({ toolCallId, toolName, dynamic }) => ({
      toolCallId,
      toolName,
      ...(dynamic === true ? { dynamic } : {}),
    })),
  };
}

function stepResult({ finishReason, usage, model, toolCalls }: StepSummary, stepNumber: number): AnyStep {
  const calls = toolCalls.map(({ toolCallId, toolName, dynamic }): AnyStep["toolCalls"][number] => {
    const call = { type: "tool-call" as const, toolCallId, toolName, input: undefined };
    return dynamic === true ? { ...call, dynamic } : call;
  });
  return {
    callId: "",
    stepNumber,
    model,
    toolsContext: {},
    runtimeContext: {},
    content: calls,
    text: "",
    reasoning: [],
    reasoningText: undefined,
    files: [],
    sources: [],
    toolCalls: calls,
    staticToolCalls: calls.filter((call) => call.dynamic !== true),
    dynamicToolCalls: calls.filter((call) => call.dynamic === true),
    toolResults: [],
    staticToolResults: [],
    dynamicToolResults: [],
    finishReason,
    rawFinishReason: undefined,
    usage,
    performance: NO_PERFORMANCE,
    warnings: undefined,
    request: {},
    response: { id: "", timestamp: new Date(0), modelId: model.modelId, messages: [] },
    providerMetadata: undefined,
  };
}

const NO_PERFORMANCE: AnyStep["performance"] = {
  effectiveOutputTokensPerSecond: 0,
  outputTokensPerSecond: undefined,
  inputTokensPerSecond: undefined,
  effectiveTotalTokensPerSecond: 0,
  stepTimeMs: 0,
  responseTimeMs: 0,
  toolExecutionMs: {},
  timeToFirstOutputMs: undefined,
};
