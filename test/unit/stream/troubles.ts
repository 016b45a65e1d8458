/** A store with troubles, a model with troubles: what a turn's stream has to stand. */
import type { LanguageModelV4, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { dynamicTool, tool, type ToolSet } from "ai";
import { z } from "zod";
import { contextTool, restateContext, TerminalError } from "../../../src/index.ts";
import type { AppendAnswer, StreamStore } from "../../../src/stream/stream-store.ts";

type Numbers = () => number;

/** What goes wrong, as shares of all calls. */
export interface StoreTroubles {
  /** The request is lost, and rejects. */
  readonly lost?: number;
  /** It is done, and rejects all the same. */
  readonly answerLost?: number;
  /** It is done once more, some time later. */
  readonly repeated?: number;
  /** Longest time that it takes, in milliseconds. */
  readonly slowMs?: number;
}

/** `store` over a bad network. */
export function troubledStore(store: StreamStore, numbers: Numbers, troubles: StoreTroubles): StreamStore {
  const { lost = 0, answerLost = 0, repeated = 0, slowMs = 0 } = troubles;
  const over = async (call: () => Promise<AppendAnswer>): Promise<AppendAnswer> => {
    const [a, b, c, d, e] = [numbers(), numbers(), numbers(), numbers(), numbers()];
    if (slowMs > 0) await sleep(a * slowMs);
    if (b < lost) throw new Error("The request is lost");
    const answer = await call();
    if (c < repeated) void sleep(d * 20).then(call, () => {});
    if (e < answerLost) throw new Error("The answer is lost");
    return answer;
  };
  return {
    append: (stream, batch) => over(() => store.append(stream, structuredClone(batch))),
    end: (stream, end) => over(() => store.end(stream, structuredClone(end))),
    read: (stream, read) => store.read(stream, read),
    stop: (stream) => store.stop(stream),
    remove: (stream) => store.remove(stream),
  };
}

/**
 * A model that says something else each time that it is asked, calls `tools` in its first `turns` answers, and now and
 * then breaks off.
 */
export function troubledModel(
  numbers: Numbers,
  options: { readonly turns: number; readonly breaks: number },
): LanguageModelV4 {
  let asked = 0;
  return {
    specificationVersion: "v4",
    provider: "troubled",
    modelId: "troubled",
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error("It is streamed")),
    doStream: async ({ prompt }) => {
      asked += 1;
      const turn = prompt.filter(({ role }) => role === "tool").length;
      const breaksAt = numbers() < options.breaks ? Math.floor(numbers() * 12) : Infinity;
      const parts = answer(numbers, turn < options.turns ? turn : undefined, asked);
      let at = 0;
      return {
        stream: new ReadableStream<LanguageModelV4StreamPart>({
          async pull(controller) {
            if (numbers() < 0.3) await sleep(numbers() * 3);
            const part = parts[at];
            if (at >= breaksAt) controller.enqueue({ type: "error", error: new Error("overloaded") });
            else if (part === undefined) return controller.close();
            else controller.enqueue(part);
            at += 1;
          },
        }),
      };
    },
  };
}

const TOOLS = ["plain", "steps", "grows", "fails", "moody", "refined"] as const;

/** Tools of all kinds. Each execution answers something else. */
export function troubledTools(numbers: Numbers): ToolSet {
  const inputSchema = z.object({ id: z.string() });
  let executed = 0;
  const next = (): string => `${(executed += 1)}`;
  return {
    plain: tool({
      inputSchema,
      execute: async ({ id }) => {
        await sleep(numbers() * 3);
        return { id, at: next(), none: undefined };
      },
    }),
    steps: contextTool({
      inputSchema,
      execute: async ({ id }: { id: string }) => {
        const context = restateContext();
        const first = await context.run(`first ${id}`, () => next());
        await context.sleep(5);
        return context.run(`second ${id}`, () => `${first} ${next()}`);
      },
    }),
    grows: tool({
      inputSchema,
      execute: async function* ({ id }) {
        for (let part = 1; part <= 3; part += 1) {
          yield `${id} ${part} ${next()}`;
          await sleep(numbers() * 2);
        }
      },
    }),
    fails: tool({
      inputSchema,
      execute: ({ id }): string => {
        throw new TerminalError(`no ${id}`);
      },
    }),
    moody: dynamicTool({
      description: "fails now and then",
      inputSchema,
      execute: async () => {
        if (numbers() < 0.3) throw new Error("try again");
        if (numbers() < 0.3) throw new TerminalError(`never ${next()}`);
        return next();
      },
    }),
    refined: tool({
      inputSchema: inputSchema.transform(({ id }) => ({ id, long: id.length })),
      execute: async (own) => own,
    }),
  };
}

function answer(numbers: Numbers, turn: number | undefined, asked: number): LanguageModelV4StreamPart[] {
  const parts: LanguageModelV4StreamPart[] = [{ type: "stream-start", warnings: [] }];
  const words = (type: "text" | "reasoning", id: string, count: number): void => {
    parts.push({ type: `${type}-start`, id });
    for (let word = 1; word <= count; word += 1) parts.push({ type: `${type}-delta`, id, delta: `${asked}.${word} ` });
    parts.push({ type: `${type}-end`, id });
  };
  if (numbers() < 0.4) words("reasoning", "r", 2);
  if (turn === undefined || numbers() < 0.5) words("text", "t", Math.floor(numbers() * 5));
  const calls = turn === undefined ? 0 : 1 + Math.floor(numbers() * 3);
  for (let call = 1; call <= calls; call += 1) {
    const toolName = numbers() < 0.05 ? "unknown" : (TOOLS[Math.floor(numbers() * TOOLS.length)] ?? "plain");
    const toolCallId = `call-${asked}-${call}`;
    const input = numbers() < 0.1 ? "{" : `{"id":"${toolCallId}"}`;
    if (numbers() < 0.5) {
      parts.push({ type: "tool-input-start", id: toolCallId, toolName });
      parts.push({ type: "tool-input-delta", id: toolCallId, delta: input });
      parts.push({ type: "tool-input-end", id: toolCallId });
    }
    if (numbers() < 0.2) words("text", `t${call}`, 2);
    parts.push({ type: "tool-call", toolCallId, toolName, input });
  }
  const tokens = { total: 1, noCache: undefined, cacheRead: undefined, cacheWrite: undefined };
  parts.push({
    type: "finish",
    finishReason: { unified: calls > 0 ? "tool-calls" : "stop", raw: undefined },
    usage: { inputTokens: tokens, outputTokens: { total: 1, text: undefined, reasoning: undefined } },
  });
  return parts;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
