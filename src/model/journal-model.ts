/**
 * A language model each of whose calls is one journaled step.
 *
 * - M1 `doGenerate` and `doStream` store the same form (model-step.ts); a replay never calls the provider.
 * - M2 What the caller gets comes from the journal, live and on replay alike (G2).
 * - M3 Ids, timestamps and durations are made inside the step (G8).
 * - M4 A failure is classified once, inside the step, with provider and model (G6).
 */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
} from "@ai-sdk/provider";
import { gateway, type LanguageModel, wrapLanguageModel } from "ai";
import { AbortedError } from "../errors/aborted-error.ts";
import { classifyFailure } from "../errors/classify.ts";
import type { StepHost, StepOptions, StepScope } from "../journal/step-host.ts";
import { TerminalError } from "../restate.ts";
import { StreamCollector } from "./collect-stream.ts";
import { type ModelStep, modelStepCodec } from "./model-step.ts";
import type { StreamEvent } from "./stream-event.ts";
import { synthesizeStream } from "./synthesize-stream.ts";
import { within } from "./within.ts";

/** What a journaled model needs from its surroundings. */
export interface ModelHost {
  readonly steps: StepHost;
  nextStepName(model: { readonly provider: string; readonly modelId: string }): string;
  readonly options?: StepOptions;
  readonly onStreamEvent?: (event: StreamEvent) => void | PromiseLike<void>;
  /** Bounds of one call, in milliseconds; exceeding one is a transient failure. */
  readonly timeout?: { readonly stepMs?: number; readonly firstChunkMs?: number; readonly chunkMs?: number };
  /** Told the stored duration of each call, also on replay. */
  readonly onModelStep?: (step: { readonly ms: number }) => void;
}

type Answer = Omit<ModelStep, "ms" | "response"> & { readonly response?: LanguageModelV4GenerateResult["response"] };

/** The journaled form of `model`: any model or model id that the AI SDK takes. */
export function journalModel(model: LanguageModel, host: ModelHost): LanguageModelV4 {
  const provider = resolveModel(model);
  const call = async (parameters: LanguageModelV4CallOptions, streamed: boolean): Promise<ModelStep> => {
    const name = host.nextStepName(provider);
    const action = (scope: StepScope): Promise<ModelStep> =>
      callProvider({ provider, parameters, host, name, streamed: streamed || host.onStreamEvent !== undefined }, scope);
    const step = await host.steps.step(name, action, modelStepCodec, host.options);
    host.onModelStep?.({ ms: step.ms });
    return step;
  };
  return {
    specificationVersion: "v4",
    provider: provider.provider,
    modelId: provider.modelId,
    supportedUrls: provider.supportedUrls,
    doGenerate: async (parameters) => {
      const { ms: _, content, ...step } = await call(parameters, false);
      return { ...step, content: [...content] };
    },
    doStream: async (parameters) => ({ stream: synthesizeStream(await call(parameters, true)) }),
  };
}

/** As the AI SDK resolves models: ids through the default provider, older specifications lifted to version 4. */
function resolveModel(model: LanguageModel): LanguageModelV4 {
  if (typeof model !== "string") return wrapLanguageModel({ model, middleware: {} });
  const provider = globalThis.AI_SDK_DEFAULT_PROVIDER ?? gateway;
  return wrapLanguageModel({ model: provider.languageModel(model), middleware: {} });
}

interface ProviderCall {
  readonly provider: LanguageModelV4;
  readonly parameters: LanguageModelV4CallOptions;
  readonly host: ModelHost;
  readonly name: string;
  readonly streamed: boolean;
}

async function callProvider(call: ProviderCall, scope: StepScope): Promise<ModelStep> {
  const { provider, parameters, host, name } = call;
  const aborted = parameters.abortSignal;
  const timeout = host.timeout?.stepMs === undefined ? [] : [AbortSignal.timeout(host.timeout.stepMs)];
  const abortSignal = AbortSignal.any([scope.signal, ...(aborted === undefined ? [] : [aborted]), ...timeout]);
  // oxlint-disable-next-line no-restricted-properties -- inside a journaled step (M3)
  const started = Date.now();
  try {
    aborted?.throwIfAborted();
    const run = call.streamed ? streamAnswer : generateAnswer;
    const answer = await untilAborted(run(call, { ...parameters, abortSignal }), abortSignal);
    // oxlint-disable-next-line no-restricted-properties -- inside a journaled step (M3)
    return modelStep(answer, provider, Date.now() - started);
  } catch (error) {
    if (aborted?.aborted === true)
      throw aborted.reason instanceof TerminalError ? aborted.reason : new AbortedError(name, aborted.reason);
    throw classifyFailure(error, { what: name, provider: provider.provider, modelId: provider.modelId });
  }
}

/** A provider that ignores its signal must not outlast it. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const stop = Promise.withResolvers<never>();
  const onAbort = (): void => stop.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, stop.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    stop.promise.catch(() => {});
    work.catch(() => {});
  }
}

async function generateAnswer({ provider }: ProviderCall, parameters: LanguageModelV4CallOptions): Promise<Answer> {
  const { request: _, ...answer } = await provider.doGenerate(parameters);
  return answer;
}

async function streamAnswer(call: ProviderCall, parameters: LanguageModelV4CallOptions): Promise<Answer> {
  const { name, provider, host } = call;
  const { firstChunkMs, chunkMs } = host.timeout ?? {};
  const send = eventSender(host);
  await send({ type: "reset", step: name });
  const { stream } = await within(firstChunkMs, "first chunk", provider.doStream(parameters));
  const reader = stream.getReader();
  const collector = new StreamCollector();
  let started: boolean = false;
  try {
    for (;;) {
      const bound: number | undefined = started ? chunkMs : firstChunkMs;
      const read: ReadableStreamReadResult<LanguageModelV4StreamPart> = await within(
        bound,
        "next chunk",
        reader.read(),
      );
      if (read.done) break;
      const part: LanguageModelV4StreamPart = read.value;
      started ||= !PRELUDE.has(part.type);
      await send({ type: "part", step: name, part });
      collector.add(part);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
  const { providerMetadata, ...answer } = collector.result();
  await send({ type: "end", step: name });
  return { ...answer, ...(providerMetadata === undefined ? {} : { providerMetadata }) };
}

/** Parts that come before a model has said anything. */
const PRELUDE = new Set(["stream-start", "response-metadata", "ping", "raw"]);

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

/** A reader that fails must never cost a model call: it is warned about once, and the step goes on. */
function eventSender({ onStreamEvent }: ModelHost): (event: StreamEvent) => Promise<void> {
  let warned = false;
  return async (event) => {
    try {
      await onStreamEvent?.(event);
    } catch (error) {
      if (!warned) console.warn(`onStreamEvent failed in step "${event.step}"; the step goes on`, error);
      warned = true;
    }
  };
}
