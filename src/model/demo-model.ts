/**
 * A model for demonstrations: no network, no key, the same answer each time. It calls the tool that fits the question,
 * several times at once when the question names several things, and answers with what the tool returned. Where the answer has
 * a schema, it is a value that fits.
 *
 * It matches words and understands nothing. It knows no tool and no answer by heart.
 */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4GenerateResult,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
} from "@ai-sdk/provider";
import { demoJson } from "./demo-json.ts";
import { chooseTool } from "./demo-tools.ts";
import type { ModelStep } from "./model-step.ts";
import { synthesizeStream } from "./synthesize-stream.ts";

type Answer = LanguageModelV4GenerateResult & Pick<ModelStep, "response">;

/** How the demo model behaves. */
export interface DemoModelOptions {
  /** Pause before each word of a streamed answer, in milliseconds, so that it can be watched. Default 0. */
  readonly wordDelayMs?: number | undefined;
}

/** Makes the demo model, which `generateText`, `streamText` and agents take like any other. */
export function demoModel({ wordDelayMs = 0 }: DemoModelOptions = {}): LanguageModelV4 {
  return {
    specificationVersion: "v4",
    provider: "demo",
    modelId: "demo",
    supportedUrls: {},
    doGenerate: async (parameters) => answer(parameters),
    doStream: async (parameters) => ({
      stream: synthesizeStream({ ...answer(parameters), ms: 0 }).pipeThrough(
        wordByWord(wordDelayMs, parameters.abortSignal),
      ),
    }),
  };
}

function answer(parameters: LanguageModelV4CallOptions): Answer {
  const { prompt, abortSignal } = parameters;
  abortSignal?.throwIfAborted();
  const question = lastQuestion(prompt);
  const results = resultsOfThisTurn(prompt);
  const calls = results.length === 0 ? toolCalls(question, parameters) : [];
  const content: LanguageModelV4Content[] =
    calls.length > 0 ? calls : [{ type: "text", text: finalAnswer(question, results, parameters) }];
  return {
    content,
    finishReason: { unified: calls.length > 0 ? "tool-calls" : "stop", raw: undefined },
    usage: usageOf(JSON.stringify(prompt), JSON.stringify(content)),
    warnings: [],
    response: { id: `demo-${prompt.length}`, timestamp: new Date(0), modelId: "demo" },
  };
}

/** Call ids hold the length of the conversation, so they are unique in it and the same on every attempt. */
function toolCalls(question: string, parameters: LanguageModelV4CallOptions): LanguageModelV4Content[] {
  const chosen = chooseTool(question, parameters);
  if (chosen === undefined) return [];
  return chosen.inputs.map((input, index) => ({
    type: "tool-call",
    toolCallId: `demo-${parameters.prompt.length}-${index + 1}`,
    toolName: chosen.toolName,
    input: JSON.stringify(input),
  }));
}

function lastQuestion(prompt: LanguageModelV4Prompt): string {
  const message = prompt.findLast(({ role }) => role === "user");
  if (message?.role !== "user") return "";
  return message.content.map((part) => (part.type === "text" ? part.text : "")).join(" ");
}

/** Tool results since the last question. */
function resultsOfThisTurn(prompt: LanguageModelV4Prompt): string[] {
  const start = prompt.findLastIndex(({ role }) => role === "user");
  return prompt.slice(start + 1).flatMap((message) => {
    if (message.role !== "tool") return [];
    return message.content.flatMap((part) => (part.type === "tool-result" ? [outputText(part.output)] : []));
  });
}

function outputText(output: { readonly type: string }): string {
  if (output.type === "execution-denied") {
    const reason = "reason" in output && typeof output.reason === "string" ? `: ${output.reason}` : "";
    return `that was not allowed${reason}`;
  }
  const value = "value" in output ? output.value : output;
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map(([name, part]) => `${name} ${typeof part === "object" ? JSON.stringify(part) : String(part)}`)
    .join(", ");
}

function finalAnswer(
  question: string,
  results: readonly string[],
  { responseFormat }: LanguageModelV4CallOptions,
): string {
  if (responseFormat?.type !== "json") return textAnswer(question, results);
  return JSON.stringify(demoJson(responseFormat.schema, results.length > 0 ? results.join("; ") : question));
}

function textAnswer(question: string, results: readonly string[]): string {
  if (results.length > 0) return `Here is what I found. ${results.join("; ")}.`;
  return `This is the demo model. It heard: "${question}". Set OPENAI_API_KEY to talk to a real one.`;
}

/** Deltas of a word each, as a real model streams them. */
function wordByWord(
  delayMs: number,
  signal: AbortSignal | undefined,
): TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart> {
  return new TransformStream({
    async transform(part, controller) {
      if (part.type !== "text-delta") return controller.enqueue(part);
      for (const delta of part.delta.match(/\s*\S+\s*$|\s*\S+/g) ?? [part.delta]) {
        if (delayMs > 0) await pause(delayMs, signal);
        controller.enqueue({ ...part, delta });
      }
    },
  });
}

/** Throws the signal's reason when it is aborted. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    // oxlint-disable-next-line no-restricted-globals -- inside a model call, which is a step
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
  });
  signal?.throwIfAborted();
}

/** About four characters a token. */
function usageOf(prompt: string, content: string): LanguageModelV4GenerateResult["usage"] {
  const tokens = (text: string): number => Math.ceil(text.length / 4);
  return {
    inputTokens: { total: tokens(prompt), noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: tokens(content), text: undefined, reasoning: undefined },
  };
}
