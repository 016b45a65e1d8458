import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4Content } from "@ai-sdk/provider";
import type { ModelStep } from "../model/model-step.ts";
import { synthesizeStream } from "../model/synthesize-stream.ts";
import type { ScriptedReply } from "./scripted-openai.ts";

/** A language model without HTTP that answers from a script, and remembers what it was asked. */
export interface ScriptedModel extends LanguageModelV4 {
  readonly calls: readonly LanguageModelV4CallOptions[];
}

/**
 * Answers by turn: the `n`-th reply when `n` batches of tool results are in the prompt, so that a call which is
 * repeated after a crash is answered alike. Of a reply it uses `text`, `reasoning`, `toolCalls` and `usage`.
 */
export function scriptedModel(replies: readonly ScriptedReply[]): ScriptedModel {
  const calls: LanguageModelV4CallOptions[] = [];
  const answer = (parameters: LanguageModelV4CallOptions): ModelStep => {
    calls.push(parameters);
    const turn = parameters.prompt.filter(({ role }) => role === "tool").length;
    return modelStep(replies[Math.min(turn, replies.length - 1)] ?? {}, turn);
  };
  return {
    calls,
    specificationVersion: "v4",
    provider: "scripted",
    modelId: "scripted",
    supportedUrls: {},
    doGenerate: async (parameters) => {
      const { ms: _, content, ...step } = answer(parameters);
      return { ...step, content: [...content] };
    },
    doStream: async (parameters) => ({ stream: synthesizeStream(answer(parameters)) }),
  };
}

function modelStep(reply: ScriptedReply, turn: number): ModelStep {
  const { text, reasoning, toolCalls = [], usage = { inputTokens: 10, outputTokens: 5 } } = reply;
  const content: LanguageModelV4Content[] = [];
  if (reasoning !== undefined) content.push({ type: "reasoning", text: reasoning });
  if (text !== undefined) content.push({ type: "text", text });
  for (const { id, name, input } of toolCalls) {
    content.push({ type: "tool-call", toolCallId: id, toolName: name, input: JSON.stringify(input) });
  }
  return {
    content,
    finishReason: { unified: toolCalls.length > 0 ? "tool-calls" : "stop", raw: undefined },
    usage: {
      inputTokens: { total: usage.inputTokens, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
      outputTokens: { total: usage.outputTokens, text: undefined, reasoning: undefined },
    },
    warnings: [],
    response: { id: `scripted-${turn}`, timestamp: new Date(0), modelId: "scripted" },
    ms: 0,
  };
}
