/**
 * The span `invoke_agent` of one run, and the places of what happens in it.
 *
 * A run takes many requests, and the one that ends it makes its span. What the span says comes from the journal: it
 * begins when the first model call began, which that call's step has stored.
 */
import { EdgeAgentError } from "../errors/edge-agent-error.ts";
import { readString } from "../errors/read-error.ts";
import type { Place } from "../journal/ambient.ts";
import { toolStepName } from "../journal/step-names.ts";
import type { ModelStep } from "../model/model-step.ts";
import type { ModelTrace } from "../model/model-trace.ts";
import { providerName } from "../telemetry/gen-ai.ts";
import type { InvocationTrace, SpanDraft } from "../telemetry/invocation-trace.ts";
import type { SpanAttributes, SpanError } from "../telemetry/span.ts";
import type { WorkTrace } from "../telemetry/work-trace.ts";
import type { Undoing } from "../tools/rollback/compensation.ts";
import { undoSpan } from "../tools/rollback/undo-span.ts";
import { ToolTrace } from "../tools/tool-trace.ts";

/** What of the AI SDK's telemetry settings concerns spans. */
export interface TelemetrySettings {
  readonly isEnabled?: boolean;
  readonly recordInputs?: boolean;
  readonly recordOutputs?: boolean;
}

/** A model's tokens, added up over the run. */
interface Tokens {
  input: number;
  output: number;
}

/** The span of a run. */
export class RunTrace {
  readonly #trace: InvocationTrace;
  readonly #run: string;
  readonly #agent: string;
  /** The tool that the agent is called in. */
  readonly #toolSpanId: string | undefined;
  readonly #spanId: string;
  readonly #beganMs: number;
  readonly #calls = new Map<string, number>();
  readonly #tokens: Tokens = { input: 0, output: 0 };
  #settings: TelemetrySettings = {};
  #modelCalls = 0;
  #first: ModelStep | undefined;
  #last: ModelStep | undefined;
  #model: { readonly provider: string; readonly modelId: string } | undefined;

  constructor(trace: InvocationTrace, place: Place, names: { readonly run: string; readonly agent: string }) {
    this.#trace = trace;
    this.#run = names.run;
    this.#agent = names.agent;
    this.#toolSpanId = place.spanId;
    this.#spanId = trace.spanId(`run ${names.run}`);
    this.#beganMs = trace.now();
  }

  /** The agent's telemetry settings, as soon as they are known. */
  configure(settings: TelemetrySettings | undefined): void {
    this.#settings = settings ?? {};
  }

  /** Where the span of the next model call belongs. */
  modelTrace(): ModelTrace | undefined {
    this.#modelCalls += 1;
    if (this.#settings.isEnabled === false) return undefined;
    const isOutermost = this.#modelCalls === 1 && this.#toolSpanId === undefined;
    return {
      trace: this.#trace,
      parentSpanId: this.#spanId,
      attributes: { ...this.#attributes, "agent.step.number": this.#modelCalls },
      ...this.#recorded,
      runParentSpanId: isOutermost ? this.#trace.attemptSpanId : undefined,
    };
  }

  /** A model step is in the journal; called in replays too. */
  onModelStep(step: ModelStep, model: { readonly provider: string; readonly modelId: string }): void {
    this.#first ??= step;
    this.#model ??= model;
    this.#last = step;
    this.#tokens.input += step.usage.inputTokens?.total ?? 0;
    this.#tokens.output += step.usage.outputTokens?.total ?? 0;
  }

  /** Where the span of a tool call belongs. Called in the order in which the model has asked for them. */
  toolTrace(toolName: string, toolCallId: string, description: string | undefined): ToolTrace | undefined {
    if (this.#settings.isEnabled === false) return undefined;
    const name = toolStepName(this.#run, toolName, toolCallId);
    const count = (this.#calls.get(name) ?? 0) + 1;
    this.#calls.set(name, count);
    const { startedMs, ms } = this.#last ?? {};
    return new ToolTrace({
      trace: this.#trace,
      parentSpanId: this.#spanId,
      key: toolStepName(this.#run, toolName, toolCallId, count),
      toolName,
      toolCallId,
      description,
      attributes: { ...this.#attributes, "agent.step.number": this.#modelCalls },
      askedMs: startedMs === undefined || ms === undefined ? undefined : startedMs + ms,
      ...this.#recorded,
    });
  }

  /** The span of a compensation. It may begin after the run has ended, when what is around it fails. */
  readonly undoTrace = (undoing: Undoing): WorkTrace | undefined => {
    if (this.#settings.isEnabled === false) return undefined;
    const attributes = this.#attributes;
    return undoSpan(this.#trace, undoing, { parentSpanId: this.#spanId, attributes, ...this.#recorded });
  };

  /** The run has ended, with `failure` if it failed. One that ends the attempt ends nothing: the journal does not go on. */
  end(failure?: { readonly error: unknown }): void {
    if (this.#settings.isEnabled === false) return;
    const endMs = this.#trace.now();
    this.#trace.defer(() => this.#draft(endMs, failure));
  }

  #draft(endMs: number, failure: { readonly error: unknown } | undefined): SpanDraft {
    const parentSpanId = this.#toolSpanId ?? this.#first?.runParentSpanId ?? this.#trace.callerSpanId;
    return {
      key: `run ${this.#run}`,
      name: `invoke_agent ${this.#agent}`,
      kind: "internal",
      parentSpanId,
      startMs: this.#first?.startedMs ?? this.#beganMs,
      endMs,
      attributes: {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": this.#model === undefined ? undefined : providerName(this.#model.provider),
        "gen_ai.request.model": this.#model?.modelId,
        ...this.#attributes,
        "agent.steps": this.#modelCalls,
        "gen_ai.usage.input_tokens": this.#tokens.input,
        "gen_ai.usage.output_tokens": this.#tokens.output,
        ...(this.#last === undefined ? {} : { "gen_ai.response.finish_reasons": [this.#last.finishReason.unified] }),
      },
      error: failure === undefined ? undefined : errorOf(failure.error),
    };
  }

  get #attributes(): SpanAttributes {
    return { "gen_ai.agent.name": this.#agent, "agent.run": this.#run };
  }

  /** The AI SDK records content unless told not to; here it has to be asked for. */
  get #recorded(): { readonly recordInputs: boolean; readonly recordOutputs: boolean } {
    const { recordInputs, recordOutputs } = this.#settings;
    return { recordInputs: recordInputs === true, recordOutputs: recordOutputs === true };
  }
}

/** The message of a failure that is not ours may quote content. */
function errorOf(error: unknown): SpanError {
  const type = readString(error, "errorCode") ?? readString(error, "name") ?? "_OTHER";
  return { type, message: EdgeAgentError.isInstance(error) ? error.message : undefined };
}
