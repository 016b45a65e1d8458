/**
 * One segment of a long run: one call of `generate()` that ends when its invocation has done enough, and then knows
 * what the next segment needs.
 *
 * - C1 Whether a segment is handed over depends on journaled results alone, so a replay decides alike (G2).
 * - C2 The user's stop conditions see the whole run, and win. A run that ends for any other reason than the segment's
 *   own bounds (an answer, a tool call that waits for the caller, an approval) ends.
 * - C3 What is handed over is what the next step would have been given: the messages of the last one, as `prepareStep`
 *   left them, its answer, and the overrides that the AI SDK carries forward.
 */
import { isStepCount, type ModelMessage, type StopCondition, type ToolSet } from "ai";
import { restateContext } from "../journal/context.ts";
import { requirePlace } from "../journal/ambient.ts";
import {
  type AnyStep,
  type EarlierSteps,
  numbered,
  stepCount,
  stepResults,
  usageByModel,
  withSteps,
} from "./continue-as-new-steps.ts";
import type { BudgetMeter, BudgetState } from "./budget/budget-meter.ts";
import type { LooseSettings } from "./run-settings.ts";
import type { ModelUsage, UsageLedger } from "./usage-ledger.ts";

/** Under this key `RestateAgent.generate()` is given a segment. */
export const SEGMENT: unique symbol = Symbol("restate-edge-agents.segment");

/** When a segment has done enough. */
export interface SegmentBounds {
  readonly steps: number;
  readonly bytes: number;
}

/** What comes from the segment before. */
export interface Handover {
  readonly messages: ModelMessage[];
  readonly earlier: EarlierSteps;
  /** What `prepareStep` has changed for all later steps. */
  readonly overrides: Overrides;
  /** When the run's total timeout ends it, in milliseconds since 1970. */
  readonly deadlineMs?: number;
  /** What the run has used so far, agents that it called included. Absent: a version before has handed over. */
  readonly usage?: readonly ModelUsage[];
  /** How far its budget is: when its time began, and what people have allowed. */
  readonly budget?: BudgetState;
}

/** What a segment starts with; the first has no messages but the caller's. */
export type SegmentStart = Omit<Handover, "messages"> & Partial<Pick<Handover, "messages">>;

/** Settings that `prepareStep` may change for all later steps. */
export type Overrides = Readonly<Record<string, unknown>>;

type Condition = StopCondition<ToolSet, Record<string, unknown>>;
type PrepareStep = (step: PreparedStep) => unknown;
interface PreparedStep {
  readonly steps: AnyStep[];
  readonly stepNumber: number;
  readonly messages: ModelMessage[];
  readonly initialInstructions?: unknown;
}

/** The state of one segment. */
export class Segment {
  readonly #bounds: SegmentBounds;
  readonly #start: SegmentStart;
  readonly #bytesBefore: number;
  /** The whole run's steps, as far as known. */
  readonly #steps: AnyStep[];
  readonly #earlierCount: number;
  #overrides: Overrides;
  #sent: ModelMessage[] = [];
  #deadlineMs: number | undefined;
  #handover: Handover | undefined;
  #ledger: UsageLedger | undefined;
  #budget: BudgetMeter | undefined;

  constructor(bounds: SegmentBounds, start: SegmentStart) {
    this.#bounds = bounds;
    this.#start = start;
    this.#earlierCount = stepCount(start.earlier);
    this.#steps = stepResults(start.earlier);
    this.#overrides = start.overrides;
    this.#deadlineMs = start.deadlineMs;
    this.#bytesBefore = journalBytes();
  }

  /** What the next segment needs; undefined when the run has ended. */
  get handover(): Handover | undefined {
    return this.#handover;
  }

