/**
 * A language model each of whose calls is one journaled step.
 *
 * - M1 `doGenerate` and `doStream` store the same form (model-step.ts); a replay never calls the provider.
 * - M2 What the caller gets comes from the journal, live and on replay alike (G2).
 * - M3 Ids, timestamps and durations are made inside the step (G8).
 * - M4 A failure is classified once, inside the step, with provider and model (G6). Who ended the call decides: the
 *   end of the attempt before the caller's signal, because an abort that only echoes it must not be recorded.
 * - M5 A call that was ended sends no further event: its parts must not mix with those of the next attempt.
 * - M6 A call that somebody asks to stop ends where it is, and its step is stored with the text that it has. The finish
 *   reason `interrupted` says so, with which the AI SDK ends its loop. Tool calls are left out: none may dangle.
 */
import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4GenerateResult } from "@ai-sdk/provider";
import type { LanguageModel } from "ai";
import { type Redact, redactedError, redactedJson } from "../encryption/redact.ts";
import type { StepCodec, StepHost, StepOptions, StepScope } from "../journal/step-host.ts";
import type { RunSink } from "../stream/run-sink.ts";
import { CallLimits, type CallTimeout } from "./call-limits.ts";
import { readNote } from "./fallback/fallback-metadata.ts";
import { type ModelStep, modelStepCodec } from "./model-step.ts";
import { type ModelTrace, traceAnswer, traceFailure } from "./model-trace.ts";
import { judgeCall, untilAborted } from "./provider-call.ts";
import { resolveModel } from "./resolve-model.ts";
import { redactedContent, redactedParameters } from "./redact-answer.ts";
import { streamAnswer } from "./stream-answer.ts";
import type { StreamEvent } from "./stream-event.ts";
import { synthesizeStream } from "./synthesize-stream.ts";

/** What a journaled model needs from its surroundings. */
export interface ModelHost {
  readonly steps: StepHost;
  nextStepName(model: { readonly provider: string; readonly modelId: string }): string;
  /** Awaited before each call: it may have side effects when the provider executes tools (G4). */
  readonly beforeCall?: (parameters: LanguageModelV4CallOptions) => PromiseLike<void>;
  /** How the result of a step is stored. Default: all of it in the journal. */
  readonly codec?: (step: string) => StepCodec<ModelStep>;
  readonly options?: StepOptions;
  readonly onStreamEvent?: (event: StreamEvent) => void | PromiseLike<void>;
  /** Who else is told of live parts, and may ask for the answer to end where it is (M6). */
  readonly sink?: RunSink;
  /** Says what is kept of a text. */
  readonly redact?: Redact | undefined;
  /** Bounds of one call, in milliseconds; exceeding one is a transient failure. */
  readonly timeout?: CallTimeout;
  /** Told what is stored of each call, and which model has answered; also on replay. */
  readonly onModelStep?: (
    result: ModelStep,
    model: { readonly provider: string; readonly modelId: string },
    step: string,
  ) => void;
  /** True when the step must say when its call began. Called inside the step. */
  readonly wantsStart?: () => boolean;
  /** Called inside the step, before the provider is called. It must not throw. */
  readonly executing?: () => void;
  /** Where the span of the next call belongs; undefined: none is made. Called when the step's name is known. */
  readonly trace?: () => ModelTrace | undefined;
}

type Answer = Omit<ModelStep, "ms" | "response"> & { readonly response?: LanguageModelV4GenerateResult["response"] };

/** The journaled form of `model`: any model or model id that the AI SDK takes. */
export function journalModel(model: LanguageModel, host: ModelHost): LanguageModelV4 {
  const provider = resolveModel(model);
  const call = async (parameters: LanguageModelV4CallOptions, streamed: boolean): Promise<ModelStep> => {
    await host.beforeCall?.(parameters);
    const name = host.nextStepName(provider);
    const trace = host.trace?.();
    const isStreamed = streamed || host.onStreamEvent !== undefined || host.sink !== undefined;
    const action = (scope: StepScope): Promise<ModelStep> =>
      callProvider({ provider, parameters, host, name, streamed: isStreamed, trace }, scope);
    const step = await host.steps.step(name, action, host.codec?.(name) ?? modelStepCodec, host.options);
    host.onModelStep?.(step, readNote(step.providerMetadata) ?? provider, name);
    return step;
  };
  return {
    specificationVersion: "v4",
    provider: provider.provider,
    modelId: provider.modelId,
    supportedUrls: provider.supportedUrls,
    doGenerate: async (parameters) => {
      const { ms: _, startedMs: _started, runParentSpanId: _parent, content, ...step } = await call(parameters, false);
      return { ...step, content: [...content] };
    },
    doStream: async (parameters) => ({ stream: synthesizeStream(await call(parameters, true)) }),
  };
}

