import type { LanguageModelV2, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { createProviderStreamError } from "@ai-sdk/provider-utils";
import { generateText, streamText } from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { AbortedError } from "../../../src/errors/aborted-error.ts";
import { ToolTimeoutError } from "../../../src/errors/tool-timeout-error.ts";
import type { StreamEvent } from "../../../src/model/stream-event.ts";
import { CancelledError, RetryableError } from "../../../src/restate.ts";
import { AttemptFailed, MemorySteps } from "./memory-steps.ts";
import { journaled, PROMPT, readParts, STOP, streamOf, testModel, textParts, USAGE } from "./models.ts";

const METADATA = { test: { signature: "s" } };

/** One of everything, with two interleaved blocks. */
const EVERYTHING: LanguageModelV4StreamPart[] = [
  { type: "stream-start", warnings: [{ type: "other", message: "careful" }] },
  { type: "ping" },
  { type: "raw", rawValue: { a: 1 } },
  { type: "response-metadata", id: "r1", timestamp: new Date(5), modelId: "m-2026" },
  { type: "reasoning-start", id: "1" },
  { type: "text-start", id: "1", providerMetadata: METADATA },
  { type: "text-delta", id: "1", delta: "Hel" },
  { type: "reasoning-delta", id: "1", delta: "hmm" },
  { type: "text-delta", id: "1", delta: "lo" },
  { type: "reasoning-end", id: "1", providerMetadata: METADATA },
  {
    type: "text-end",
    id: "1",
    citations: [{ source: { type: "source", sourceType: "url", id: "s1", url: "https://s.test" } }],
  },
  { type: "tool-input-start", id: "c1", toolName: "search", dynamic: true },
  { type: "tool-input-delta", id: "c1", delta: '{"q":1}' },
  { type: "tool-input-end", id: "c1" },
  {
    type: "tool-call",
    toolCallId: "c1",
    toolName: "search",
    input: '{"q":1}',
    dynamic: true,
    providerMetadata: METADATA,
  },
  { type: "tool-call", toolCallId: "c2", toolName: "web", input: "{}", providerExecuted: true },
  { type: "tool-approval-request", approvalId: "a1", toolCallId: "c2" },
  { type: "tool-result", toolCallId: "c2", toolName: "web", result: "draft", preliminary: true },
  { type: "tool-result", toolCallId: "c2", toolName: "web", result: { ok: true } },
  { type: "source", sourceType: "url", id: "s1", url: "https://s.test" },
  { type: "file", mediaType: "image/png", data: { type: "data", data: new Uint8Array([1, 2]) } },
  { type: "reasoning-file", mediaType: "image/png", data: { type: "url", url: new URL("https://f.test/") } },
  { type: "custom", kind: "test.thing", providerMetadata: METADATA },
  { type: "finish", finishReason: { unified: "tool-calls", raw: "tools" }, usage: USAGE, providerMetadata: METADATA },
];

async function failedAttempt(work: PromiseLike<unknown>): Promise<AttemptFailed> {
  const outcome: unknown = await Promise.resolve(work).catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(AttemptFailed);
  return outcome as AttemptFailed;
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("a journaled stream", () => {
  it("is the same live and on replay, in the order in which blocks began", async () => {
    const steps = new MemorySteps();
    const model = testModel(() => streamOf(EVERYTHING));
    const live = await readParts(journaled(model, steps));
    steps.replay();
    expect(await readParts(journaled(model, steps))).toEqual(live);
    expect(model.calls).toHaveLength(1);
    expect(live.map(({ type }) => type)).toEqual([
      "stream-start",
      "response-metadata",
      "reasoning-start",
      "reasoning-delta",
      "reasoning-end",
      "text-start",
      "text-delta",
      "text-end",
      "tool-input-start",
      "tool-input-delta",
      "tool-input-end",
      "tool-call",
      "tool-input-start",
      "tool-input-delta",
      "tool-input-end",
      "tool-call",
      "tool-approval-request",
      "tool-result",
      "source",
      "file",
      "reasoning-file",
      "custom",
      "finish",
    ]);
    expect(live).toContainEqual(EVERYTHING[3]);
    expect(live).toContainEqual({ type: "text-delta", id: "1", delta: "Hello" });
    expect(live.find(({ type }) => type === "text-end")).toMatchObject({ citations: [{ source: { id: "s1" } }] });
    for (const part of EVERYTHING.slice(-5)) expect(live).toContainEqual(part);
  });

  it("holds what doGenerate gives", async () => {
    const steps = new MemorySteps();
    const answer = await journaled(
      testModel(() => streamOf(EVERYTHING)),
      steps,
      { onStreamEvent: () => {} },
    ).doGenerate(PROMPT);
    const generated = await journaled(
      testModel(
        () => streamOf([]),
        async () => ({
          ...answer,
          request: { body: "B" },
          response: { ...answer.response, headers: { h: "H" }, body: "B" },
        }),
      ),
      new MemorySteps(),
    ).doGenerate(PROMPT);
    expect(generated).toEqual(answer);
  });

  it("goes through streamText as it goes through generateText", async () => {
    const parts = [...textParts("It is sunny"), STOP];
    const options = { prompt: "hello", maxRetries: 0 };
    const streamed = streamText({
      ...options,
      model: journaled(
        testModel(() => streamOf(parts)),
        new MemorySteps(),
      ),
    });
    expect(await streamed.text).toBe("It is sunny");
    const { text } = await generateText({
      ...options,
      model: journaled(
        testModel(() => streamOf(parts)),
        new MemorySteps(),
        { onStreamEvent: () => {} },
      ),
    });
    expect(text).toBe("It is sunny");
  });

  it("needs no timer to be read again", async () => {
    const steps = new MemorySteps();
    await readParts(
      journaled(
        testModel(() => streamOf(EVERYTHING)),
        steps,
      ),
    );
    steps.replay();
    vi.useFakeTimers();
    expect(
      await readParts(
        journaled(
          testModel(() => streamOf([])),
          steps,
        ),
      ),
    ).toHaveLength(23);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each<[string, LanguageModelV4StreamPart[]]>([
    ["is empty", []],
    ["ends without finish", textParts("half")],
    [
      "is cut off by a lost connection",
      [
        ...textParts("half"),
        { type: "finish", finishReason: { unified: "interrupted", raw: undefined }, usage: USAGE },
      ],
    ],
    [
      "fails without saying anything",
      [{ type: "finish", finishReason: { unified: "error", raw: undefined }, usage: USAGE }],
    ],
    ["reports an error", [...textParts("half"), { type: "error", error: new Error("boom") }, STOP]],
    [
      "reports an overload",
      [{ type: "error", error: { type: "error", error: { type: "overloaded_error", message: "busy" } } }, STOP],
    ],
    ["reports a text", [{ type: "error", error: "boom" }, STOP]],
  ])("that %s is retried", async (_, parts) => {
    const steps = new MemorySteps();
    await failedAttempt(
      readParts(
        journaled(
          testModel(() => streamOf(parts)),
          steps,
        ),
      ),
    );
    expect(steps.journal).toEqual([]);
  });

  it.each([
    [
      createProviderStreamError({ message: "too long", code: "context_length_exceeded", statusCode: 400, data: {} }),
      400,
    ],
    [{ type: "error", error: { type: "invalid_request_error", message: "too long" } }, 400],
    [{ type: "response.failed", response: { error: { code: "invalid_api_key", message: "too long" } } }, 401],
  ])("that reports a refusal is terminal: %j", async (error, statusCode) => {
    const steps = new MemorySteps();
    const read = (): Promise<unknown> =>
      readParts(
        journaled(
          testModel(() => streamOf([{ type: "error", error }, STOP])),
          steps,
        ),
      );
    const failure = {
      errorCode: "model-call-failed",
      statusCode,
      message: `Model call failed: test.chat test-1 answered ${statusCode}: too long`,
    };
    await expect(read()).rejects.toMatchObject(failure);
    steps.replay();
    await expect(read()).rejects.toMatchObject(failure);
  });

  it("whose connection breaks is retried", async () => {
    const broken = new ReadableStream<LanguageModelV4StreamPart>({
      pull: (controller) => controller.error(new TypeError("terminated")),
    });
    const error = await failedAttempt(
      readParts(
        journaled(
          testModel(() => broken),
          new MemorySteps(),
        ),
      ),
    );
    expect(error.message).toBe("Model call failed: test.chat test-1: terminated");
  });

  it("merges response metadata that comes in pieces", async () => {
    const pieces = [
      { type: "response-metadata", id: "r1" },
      { type: "response-metadata", id: undefined, modelId: "m-2026" },
    ] as LanguageModelV4StreamPart[];
    const [, metadata] = await readParts(
      journaled(
        testModel(() => streamOf([...pieces, STOP])),
        new MemorySteps(),
      ),
    );
    expect(metadata).toMatchObject({ id: "r1", modelId: "m-2026" });
  });
});

describe("onStreamEvent", () => {
  it("gets a reset first, every part as it came, and the end, also with doGenerate; nothing on replay", async () => {
    const steps = new MemorySteps();
    const events: StreamEvent[] = [];
    const host = { onStreamEvent: (event: StreamEvent): void => void events.push(event) };
    const model = testModel(() => streamOf(EVERYTHING));
    await journaled(model, steps, host).doGenerate(PROMPT);
    const step = "agent model 1";
    const expected = [
      { type: "reset", step },
      ...EVERYTHING.map((part) => ({ type: "part", step, part })),
      { type: "end", step },
    ];
    expect(events).toEqual(expected);
    steps.replay();
    await journaled(model, steps, host).doGenerate(PROMPT);
    expect(events).toEqual(expected);
  });

  it("hears of a retry by another reset, and of no end before", async () => {
    const steps = new MemorySteps();
    const events: string[] = [];
    const host = { onStreamEvent: ({ type }: StreamEvent): void => void events.push(type) };
    const model = testModel((call) => streamOf(call === 0 ? textParts("ha") : [...textParts("all"), STOP]));
    await failedAttempt(readParts(journaled(model, steps, host)));
    steps.replay();
    await readParts(journaled(model, steps, host));
    expect(events.join(" ")).toBe("reset part part part reset part part part part end");
  });

  it("is awaited in order", async () => {
    const order: string[] = [];
    const onStreamEvent = async ({ type }: StreamEvent): Promise<void> => {
      order.push(`${type} in`);
      await new Promise((resolve) => setTimeout(resolve, 1));
      order.push(`${type} out`);
    };
    await readParts(
      journaled(
        testModel(() => streamOf([STOP])),
        new MemorySteps(),
        { onStreamEvent },
      ),
    );
    expect(order).toEqual(["reset in", "reset out", "part in", "part out", "end in", "end out"]);
  });

  it("that throws costs one warning without content, and no answer", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const onStreamEvent = (): never => {
      throw new RangeError("secret text");
    };
    const parts = await readParts(
      journaled(
        testModel(() => streamOf([...textParts("x"), STOP])),
        new MemorySteps(),
        { onStreamEvent },
      ),
    );
    expect(parts.at(-1)?.type).toBe("finish");
    expect(warn.mock.calls).toEqual([
      ['onStreamEvent failed in step "agent model 1" with RangeError; the step goes on'],
    ]);
  });
});

describe("timeouts", () => {
  const silent = (parts: LanguageModelV4StreamPart[], everyMs?: number): ReadableStream<LanguageModelV4StreamPart> =>
    new ReadableStream({
      start: (controller) => {
        for (const part of parts) controller.enqueue(part);
      },
      pull: async (controller) => {
        await new Promise((resolve) => setTimeout(resolve, everyMs ?? 10_000));
        controller.enqueue({ type: "ping" });
      },
    });

  it.each([
    [{ stepMs: 30 }, "No complete answer within 30 ms"],
    [{ firstChunkMs: 30, chunkMs: 9_000 }, "No first output within 30 ms"],
  ])("%j retries a call that only pings", async (timeout, message) => {
    const work = readParts(
      journaled(
        testModel(() => silent([], 5)),
        new MemorySteps(),
        { timeout },
      ),
    );
    expect((await failedAttempt(work)).message).toContain(message);
  });

  it("chunkMs retries a stream that falls silent", async () => {
    const work = readParts(
      journaled(
        testModel(() => silent(textParts("x"), 5)),
        new MemorySteps(),
        { timeout: { chunkMs: 30 } },
      ),
    );
    expect((await failedAttempt(work)).message).toContain("No further output within 30 ms");
  });

  it("do not count the time that a reader takes", async () => {
    const onStreamEvent = async (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
    const model = testModel(() => streamOf([...textParts("x"), STOP]));
    await readParts(journaled(model, new MemorySteps(), { onStreamEvent, timeout: { chunkMs: 10 } }));
  });

  it("abort the request, and nothing more is sent", async () => {
    const events: StreamEvent[] = [];
    let late: ReadableStreamDefaultController<LanguageModelV4StreamPart> | undefined;
    const stream = new ReadableStream<LanguageModelV4StreamPart>(
      { start: (controller) => void (late = controller) },
      { highWaterMark: 10 },
    );
    vi.spyOn(stream, "cancel");
    const model = testModel(
      () =>
        new ReadableStream({
          pull: (controller) =>
            stream
              .getReader()
              .read()
              .then(({ value }) => controller.enqueue(value as never)),
        }),
    );
    const host = { onStreamEvent: (event: StreamEvent): void => void events.push(event), timeout: { stepMs: 20 } };
    await failedAttempt(readParts(journaled(model, new MemorySteps(), host)));
    expect(model.calls[0]?.abortSignal?.aborted).toBe(true);
    late?.enqueue(STOP);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(events).toEqual([{ type: "reset", step: "agent model 1" }]);
  });

  it("bound doGenerate too", async () => {
    const model = testModel(
      () => streamOf([]),
      () => new Promise(() => {}),
    );
    const work = journaled(model, new MemorySteps(), { timeout: { stepMs: 20, firstChunkMs: 5 } }).doGenerate(PROMPT);
    expect((await failedAttempt(work)).message).toContain("No complete answer within 20 ms");
  });
});

describe("aborting", () => {
  const hanging = (): ReturnType<typeof testModel> =>
    testModel(
      () => new ReadableStream({ pull: () => new Promise(() => {}) }),
      () => new Promise(() => {}),
    );

  it("before the call calls no provider, and is recorded", async () => {
    const steps = new MemorySteps();
    const model = hanging();
    await expect(
      journaled(model, steps).doGenerate({ ...PROMPT, abortSignal: AbortSignal.abort() }),
    ).rejects.toBeInstanceOf(AbortedError);
    steps.replay();
    await expect(journaled(model, steps).doGenerate(PROMPT)).rejects.toBeInstanceOf(AbortedError);
    expect(model.calls).toEqual([]);
  });

  it.each([
    [new Error("stop"), { errorCode: "aborted" }],
    ["stop", { errorCode: "aborted" }],
    [new ToolTimeoutError("t", 1), { errorCode: "tool-timeout" }],
    [new CancelledError(), { code: 409 }],
  ])("during the call with %s", async (reason, failure) => {
    for (const method of ["doGenerate", "doStream"] as const) {
      const controller = new AbortController();
      const model = hanging();
      const work = Promise.resolve(
        journaled(model, new MemorySteps())[method]({ ...PROMPT, abortSignal: controller.signal }),
      );
      const outcome = work.catch((error: unknown) => error);
      await expect.poll(() => model.calls).toHaveLength(1);
      controller.abort(reason);
      expect((await outcome) as Error).toMatchObject(failure);
      expect(model.calls[0]?.abortSignal?.aborted).toBe(true);
    }
  });

  it("that only echoes the end of the attempt is not recorded", async () => {
    for (const reason of [new Error("503 in a sibling tool"), new RetryableError("429 in a sibling tool")]) {
      const steps = new MemorySteps();
      const caller = new AbortController();
      const model = hanging();
      const work = readParts(journaled(model, steps), { ...PROMPT, abortSignal: caller.signal });
      const failed = failedAttempt(work);
      await expect.poll(() => model.calls).toHaveLength(1);
      caller.abort(reason);
      steps.interruption.abort(reason);
      await failed;
      expect(steps.journal).toEqual([]);
    }
  });

  it("by Restate aborts the request", async () => {
    const steps = new MemorySteps();
    const model = hanging();
    const outcome = journaled(model, steps)
      .doGenerate(PROMPT)
      .then(undefined, (error: unknown) => error);
    await expect.poll(() => model.calls).toHaveLength(1);
    steps.interruption.abort(new CancelledError());
    expect(await outcome).toMatchObject({ code: 409 });
    expect(model.calls[0]?.abortSignal?.aborted).toBe(true);
  });
});

describe("models", () => {
  it("keep provider, id and supported URLs, and get the settings unchanged", async () => {
    const model = testModel(() => streamOf([STOP]));
    const wrapped = journaled(model, new MemorySteps());
    expect([wrapped.provider, wrapped.modelId, wrapped.supportedUrls]).toEqual([
      model.provider,
      model.modelId,
      model.supportedUrls,
    ]);
    const settings = {
      ...PROMPT,
      temperature: 0.5,
      providerOptions: { test: { a: 1 } },
      headers: { h: "1" },
      includeRawChunks: true,
    };
    await readParts(wrapped, settings);
    expect(model.calls[0]).toEqual({ ...settings, abortSignal: expect.any(AbortSignal) as unknown });
  });

  it("may follow versions 2 and 3", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    vi.spyOn(console, "info").mockImplementation(() => {});
    const content = [
      { type: "text" as const, text: "hi" },
      { type: "file" as const, mediaType: "a/b", data: "AQI=" },
    ];
    const v2: LanguageModelV2 = {
      specificationVersion: "v2",
      provider: "old.chat",
      modelId: "old-1",
      supportedUrls: {},
      doGenerate: async () => ({
        content,
        finishReason: "stop",
        usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 },
        warnings: [],
      }),
      doStream: () => Promise.reject(new Error("unexpected doStream")),
    };
    const v3 = new MockLanguageModelV3({
      doGenerate: { content, finishReason: { unified: "stop", raw: "s" }, usage: USAGE, warnings: [] },
    });
    for (const model of [v2, v3]) {
      const answer = await journaled(model, new MemorySteps()).doGenerate(PROMPT);
      expect(answer.content).toEqual([
        content[0],
        { type: "file", mediaType: "a/b", data: { type: "data", data: "AQI=" } },
      ]);
      expect(answer.finishReason.unified).toBe("stop");
    }
  });

  it("of an unknown version are refused", () => {
    const model = { ...testModel(() => streamOf([])), specificationVersion: "v1" } as never;
    expect(() => journaled(model, new MemorySteps())).toThrow("Unsupported model version v1");
  });

  it("may be ids", async () => {
    const model = testModel(() => streamOf([STOP]));
    globalThis.AI_SDK_DEFAULT_PROVIDER = { specificationVersion: "v4", languageModel: () => model } as never;
    try {
      await readParts(journaled("test/any", new MemorySteps()));
      expect(model.calls).toHaveLength(1);
    } finally {
      globalThis.AI_SDK_DEFAULT_PROVIDER = undefined;
    }
    expect(journaled("openai/gpt-5.2", new MemorySteps()).provider).toBe("gateway");
  });

  it("report how long the provider took, the same on replay", async () => {
    const steps = new MemorySteps();
    const times: number[] = [];
    const host = { onModelStep: ({ ms }: { ms: number }): void => void times.push(ms) };
    const model = testModel(() => streamOf([STOP]));
    await readParts(journaled(model, steps, host));
    steps.replay();
    await readParts(journaled(model, steps, host));
    expect(times[1]).toBe(times[0]);
  });
});
