/** What a run tells its stream's writer, when it waits for the store, and how it hears that it is to stop. */
import type { LanguageModelV4, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { tool, type UIMessageChunk } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { TerminalError } from "../../../src/index.ts";
import { memoryStreamStore } from "../../../src/stream/memory-stream-store.ts";
import type { StreamBatch, StreamStore } from "../../../src/stream/stream-store.ts";
import { scriptedModel } from "../../../src/testing/in-memory.ts";
import { streamWriter } from "../../../src/stream/stream-writer.ts";
import { chunksOf, fold } from "./fold.ts";
import { runTurn, STREAM, type TurnInit, type TurnResult } from "./turn.ts";

const input = z.object({ id: z.string() });
const echo = tool({ inputSchema: input, execute: async ({ id }) => `echo ${id}` });
const callEcho = { id: "1", name: "echo", input: { id: "x" } };
const twoSteps = () => scriptedModel([{ text: "first", toolCalls: [callEcho] }, { text: "done" }]);

async function turn(
  init: TurnInit,
): Promise<TurnResult & { readonly chunks: UIMessageChunk[]; readonly steps: string[] }> {
  const { outcome, journal } = await runTurn(init);
  if (!outcome.ok) throw outcome.error;
  const chunks = init.store === undefined ? [] : await chunksOf(init.store, STREAM);
  return { ...outcome.value, chunks, steps: [...journal.commands] };
}

/** A model that says `parts`, and then waits for its signal; each `sayings` is called before the next part. */
function speaking(
  parts: readonly LanguageModelV4StreamPart[],
  onPart: (at: number) => unknown = () => {},
): LanguageModelV4 & { aborted: boolean; asked: number } {
  const model = {
    specificationVersion: "v4" as const,
    provider: "p",
    modelId: "m",
    supportedUrls: {},
    aborted: false,
    asked: 0,
    doGenerate: () => Promise.reject(new Error("It is streamed")),
    doStream: async ({ abortSignal }: { abortSignal?: AbortSignal | undefined }) => {
      model.asked += 1;
      abortSignal?.addEventListener("abort", () => (model.aborted = true));
      let at = 0;
      const stream = new ReadableStream<LanguageModelV4StreamPart>({
        async pull(controller) {
          await onPart(at);
          const part = parts[at];
          at += 1;
          if (part === undefined) await new Promise(() => {});
          else controller.enqueue(part);
          if (part?.type === "finish") controller.close();
        },
      });
      return { stream };
    },
  };
  return model;
}

const said: readonly LanguageModelV4StreamPart[] = [
  { type: "text-start", id: "t", providerMetadata: { p: { itemId: "msg_1" } } },
  { type: "text-delta", id: "t", delta: "half an " },
  { type: "text-delta", id: "t", delta: "answer" },
];
const asked: readonly LanguageModelV4StreamPart[] = [
  { type: "tool-input-start", id: "1", toolName: "echo" },
  { type: "tool-input-delta", id: "1", delta: '{"id":"x"}' },
  { type: "tool-call", toolCallId: "1", toolName: "echo", input: '{"id":"x"}' },
];
const finish: LanguageModelV4StreamPart = {
  type: "finish",
  finishReason: { unified: "tool-calls", raw: undefined },
  usage: {
    inputTokens: { total: 3, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: 2, text: undefined, reasoning: undefined },
  },
};
const asModel =
  (model: LanguageModelV4): (() => never) =>
  () =>
    model as never;

describe("a turn's stream", () => {
  test("says live what the turn's message is, each step once", async () => {
    const { chunks, message, steps } = await turn({ model: twoSteps, tools: { echo }, store: memoryStreamStore() });
    const first =
      "start start-step text-start text-delta text-end tool-input-start tool-input-delta tool-input-available finish-step";
    const second = "tool-output-available start-step text-start text-delta text-end finish-step finish";
    expect(chunks.map(({ type }) => type).join(" ")).toBe(`${first} ${second}`);
    expect(await fold(chunks)).toEqual(JSON.parse(JSON.stringify(message)));
    expect(steps).toEqual(["run a model 1", "run a tool echo 1", "run a model 2", "run end"]);
  });

  test("has its parts before their step is over", async () => {
    const store = memoryStreamStore();
    const seen: string[] = [];
    const parts: LanguageModelV4StreamPart[] = [
      ...said,
      { type: "text-end", id: "t" },
      { ...finish, finishReason: { unified: "stop", raw: undefined } } as never,
    ];
    const model = speaking(parts, async (at) => {
      if (at !== 3) return;
      const page = await store.read(STREAM, { after: 3, waitMs: 5_000 });
      seen.push(...page.entries.map(({ chunk }) => ("delta" in chunk ? chunk.delta : chunk.type)));
    });
    await turn({ model: asModel(model), store });
    expect(seen.join("")).toMatch(/^half an /);
  });

  test("tells of a failed tool what the model is told, and masks a failed turn", async () => {
    const fails = tool({
      inputSchema: input,
      execute: (): string => {
        throw new TerminalError("no such city");
      },
    });
    const { message } = await turn({ model: twoSteps, tools: { echo: fails }, store: memoryStreamStore() });
    expect(message.parts.find(({ type }) => type === "tool-echo")).toMatchObject({
      errorText: "TerminalError: no such city",
    });
    const failed = await turn({
      model: twoSteps,
      tools: { echo: fails },
      options: { toolErrors: "fail" },
      store: memoryStreamStore(),
    });
    expect(failed.chunks.at(-1)).toEqual({ type: "error", errorText: "An error occurred." });
    expect(JSON.stringify(failed.chunks)).not.toContain("no such city");
    expect(failed.message.parts.find(({ type }) => type === "tool-echo")).toMatchObject({ state: "output-error" });
    const own = { onError: (error: unknown) => `told: ${(error as Error).message}` };
    const shown = await turn({
      model: twoSteps,
      tools: { echo: fails },
      options: { toolErrors: "fail" },
      store: memoryStreamStore(),
      writer: own,
    });
    expect(shown.chunks.at(-1)).toEqual({ type: "error", errorText: "told: no such city" });
  });

  test("shows the input that a tool got, where the AI SDK has repaired the model's", async () => {
    const broken = { id: "1", name: "echo", input: { city: "x" } };
    const { message, chunks } = await turn({
      model: () => scriptedModel([{ toolCalls: [broken] }, { text: "done" }]),
      tools: { echo },
      settings: {
        repairToolCall: async ({ toolCall }: { toolCall: object }) => ({ ...toolCall, input: '{"id":"repaired"}' }),
      },
      store: memoryStreamStore(),
    });
    const part = message.parts.find(({ type }) => type === "tool-echo");
    expect(part).toMatchObject({ state: "output-available", input: { id: "repaired" }, output: "echo repaired" });
    expect(await fold(chunks)).toEqual(JSON.parse(JSON.stringify(message)));
  });
});

describe("a turn that is asked to stop", () => {
  const stopAt =
    (store: StreamStore, when: number) =>
    async (at: number): Promise<void> => {
      if (at === when) await store.stop(STREAM);
    };

  test("ends in the middle of its text, and has what was said", async () => {
    const store = memoryStreamStore();
    const model = speaking(said, stopAt(store, 3));
    const { message, text, end, chunks, steps } = await turn({ model: asModel(model), store });
    expect({ text, outcome: end.outcome, aborted: model.aborted, asked: model.asked }).toEqual({
      text: "half an answer",
      outcome: "interrupted",
      aborted: true,
      asked: 1,
    });
    expect(message.parts).toEqual([{ type: "step-start" }, { type: "text", text: "half an answer", state: "done" }]);
    expect(await fold(chunks)).toEqual(JSON.parse(JSON.stringify(message)));
    expect(chunks.at(-1)).toEqual({ type: "finish", finishReason: "interrupted" });
    expect(steps).toEqual(["run a model 1", "run end"]);
  });

  test("leaves out the tool calls that it had begun, and runs none", async () => {
    for (const parts of [
      [...said, ...asked.slice(0, 2)],
      [...said, ...asked],
    ]) {
      const store = memoryStreamStore();
      let executed = 0;
      const counted = tool({ inputSchema: input, execute: () => (executed += 1) });
      const model = speaking(parts, stopAt(store, parts.length));
      const { message, chunks } = await turn({ model: asModel(model), tools: { echo: counted }, store });
      expect(message.parts.map(({ type }) => type)).toEqual(["step-start", "text"]);
      expect(await fold(chunks)).toEqual(JSON.parse(JSON.stringify(message)));
      expect(executed).toBe(0);
    }
  });

  test("cuts an answer that asks for tools, also when the answer is complete", async () => {
    const kept = memoryStreamStore();
    // The wish comes with the answer to the last append alone.
    const store: StreamStore = {
      append: async (stream, batch) => {
        const answer = await kept.append(stream, batch);
        return { ...answer, stop: batch.complete === true };
      },
      end: (stream, end) => kept.end(stream, end),
      read: (stream, read) => kept.read(stream, read),
      stop: async () => {},
      remove: async () => {},
    };
    const model = speaking([...said, ...asked, finish]);
    const { message, end, chunks, steps } = await turn({ model: asModel(model), tools: { echo }, store });
    expect(end).toEqual({ outcome: "interrupted", finishReason: "interrupted" });
    expect(message.parts.map(({ type }) => type)).toEqual(["step-start", "text"]);
    expect(await fold(chunks)).toEqual(JSON.parse(JSON.stringify(message)));
    expect(steps).toEqual(["run a model 1", "run end"]);
  });

  test("does not ask the model when it was asked to stop before", async () => {
    const store = memoryStreamStore();
    const model = twoSteps();
    const stops = tool({ inputSchema: input, execute: () => store.stop(STREAM).then(() => "stopped") });
    const { end, message } = await turn({ model: () => model, tools: { echo: stops }, store });
    expect(end.outcome).toBe("interrupted");
    expect(model.calls).toHaveLength(1);
    expect(message.parts.find(({ type }) => type === "tool-echo")).toMatchObject({ output: "stopped" });
  });

  test("hears it while the model is silent", async () => {
    const store = memoryStreamStore();
    const model = speaking(said.slice(0, 2), (at) => void (at === 2 && setTimeout(() => void store.stop(STREAM), 100)));
    const { text, end } = await turn({ model: asModel(model), store });
    expect({ text, outcome: end.outcome }).toEqual({ text: "half an ", outcome: "interrupted" });
  });

  test("is replayed as it ended: the model is not asked again", async () => {
    const store = memoryStreamStore();
    const model = speaking(said, stopAt(store, 3));
    const init: TurnInit = { model: asModel(model), store, fake: { crashAt: "every" } };
    const { text, chunks, message } = await turn(init);
    expect(text).toBe("half an answer");
    expect(model.asked).toBe(1);
    expect(await fold(chunks)).toEqual(JSON.parse(JSON.stringify(message)));
  });
});

describe("what readers have seen of a step", () => {
  /** Says something else each time that it is asked. */
  const fickle = (failsAt = 0) => {
    let asked = 0;
    return scriptedModel((_, at) => {
      asked += 1;
      if (asked === failsAt) throw new Error("overloaded");
      const call = { ...callEcho, id: `call-${at}-${asked}` };
      return at < 3 ? { text: `said ${asked}`, toolCalls: [call] } : { text: `done ${asked}` };
    });
  };

  const once = <T>(make: () => T): (() => T) => {
    const made = make();
    return () => made;
  };

  test("cannot change any more when the next one begins, though steps run ahead", async () => {
    const init = { tools: { echo }, options: { toolOptions: { echo: { readOnly: true } } } };
    const modes = ["request-response", "bidirectional"] as const;
    for (const mode of modes) {
      for (let length = 1; length <= 16; length += 1) {
        const store = memoryStreamStore();
        // An attempt that fails loses what it had run ahead; one that dies loses what came last.
        const model = fickle.bind(undefined, 1 + (length % 4));
        const fake = { mode, crashAt: [length], seed: length };
        const { chunks, message } = await turn({ ...init, model: once(model), store, fake });
        expect(await fold(chunks), `${mode}, ${length}`).toEqual(JSON.parse(JSON.stringify(message)));
      }
    }
  });

  test("is reset at once when the step is tried again", async () => {
    const store = memoryStreamStore();
    const writer = streamWriter({ store, stream: STREAM, messageId: "m", batchMs: 1 });
    const say = async (...parts: readonly LanguageModelV4StreamPart[]): Promise<void> => {
      await writer.live({ type: "reset", step: "s" });
      for (const part of parts) await writer.live({ type: "part", step: "s", part });
    };
    await say(...said);
    await store.read(STREAM, { after: 4, waitMs: 2_000 });
    await say(...said);
    await store.read(STREAM, { after: 5, waitMs: 2_000 });
    expect((await chunksOf(store, STREAM)).map(({ type }) => type)).toContain("reset-step");
  });
});

describe("a store that fails", () => {
  const broken = (append: StreamStore["append"], kept: StreamStore = memoryStreamStore()): StreamStore => ({
    append,
    end: (stream, end) => kept.end(stream, end),
    read: (stream, read) => kept.read(stream, read),
    stop: (stream) => kept.stop(stream),
    remove: (stream) => kept.remove(stream),
  });

  test("slows no step by more than its bound, and hardly any once it is known to be away", async () => {
    let isAway = true;
    const kept = memoryStreamStore();
    const batches: StreamBatch[] = [];
    const store = broken(async (stream, batch, signal) => {
      if (isAway)
        return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted"))));
      batches.push(batch);
      return kept.append(stream, batch);
    }, kept);
    const calls = (turnNumber: number) => ({ toolCalls: [{ ...callEcho, id: `${turnNumber}` }] });
    const model = () => scriptedModel([calls(1), calls(2), calls(3), calls(4), { text: "done" }]);
    const began = performance.now();
    let endedMs = 0;
    const { message, chunks } = await turn({
      model,
      tools: { echo },
      store: {
        ...store,
        end: async (stream, end) => {
          endedMs ||= performance.now() - began;
          isAway = false;
          return kept.end(stream, end);
        },
      },
      writer: { waitMs: 300 },
    });
    // Nine steps: the first waits for 300 ms, the others for 100 ms each.
    expect(endedMs).toBeGreaterThan(250);
    expect(endedMs).toBeLessThan(300 + 8 * 100 + 600);
    expect(await fold(chunks)).toEqual(JSON.parse(JSON.stringify(message)));
    expect(batches.length).toBeLessThanOrEqual(5);
  });

  test("is written to again when it is back, and has all of it before the next step's parts", async () => {
    const kept = memoryStreamStore();
    let failures = 0;
    const store = broken(async (stream, batch) => {
      if (batch.segment === 1 && (failures += 1) < 4) throw new Error("away");
      return kept.append(stream, batch);
    }, kept);
    const { message, chunks } = await turn({ model: twoSteps, tools: { echo }, store });
    expect(failures).toBeGreaterThanOrEqual(4);
    expect(await fold(chunks)).toEqual(JSON.parse(JSON.stringify(message)));
  });

  test("that is away at the end makes finish() fail, in time", async () => {
    const store = broken(() => Promise.reject(new Error("away")));
    const away: StreamStore = { ...store, end: () => Promise.reject(new Error("away")) };
    const began = performance.now();
    const ended = runTurn({
      model: twoSteps,
      tools: { echo },
      store: away,
      writer: { finishMs: 300, waitMs: 50 },
      fake: { maxFailures: 0 },
    });
    expect(await ended).toMatchObject({ outcome: { ok: false, error: { message: "away" } } });
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  test("that is full is left alone, and ends with what it has", async () => {
    const store = memoryStreamStore({ maxBytes: 400 });
    const { chunks, text } = await turn({ model: twoSteps, tools: { echo }, store });
    expect(text).toBe("done");
    expect(chunks.at(-1)).toEqual({ type: "finish", finishReason: "stop" });
  });

  test("is not needed for the message", async () => {
    const withStore = await turn({ model: twoSteps, tools: { echo }, store: memoryStreamStore() });
    const without = await turn({ model: twoSteps, tools: { echo }, store: undefined });
    expect(without.message).toEqual(withStore.message);
  });
});