  /** Counts what was used before, and hands over what `ledger` has at the end. */
  count(ledger: UsageLedger): void {
    ledger.addEarlier(this.#start.usage ?? usageByModel(this.#start.earlier));
    this.#ledger = ledger;
  }

  /** What the segment before says of the run's budget. */
  get budget(): BudgetState | undefined {
    return this.#start.budget;
  }

  /** Hands over what `meter` has at the end, besides what the ledger has. */
  meter(meter: BudgetMeter | undefined): void {
    this.#budget = meter;
  }

  /** The settings of this segment's loop, from those that the user's `prepareCall` has returned. */
  async settings(prepared: LooseSettings): Promise<LooseSettings> {
    const { prompt, messages, ...rest } = prepared;
    const { messages: handedOver } = this.#start;
    const conversation = handedOver === undefined ? { prompt, messages } : { messages: handedOver };
    const tools = (rest["tools"] ?? {}) as ToolSet;
    return {
      ...rest,
      ...conversation,
      ...this.#start.overrides,
      ...(await this.#timeout(rest["timeout"])),
      stopWhen: this.#stopWhen(conditionsOf(rest["stopWhen"]), tools),
      prepareStep: this.#prepareStep(
        rest["prepareStep"] as PrepareStep | undefined,
        rest["instructions"] ?? rest["system"],
      ),
    };
  }

  #stopWhen(conditions: readonly Condition[], tools: ToolSet): Condition {
    return async ({ steps }) => {
      const whole = this.#whole(steps);
      const met = await Promise.all(conditions.map(async (condition) => condition({ steps: whole })));
      if (met.some(Boolean)) return true;
      if (!this.#isFull(steps) || waitsForProvider(steps, tools)) return false;
      this.#handover = {
        messages: [...this.#sent, ...(steps.at(-1)?.response.messages ?? [])],
        earlier: withSteps(this.#start.earlier, steps),
        overrides: this.#overrides,
        ...(this.#deadlineMs === undefined ? {} : { deadlineMs: this.#deadlineMs }),
        ...(this.#ledger === undefined ? {} : { usage: this.#ledger.models }),
        ...(this.#budget === undefined ? {} : { budget: this.#budget.handover }),
      };
      return true;
    };
  }

  #isFull(steps: readonly AnyStep[]): boolean {
    const { steps: maxSteps, bytes } = this.#bounds;
    return steps.length >= maxSteps || journalBytes() - this.#bytesBefore >= bytes;
  }

  #prepareStep(own: PrepareStep | undefined, initialInstructions: unknown): PrepareStep {
    return async (step) => {
      const whole = this.#whole(step.steps);
      const result = (await own?.({
        ...step,
        steps: whole,
        stepNumber: whole.length,
        initialInstructions,
      })) as LooseSettings | undefined;
      this.#sent = (result?.["messages"] as ModelMessage[] | undefined) ?? step.messages;
      this.#overrides = { ...this.#overrides, ...overridesOf(result) };
      return result;
    };
  }

  /** The whole run's steps; `steps` are this segment's. */
  #whole(steps: readonly AnyStep[]): AnyStep[] {
    for (const step of steps.slice(this.#steps.length - this.#earlierCount)) {
      this.#steps.push(numbered(step, this.#steps.length));
    }
    return [...this.#steps];
  }

  /** The total timeout is the run's, not the segment's: later segments get what is left. */
  async #timeout(timeout: unknown): Promise<{ readonly timeout?: object }> {
    const parts = (typeof timeout === "number" ? { totalMs: timeout } : timeout) as { totalMs?: number } | undefined;
    if (parts?.totalMs === undefined) return {};
    const now = await restateContext().date.now();
    this.#deadlineMs ??= now + parts.totalMs;
    return { timeout: { ...parts, totalMs: Math.max(1, this.#deadlineMs - now) } };
  }
}

/** The size of the running invocation's journal, as far as it was consumed (C1). */
function journalBytes(): number {
  return requirePlace("a segment of a run").invocation.size.bytes;
}

/** As `generateText` reads its `stopWhen`. */
function conditionsOf(stopWhen: unknown): readonly Condition[] {
  if (stopWhen === undefined) return [isStepCount(1)];
  return Array.isArray(stopWhen) ? (stopWhen as Condition[]) : [stopWhen as Condition];
}

/** The overrides that the AI SDK carries forward to later steps; messages are handed over anyway. */
function overridesOf(result: LooseSettings | undefined): Overrides {
  const { instructions = result?.["system"], runtimeContext, toolsContext } = result ?? {};
  return {
    ...(instructions === undefined ? {} : { instructions }),
    ...(runtimeContext === undefined ? {} : { runtimeContext }),
    ...(toolsContext === undefined ? {} : { toolsContext }),
  };
}

/** True while a provider owes the result of a call that it runs itself: only the loop that saw the call waits for it. */
function waitsForProvider(steps: readonly AnyStep[], tools: ToolSet): boolean {
  const owed = new Set<string>();
  for (const { content } of steps) {
    for (const part of content) {
      if (part.type === "tool-call" && part.providerExecuted === true && isDeferred(tools[part.toolName])) {
        owed.add(part.toolCallId);
      }
    }
    for (const part of content) {
      if (part.type === "tool-result" || part.type === "tool-error") owed.delete(part.toolCallId);
    }
  }
  return owed.size > 0;
}

function isDeferred(tool: ToolSet[string] | undefined): boolean {
  return tool?.type === "provider" && tool.supportsDeferredResults === true;
}
