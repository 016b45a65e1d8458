/**
 * Keeps what happened in a turn, so that the history has it however the turn ends. It listens to the run as those do who
 * watch it, and passes everything on to them.
 */
import type { FinishReason, LanguageModelUsage, ModelMessage, UserModelMessage } from "ai";
import type { ModelStep } from "../../model/model-step.ts";
import type { LiveEvent, RunSink, SettledEvent } from "../../stream/run-sink.ts";
import { UsageLedger } from "../../agent/usage-ledger.ts";
import type { SteeredMessage } from "./steered.ts";
import { type UndoneCalls, withUndone } from "./undone-calls.ts";
import { messagesOfOpenStep, type ToolEnd, withoutOpenCalls } from "./turn-messages.ts";

/** What the AI SDK tells when a step has ended. */
export interface EndedStep {
  readonly response: { readonly messages: readonly ModelMessage[] };
  readonly usage: LanguageModelUsage;
  readonly finishReason: FinishReason;
  readonly text: string;
}

/** See the head of this file. */
export class TurnRecorder implements RunSink {
  /** What the turn has used, agents that its agent called included. */
  readonly ledger: UsageLedger;
  readonly #next: RunSink;
  readonly #messages: ModelMessage[] = [];
  #steering: readonly UserModelMessage[] = [];
  #open: ModelStep | undefined;
  readonly #ends = new Map<string, ToolEnd>();
  /** Tool calls that ended because the run did: what the AI SDK makes of that is nothing for a model. */
  readonly #unsettled = new Set<string>();
  #last: EndedStep | undefined;
  /** Model steps that have settled. */
  #steps = 0;
  #isAsking = false;
  /** What was undone when it had failed. */
  #undone: UndoneCalls | undefined;

  /** @param usage Gets what the turn uses, too. */
  constructor(next: RunSink, usage?: UsageLedger) {
    this.#next = next;
    this.ledger = new UsageLedger(usage);
  }

  live(event: LiveEvent): PromiseLike<{ readonly stop: boolean }> {
    return this.#next.live(event);
  }

  tools(tools: Parameters<NonNullable<RunSink["tools"]>>[0]): void {
    this.#next.tools?.(tools);
  }

  get readers(): RunSink["readers"] {
    return this.#next.readers;
  }

  get stopped(): RunSink["stopped"] {
    return this.#next.stopped;
  }

  settled(event: SettledEvent): void {
    if (event.type === "model-step") {
      this.#open = event.result;
      this.#steps += 1;
      this.#isAsking = false;
      this.#ends.clear();
    } else if (event.type === "tool-result" || event.type === "tool-error" || event.type === "tool-denied") {
      this.#ends.set(event.toolCallId, event);
    }
    this.#next.settled(event);
  }

  /** Messages that the run begins with, after the turn's own: they were added to the turn that it is in the place of. */
  given(steered: readonly SteeredMessage[]): readonly UserModelMessage[] {
    for (const { id, parts } of steered) this.settled({ type: "steering", id, parts });
    const messages = steered.map(({ model }) => model);
    this.#messages.push(...messages);
    return messages;
  }

  /**
   * The model's step will not end: the run was cancelled.
   *
   * @returns the text of what it had said; undefined when that is nothing.
   */
  cutOff(step: string, content: ModelStep["content"]): string | undefined {
    if (content.length === 0) return undefined;
    const result: ModelStep = { ...CUT_OFF, content };
    this.settled({ type: "model-step", step, result });
    return content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
  }

  /** A step begins, and the model is given these messages besides. */
  stepBegins(steering: readonly UserModelMessage[]): void {
    this.#steering = steering;
    this.#isAsking = true;
  }

  stepEnded(step: EndedStep): void {
    this.#messages.push(...this.#steering, ...step.response.messages);
    this.#steering = [];
    this.#open = undefined;
    this.#last = step;
  }

  /**
   * The run has failed. The AI SDK may have taken the failure for one of its last step's tools, and have ended that step;
   * such results never settled.
   */
  runFailed(undone: UndoneCalls | undefined): void {
    this.#undone = undone;
    if (this.#open !== undefined) return; // It failed in another step.
    const results = (this.#last?.response.messages ?? []).flatMap((message) =>
      message.role === "tool" ? message.content : [],
    );
    for (const part of results) {
      if (part.type !== "tool-result" || part.output.type !== "error-text") continue;
      if (!this.#ends.has(part.toolCallId)) this.#unsettled.add(part.toolCallId);
    }
  }

  /** What the model was told and said in the turn, after the user's message; no tool call is without its result. */
  get messages(): ModelMessage[] {
    const open = this.#open === undefined ? [] : messagesOfOpenStep(this.#open, this.#ends);
    const messages = withoutOpenCalls([...this.#messages, ...this.#steering, ...open], this.#unsettled);
    return withUndone(messages, this.#undone);
  }

  /** The segment of the model step that runs; undefined while none does. */
  get openSegment(): number | undefined {
    return this.#isAsking ? this.#steps + 1 : undefined;
  }

  /** The last step that ended. */
  get lastStep(): EndedStep | undefined {
    return this.#last;
  }

  /** Usage of all model calls that the journal has, those of agents that were called included. */
  get usage(): LanguageModelUsage {
    return this.ledger.total;
  }
}

/** What is not known of a step that did not end. */
const CUT_OFF: Omit<ModelStep, "content"> = {
  finishReason: { unified: "interrupted", raw: undefined },
  usage: {
    inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: undefined, text: undefined, reasoning: undefined },
  },
  warnings: [],
  response: { id: "", timestamp: new Date(0), modelId: "" },
  ms: 0,
};