interface ProviderCall {
  readonly provider: LanguageModelV4;
  readonly parameters: LanguageModelV4CallOptions;
  readonly host: ModelHost;
  readonly name: string;
  readonly streamed: boolean;
  readonly trace: ModelTrace | undefined;
  readonly limits: CallLimits;
}

async function callProvider(call: Omit<ProviderCall, "limits">, scope: StepScope): Promise<ModelStep> {
  const { provider, parameters, host, streamed, trace } = call;
  host.executing?.();
  const caller = parameters.abortSignal;
  const limits = new CallLimits(host.timeout ?? {});
  const abortSignal = AbortSignal.any([scope.signal, limits.signal, ...(caller === undefined ? [] : [caller])]);
  // oxlint-disable-next-line no-restricted-properties -- inside a journaled step (M3)
  const started = Date.now();
  try {
    abortSignal.throwIfAborted();
    const run = streamed ? streamedAnswer : generateAnswer;
    const answer = await untilAborted(run({ ...call, limits }, { ...parameters, abortSignal }), abortSignal);
    // oxlint-disable-next-line no-restricted-properties -- inside a journaled step (M3)
    const step = modelStep(answer, provider, Date.now() - started);
    if (trace === undefined) return host.wantsStart?.() === true ? { ...step, startedMs: started } : step;
    traceAnswer(trace, { ...call, parameters: redactedParameters(parameters, host.redact), startMs: started }, step);
    const { runParentSpanId } = trace;
    return { ...step, startedMs: started, ...(runParentSpanId === undefined ? {} : { runParentSpanId }) };
  } catch (error) {
    const { redact } = host;
    const judged = judgeCall(error, { ...call, caller, attempt: scope.signal, limits: limits.signal }); // M4
    const failure = redact === undefined ? judged : redactedError(judged, redact);
    const traced = { ...call, parameters: redactedParameters(parameters, redact), startMs: started };
    if (trace !== undefined) traceFailure(trace, traced, error, failure);
    throw failure;
  } finally {
    limits.end();
  }
}

async function generateAnswer(
  { provider, host: { redact } }: ProviderCall,
  parameters: LanguageModelV4CallOptions,
): Promise<Answer> {
  const { request: _, ...answer } = await provider.doGenerate(parameters);
  if (redact === undefined) return answer;
  const content = answer.content.map((part) => redactedContent(part, redact));
  const { structuredOutputText: text } = answer;
  const structured = text === undefined ? {} : { structuredOutputText: redactedJson(text, redact, { kind: "model" }) };
  return { ...answer, content, ...structured };
}

async function streamedAnswer(
  call: ProviderCall,
  parameters: LanguageModelV4CallOptions & { abortSignal: AbortSignal },
): Promise<Answer> {
  const { providerMetadata, ...answer } = await streamAnswer(call, parameters);
  return { ...answer, ...(providerMetadata === undefined ? {} : { providerMetadata }) };
}

function modelStep(answer: Answer, provider: LanguageModelV4, ms: number): ModelStep {
  const { response, ...rest } = answer;
  return {
    ...rest,
    response: {
      // oxlint-disable-next-line no-restricted-properties -- inside a journaled step (M3)
      id: response?.id ?? crypto.randomUUID(),
      // oxlint-disable-next-line library/no-ambient-date -- inside a journaled step (M3)
      timestamp: response?.timestamp ?? new Date(),
      modelId: response?.modelId ?? provider.modelId,
    },
    ms,
  };
}
