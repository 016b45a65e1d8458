/** Models for tests: their answers are given as stream parts. */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
} from "@ai-sdk/provider";
import { type ModelHost, journalModel } from "../../../src/model/journal-model.ts";
import type { MemorySteps } from "./memory-steps.ts";

export const PROMPT: LanguageModelV4CallOptions = {
  prompt: [{ role: "user", content: [{ type: "text", text: "hello" }] }],
};

export const USAGE: LanguageModelV4GenerateResult["usage"] = {
  inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 2, text: 2, reasoning: 0 },
};

export const STOP: LanguageModelV4StreamPart = {
  type: "finish",
  finishReason: { unified: "stop", raw: "stop" },
  usage: USAGE,
};

export function textParts(text: string): LanguageModelV4StreamPart[] {
  return [
    { type: "text-start", id: "t" },
    { type: "text-delta", id: "t", delta: text },
    { type: "text-end", id: "t" },
  ];
}

export function streamOf(parts: readonly LanguageModelV4StreamPart[]): ReadableStream<LanguageModelV4StreamPart> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
}

export interface TestModel extends LanguageModelV4 {
  readonly calls: LanguageModelV4CallOptions[];
}

/** A model whose n-th call answers with the n-th script (the last one again and again). */
export function testModel(
  doStream: (call: number, parameters: LanguageModelV4CallOptions) => ReadableStream<LanguageModelV4StreamPart>,
  doGenerate?: (call: number, parameters: LanguageModelV4CallOptions) => Promise<LanguageModelV4GenerateResult>,
): TestModel {
  const calls: LanguageModelV4CallOptions[] = [];
  return {
    specificationVersion: "v4",
    provider: "test.chat",
    modelId: "test-1",
    supportedUrls: { "image/*": [/^https:\/\/images\.test\//] },
    calls,
    doGenerate: async (parameters) => {
      calls.push(parameters);
      if (doGenerate === undefined) throw new Error("unexpected doGenerate");
      return doGenerate(calls.length - 1, parameters);
    },
    doStream: async (parameters) => {
      calls.push(parameters);
      return { stream: doStream(calls.length - 1, parameters) };
    },
  };
}

/** A host whose step names are `agent model 1`, … */
export function modelHost(steps: MemorySteps, extra: Partial<ModelHost> = {}): ModelHost {
  let count = 0;
  return { steps, nextStepName: () => `agent model ${(count += 1)}`, ...extra };
}

/** `model`, journaled into `steps`, for one attempt. */
export function journaled(
  model: Parameters<typeof journalModel>[0],
  steps: MemorySteps,
  extra: Partial<ModelHost> = {},
): LanguageModelV4 {
  return journalModel(model, modelHost(steps, extra));
}

export async function readParts(
  model: LanguageModelV4,
  parameters: LanguageModelV4CallOptions = PROMPT,
): Promise<LanguageModelV4StreamPart[]> {
  const { stream } = await model.doStream(parameters);
  const parts: LanguageModelV4StreamPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}
