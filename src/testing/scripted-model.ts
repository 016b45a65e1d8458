import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4Message,
} from "@ai-sdk/provider";
import type { ModelStep } from "../model/model-step.ts";
import { synthesizeStream } from "../model/synthesize-stream.ts";
import type { ScriptedReply } from "./scripted-reply.ts";

/** A language model without HTTP that answers from a script, and remembers what it was asked. */
export interface ScriptedModel extends LanguageModelV4 {
  readonly calls: readonly LanguageModelV4CallOptions[];
}

/** The reply to one call. What it throws, the call throws. `turn`: batches of tool results since the last question. */
export type ModelScript = (call: LanguageModelV4CallOptions, turn: number) => ScriptedReply | Promise<ScriptedReply>;

/**
 * Makes a model without HTTP. An array is answered by turn: the `n`-th reply when `n` batches of tool results came
 * since the last question, so that a call which is repeated after a crash is answered alike; the last reply repeats.
 * Of a reply it uses `text`, `reasoning`, `toolCalls`, `usage`, `incomplete`, `delayMs` and `hang`; the call's abort
 * signal ends both.
 */
export function scriptedModel(script: readonly ScriptedReply[] | ModelScript): ScriptedModel {
  const calls: LanguageModelV4CallOptions[] = [];
  const replyTo: ModelScript =
    typeof script === "function" ? script : (_, turn) => script[Math.min(turn, script.length - 1)] ?? {};
  const answer = async (parameters: LanguageModelV4CallOptions): Promise<ModelStep> => {
    calls.push(parameters);
    const { prompt, abortSignal } = parameters;
    const turn = prompt.slice(prompt.findLastIndex(({ role }) => role === "user") + 1).filter(isToolMessage).length;
    const reply = await replyTo(parameters, turn);
    await pause(reply, abortSignal);
    return modelStep(reply, turn);
  };
  return {
    calls,
    specificationVersion: "v4",
    provider: "scripted",
    modelId: "scripted",
    supportedUrls: {},
    doGenerate: async (parameters) => {
      const { ms: _, content, ...step } = await answer(parameters);
      return { ...step, content: [...content] };
    },
    doStream: async (parameters) => ({ stream: synthesizeStream(await answer(parameters)) }),
  };
}

function isToolMessage({ role }: LanguageModelV4Message): boolean {
  return role === "tool";
}

/** Waits as the reply says; rejects with the signal's reason when the call is aborted. */
async function pause({ delayMs, hang }: ScriptedReply, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  if (delayMs === undefined && hang !== true) return;
  await new Promise<void>((resolve, reject) => {
    const timer = hang === true ? undefined : setTimeout(resolve, delayMs);
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** The unified finish reasons of a reply that ends early. */
const EARLY_ENDS = { max_output_tokens: "length", content_filter: "content-filter" } as const;

function modelStep(reply: ScriptedReply, turn: number): ModelStep {
  const { text, reasoning, toolCalls = [], usage = { inputTokens: 10, outputTokens: 5 } } = reply;
  const content: LanguageModelV4Content[] = [];
  if (reasoning !== undefined) content.push({ type: "reasoning", text: reasoning });
  if (text !== undefined) content.push({ type: "text", text });
  for (const { id, name, input } of toolCalls) {
    content.push({ type: "tool-call", toolCallId: id, toolName: name, input: JSON.stringify(input) });
  }
  const complete = toolCalls.length > 0 ? "tool-calls" : "stop";
  return {
    content,
    finishReason: {
      unified: reply.incomplete === undefined ? complete : EARLY_ENDS[reply.incomplete],
      raw: reply.incomplete,
    },
    usage: {
      inputTokens: { total: usage.inputTokens, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
      outputTokens: { total: usage.outputTokens, text: undefined, reasoning: undefined },
    },
    warnings: [],
    response: { id: `scripted-${turn}`, timestamp: new Date(0), modelId: "scripted" },
    ms: 0,
  };
}
