/** The span of a model call: made inside the step, by the attempt that really calls the provider. */
import type { LanguageModelV4, LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { providerFailure } from "../errors/provider-failure.ts";
import { readString } from "../errors/read-error.ts";
import { TerminalError } from "../restate.ts";
import { inputContent, outputContent, providerName, requestAttributes, usageAttributes } from "../telemetry/gen-ai.ts";
import type { InvocationTrace } from "../telemetry/invocation-trace.ts";
import type { SpanAttributes, SpanError } from "../telemetry/span.ts";
import { readNote } from "./fallback/fallback-metadata.ts";
import type { ModelStep } from "./model-step.ts";

/** Where the spans of a model's calls belong, and what they hold. */
export interface ModelTrace {
  readonly trace: InvocationTrace;
  readonly parentSpanId: string | undefined;
  /** Who calls: the agent and the number of the step. */
  readonly attributes: SpanAttributes;
  /** True: the prompt is in the span. */
  readonly recordInputs: boolean;
  /** True: the answer is in the span. */
  readonly recordOutputs: boolean;
  /** Stored with the step: the parent of the run that this step is the first of. */
  readonly runParentSpanId?: string | undefined;
}

/** One call, as it is made. */
export interface TracedCall {
  /** Name of the step. */
  readonly name: string;
  readonly provider: LanguageModelV4;
  readonly parameters: LanguageModelV4CallOptions;
  readonly streamed: boolean;
  readonly startMs: number;
}

/** The provider has answered. */
export function traceAnswer(model: ModelTrace, call: TracedCall, step: ModelStep): void {
  model.trace.add(() => ({
    ...commonParts(model, call),
    key: call.name,
    endMs: call.startMs + step.ms,
    attributes: {
      ...commonAttributes(model, call),
      ...usageAttributes(step.usage),
      "gen_ai.response.id": step.response.id,
      "gen_ai.response.model": step.response.modelId,
      "gen_ai.response.finish_reasons": [step.finishReason.unified],
      ...fallbackAttributes(step),
      ...(model.recordOutputs ? outputContent(step.content, step.finishReason) : {}),
    },
  }));
}

/** Who has answered in the place of the first model, and who failed before. */
function fallbackAttributes({ providerMetadata }: ModelStep): SpanAttributes {
  const note = readNote(providerMetadata);
  if (note === undefined) return {};
  return {
    "gen_ai.provider.name": providerName(note.provider),
    "restate.model.tried": note.tried.map(
      ({ provider, modelId, code, ms }) => `${provider} ${modelId}: ${code} after ${ms} ms`,
    ),
  };
}

/**
 * The call has failed. A failure that ends the step is the step's result, and its span the step's; of any other there
 * may be several, so the time is part of their ids.
 *
 * @param thrown What the provider or the AI SDK threw.
 * @param failure What it was judged to be: this is thrown out of the step.
 */
export function traceFailure(model: ModelTrace, call: TracedCall, thrown: unknown, failure: unknown): void {
  const endMs = model.trace.now();
  model.trace.add(() => ({
    ...commonParts(model, call),
    key: failure instanceof TerminalError ? call.name : `${call.name} ${call.startMs}`,
    endMs,
    attributes: commonAttributes(model, call),
    error: spanErrorOf(thrown, failure),
  }));
}

function commonParts({ parentSpanId }: ModelTrace, { provider, startMs }: TracedCall) {
  return { name: `chat ${provider.modelId}`, kind: "client", parentSpanId, startMs } as const;
}

function commonAttributes(model: ModelTrace, { name, provider, parameters, streamed }: TracedCall): SpanAttributes {
  return {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": providerName(provider.provider),
    "gen_ai.request.model": provider.modelId,
    ...requestAttributes(parameters),
    "gen_ai.request.stream": streamed,
    ...model.attributes,
    "restate.step.name": name,
    ...(model.recordInputs ? inputContent(parameters.prompt) : {}),
  };
}

/** Why a call failed. The judged message is bounded and holds no bodies, headers or keys. */
export function spanErrorOf(thrown: unknown, failure: unknown): SpanError {
  const status = providerFailure(thrown)?.statusCode;
  const type = status === undefined ? readString(failure, "errorCode") : String(status);
  return { type: type ?? readString(thrown, "name") ?? "_OTHER", message: readString(failure, "message") };
}
