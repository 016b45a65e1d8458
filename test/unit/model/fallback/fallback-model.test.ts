import { APICallError, InvalidPromptError, LoadAPIKeyError, UnsupportedFunctionalityError } from "@ai-sdk/provider";
import type { LanguageModelV4, LanguageModelV4GenerateResult, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { describe, expect, test } from "vitest";
import {
  DefinitionError,
  FallbackFailedError,
  type FallbackFailure,
  fallbackModel,
  ModelCallError,
  TerminalError,
} from "../../../../src/index.ts";
import type { RetryableError } from "../../../../src/restate.ts";
import { AttemptFailed, MemorySteps } from "../memory-steps.ts";
import { journaled, PROMPT, readParts, STOP, streamOf, textParts, USAGE } from "../models.ts";

/** What a model does when it is called; a function may answer, throw or hang. */
type Behaviour = Error | string | (() => Promise<string>);

interface Member {
  readonly model: LanguageModelV4;
  /** Signals of its calls. */
  readonly signals: AbortSignal[];
}

function member(name: string, behaviour: Behaviour): Member {
  const signals: AbortSignal[] = [];
  const text = async (signal: AbortSignal | undefined): Promise<string> => {
    signals.push(signal ?? AbortSignal.abort());
    if (behaviour instanceof Error) throw behaviour;
    return typeof behaviour === "string" ? behaviour : behaviour();
  };
  const model: LanguageModelV4 = {
    specificationVersion: "v4",
    provider: `${name}.chat`,
    modelId: `${name}-1`,
    supportedUrls: {},
    doGenerate: async ({ abortSignal }): Promise<LanguageModelV4GenerateResult> => ({
      content: [{ type: "text", text: await text(abortSignal) }],
      finishReason: { unified: "stop", raw: "stop" },
      usage: USAGE,
      warnings: [],
      providerMetadata: { [name]: { own: true } },
    }),
    doStream: async ({ abortSignal }) => ({
      stream: streamOf([
        { type: "stream-start", warnings: [] },
        ...textParts(await text(abortSignal)),
        { ...STOP, providerMetadata: { [name]: { own: true } } } as LanguageModelV4StreamPart,
      ]),
    }),
  };
  return { model, signals };
}

const refusal = (statusCode: number, headers: Record<string, string> = {}): APICallError =>
  new APICallError({
    message: `scripted ${statusCode}`,
    url: "https://api.test/v1",
    requestBodyValues: {},
    statusCode,
    responseHeaders: headers,
  });

async function outcome(work: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(work).catch((error: unknown) => error);
}

const METHODS: [string, (model: LanguageModelV4) => Promise<{ text: string; metadata: unknown; modelId?: string }>][] =
  [
    [
      "doGenerate",
      async (model) => {
        const { content, providerMetadata, response } = await model.doGenerate(PROMPT);
        const [part] = content;
        const modelId = response?.modelId;
        return {
          text: part?.type === "text" ? part.text : "",
          metadata: providerMetadata,
          ...(modelId === undefined ? {} : { modelId }),
        };
      },
    ],
    [
      "doStream",
      async (model) => {
        const parts = await readParts(model);
        const text = parts.flatMap((part) => (part.type === "text-delta" ? [part.delta] : [])).join("");
        const ids = parts.flatMap((part) => (part.type === "response-metadata" && part.modelId ? [part.modelId] : []));
        const [metadata] = parts.flatMap((part) => (part.type === "finish" ? [part.providerMetadata] : []));
        return { text, metadata, modelId: ids.join() };
      },
    ],
  ];

const tried = (name: string, code: string): object => ({
  provider: `${name}.chat`,
  modelId: `${name}-1`,
  code,
  ms: expect.any(Number) as number,
});

describe.each(METHODS)("%s", (_, call) => {
  test("the first model answers, and nothing is noted", async () => {
    const [one, two] = [member("one", "hello"), member("two", "other")];
    const model = fallbackModel([one.model, two.model]);
    expect(await call(model)).toEqual({ text: "hello", metadata: { one: { own: true } }, modelId: "one-1" });
    expect(two.signals.length).toBe(0);
  });

  test.each<[string, Error, string]>([
    ["429", refusal(429), "429"],
    ["500", refusal(500), "500"],
    ["503", refusal(503), "503"],
    ["408", refusal(408), "408"],
    ["401: its key is refused", refusal(401), "401"],
    ["402: its account is empty", refusal(402), "402"],
    ["403", refusal(403), "403"],
    ["404: it no longer exists", refusal(404), "404"],
    ["no connection", new TypeError("fetch failed"), "TypeError"],
    ["no key", new LoadAPIKeyError({ message: "no key" }), "AI_LoadAPIKeyError"],
    [
      "what it cannot do",
      new UnsupportedFunctionalityError({ functionality: "pdf" }),
      "AI_UnsupportedFunctionalityError",
    ],
  ])("the next one is asked after %s", async (_name, error, code) => {
    const [one, two, three] = [member("one", error), member("two", error), member("three", "hello")];
    const answer = await call(fallbackModel([one.model, two.model, three.model]));
    expect(answer).toEqual({
      text: "hello",
      modelId: "three-1",
      metadata: {
        three: { own: true },
        fallback: { provider: "three.chat", modelId: "three-1", tried: [tried("one", code), tried("two", code)] },
      },
    });
    expect([one.signals.length, two.signals.length]).toEqual([1, 1]);
  });

  test.each<[string, Error, number]>([
    ["400", refusal(400), 400],
    ["413", refusal(413), 413],
    ["422", refusal(422), 422],
    ["an invalid prompt", new InvalidPromptError({ prompt: "x", message: "empty" }), 0],
  ])("nobody else is asked after %s", async (_name, error, statusCode) => {
    const [one, two] = [member("one", error), member("two", "hello")];
    const failure = (await outcome(call(fallbackModel([one.model, two.model])))) as ModelCallError;
    expect(failure).toBeInstanceOf(ModelCallError);
    expect(failure).toMatchObject({ provider: "one.chat", modelId: "one-1" });
    expect(failure.statusCode ?? 0).toBe(statusCode);
    expect(two.signals.length).toBe(0);
  });

  test("a TerminalError ends it", async () => {
    const [one, two] = [member("one", new TerminalError("stop", { errorCode: 418 })), member("two", "hello")];
    expect(await outcome(call(fallbackModel([one.model, two.model])))).toMatchObject({ message: "stop", code: 418 });
    expect(two.signals.length).toBe(0);
  });

  test("a model that takes too long is ended, also when it ignores its signal", async () => {
    const [one, two] = [member("one", () => new Promise(() => {})), member("two", "hello")];
    const answer = await call(fallbackModel([one.model, two.model], { timeoutMs: 20 }));
    expect(answer).toMatchObject({ text: "hello", metadata: { fallback: { tried: [tried("one", "timeout")] } } });
    expect(one.signals[0]?.aborted).toBe(true);
    expect(two.signals[0]?.aborted).toBe(false);
  });

  test("shouldFallBack decides otherwise, in both directions", async () => {
    const seen: [FallbackFailure, boolean][] = [];
    const options = {
      shouldFallBack: (failure: FallbackFailure, byDefault: boolean) => {
        seen.push([failure, byDefault]);
        return failure.statusCode === 400;
      },
    };
    const large = fallbackModel([member("one", refusal(400)).model, member("two", "hello").model], options);
    expect(await call(large)).toMatchObject({ text: "hello" });
    const strict = fallbackModel([member("one", refusal(401)).model, member("two", "hello").model], options);
    expect(await outcome(call(strict))).toBeInstanceOf(ModelCallError);
    expect(seen.map(([{ code, provider }, byDefault]) => [code, provider, byDefault])).toEqual([
      ["400", "one.chat", false],
      ["401", "one.chat", true],
    ]);
  });

  test("all failed for good: an error that names each, the same on replay", async () => {
    const steps = new MemorySteps();
    const members = [member("one", refusal(401)), member("two", refusal(404)), member("three", refusal(403))];
    for (let attempt = 0; attempt < 2; attempt += 1) {
      steps.replay();
      const model = journaled(fallbackModel(members.map(({ model: own }) => own)), steps);
      const error = (await outcome(call(model))) as FallbackFailedError;
      expect(error).toBeInstanceOf(FallbackFailedError);
      expect(error.errorCode).toBe("fallback-failed");
      expect(error.message).toBe(
        "Model call failed: none of 3 models answered: one.chat one-1 answered 401: scripted 401; " +
          "two.chat two-1 answered 404: scripted 404; three.chat three-1 answered 403: scripted 403",
      );
      expect(error.models.map(({ provider, code }) => `${provider} ${code}`)).toEqual([
        "one.chat 401",
        "two.chat 404",
        "three.chat 403",
      ]);
    }
    expect(members.map(({ signals }) => signals.length)).toEqual([1, 1, 1]);
  });

  test.each<[string, Error[], number | undefined]>([
    ["all say when", [refusal(429, { "retry-after": "3" }), refusal(429, { "retry-after-ms": "1500" })], 1_500],
    ["one of them does not", [refusal(429, { "retry-after": "3" }), refusal(503)], undefined],
    ["one failed for good, the other says when", [refusal(401), refusal(429, { "retry-after": "2" })], 2_000],
    ["one failed for good, the other does not say", [refusal(500), refusal(401)], undefined],
  ])("all failed, and Restate tries again: %s", async (_name, errors, milliseconds) => {
    const members = errors.map((error, index) => member(`m${index}`, error));
    const steps = new MemorySteps();
    const model = journaled(fallbackModel(members.map(({ model: own }) => own)), steps);
    const failed = (await outcome(call(model))) as AttemptFailed;
    expect(failed).toBeInstanceOf(AttemptFailed);
    expect(failed.message).toContain("none of 2 models answered: m0.chat m0-1");
    const wait = (failed.cause as RetryableError).retryAfter;
    expect(wait).toEqual(milliseconds === undefined ? undefined : { milliseconds });
    expect(steps.journal).toEqual([]);
  });

  test("one model alone fails with its own error", async () => {
    expect(await outcome(call(fallbackModel([member("one", refusal(401)).model])))).toBeInstanceOf(ModelCallError);
  });

  test("within another one it is one of its models, and what was tried is told together", async () => {
    const inner = fallbackModel([member("one", refusal(500)).model, member("two", refusal(401)).model]);
    const dead = fallbackModel([member("three", refusal(404)).model, member("four", refusal(404)).model]);
    const alive = fallbackModel([member("five", refusal(500)).model, member("six", "hello").model]);
    expect(await call(fallbackModel([inner, dead, alive]))).toMatchObject({
      text: "hello",
      metadata: {
        fallback: {
          provider: "six.chat",
          tried: [
            { provider: "one.chat" },
            { provider: "three.chat", code: "FallbackFailedError" },
            tried("five", "500"),
          ],
        },
      },
    });
  });

  test("the note is stored with the step, and is the same on replay", async () => {
    const steps = new MemorySteps();
    const one = member("one", refusal(503));
    const two = member("two", "hello");
    const answers: unknown[] = [];
    for (let attempt = 0; attempt < 2; attempt += 1) {
      steps.replay();
      answers.push(await call(journaled(fallbackModel([one.model, two.model]), steps)));
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ modelId: "two-1", metadata: { fallback: { tried: [tried("one", "503")] } } });
    expect([one.signals.length, two.signals.length, steps.journal.length]).toEqual([1, 1, 1]);
  });
});

test("the caller's signal ends it, and nobody else is asked", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const one = member("one", async () => {
    controller.abort(reason);
    throw refusal(503);
  });
  const two = member("two", "hello");
  const model = fallbackModel([one.model, two.model]);
  const call = model.doGenerate({ ...PROMPT, abortSignal: controller.signal });
  expect(await outcome(call)).toBe(reason);
  expect(two.signals.length).toBe(0);
});

test("the end of the attempt ends it: nothing is recorded", async () => {
  const steps = new MemorySteps();
  const one = member("one", async () => {
    steps.interruption.abort(new Error("attempt over"));
    return new Promise<never>(() => {});
  });
  const two = member("two", "hello");
  const failed = await outcome(journaled(fallbackModel([one.model, two.model]), steps).doGenerate(PROMPT));
  expect(String(failed)).toContain("attempt over");
  expect([two.signals.length, steps.journal.length]).toEqual([0, 0]);
});

describe("streams", () => {
  const streaming = (name: string, parts: () => LanguageModelV4StreamPart[]): LanguageModelV4 => ({
    ...member(name, "").model,
    doStream: async () => ({ stream: streamOf(parts()) }),
  });
  const start: LanguageModelV4StreamPart = { type: "stream-start", warnings: [{ type: "other", message: "of one" }] };
  const broken: LanguageModelV4StreamPart = { type: "error", error: refusal(503) };
  const finish = (unified: "other" | "stop"): LanguageModelV4StreamPart => {
    return { ...STOP, finishReason: { unified, raw: undefined } } as LanguageModelV4StreamPart;
  };

  test.each<[string, LanguageModelV4StreamPart[]]>([
    ["an error before any output", [start, { type: "text-start", id: "t" }, broken]],
    ["an error that is followed by more", [start, broken, ...textParts("of one"), STOP]],
    ["its end before any output", [start, { type: "reasoning-start", id: "r" }]],
    ["nothing but an end without a reason", [start, finish("other")]],
    ["no parts at all", []],
  ])("%s moves on, and nothing of it is seen", async (_, parts) => {
    const model = fallbackModel([streaming("one", () => parts), member("two", "hello").model]);
    const seen = await readParts(model);
    expect(seen.map(({ type }) => type)).toEqual([
      "stream-start",
      "response-metadata",
      "text-start",
      "text-delta",
      "text-end",
      "finish",
    ]);
    expect(JSON.stringify(seen)).not.toContain("of one");
  });

  test("an error after the first output stays the stream's own", async () => {
    const two = member("two", "hello");
    const parts = [start, ...textParts("half an ans").slice(0, 2), broken];
    const model = fallbackModel([streaming("one", () => parts), two.model]);
    const seen = await readParts(model);
    expect(seen.at(-1)?.type).toBe("error");
    expect(two.signals.length).toBe(0);
    // As a step: it is tried again.
    const failed = await outcome(readParts(journaled(model, new MemorySteps())));
    expect(failed).toBeInstanceOf(AttemptFailed);
  });

  test("an empty answer that has ended as it should is an answer", async () => {
    const two = member("two", "hello");
    const seen = await readParts(fallbackModel([streaming("one", () => [start, finish("stop")]), two.model]));
    expect(seen.at(-1)).toMatchObject({ type: "finish", finishReason: { unified: "stop" } });
    expect(two.signals.length).toBe(0);
  });

  test("the time limit holds until the first output, not longer", async () => {
    let emit: ReadableStreamDefaultController<LanguageModelV4StreamPart> | undefined;
    const slow: LanguageModelV4 = {
      ...member("one", "").model,
      doStream: async ({ abortSignal }) => ({
        stream: new ReadableStream<LanguageModelV4StreamPart>({
          start(controller) {
            emit = controller;
            abortSignal?.addEventListener("abort", () => controller.error(abortSignal.reason));
            for (const part of textParts("first").slice(0, 2)) controller.enqueue(part);
          },
        }),
      }),
    };
    const { stream } = await fallbackModel([slow, member("two", "hello").model], { timeoutMs: 15 }).doStream(PROMPT);
    await new Promise((resolve) => setTimeout(resolve, 50));
    emit?.enqueue({ type: "text-end", id: "t" });
    emit?.enqueue(STOP);
    emit?.close();
    const types: string[] = [];
    for await (const part of stream) types.push(part.type);
    expect(types).toEqual(["text-start", "text-delta", "text-end", "finish"]);
  });

  test("a reader that goes away ends the provider's stream", async () => {
    let cancelled = false;
    const endless: LanguageModelV4 = {
      ...member("one", "").model,
      doStream: async () => ({
        stream: new ReadableStream<LanguageModelV4StreamPart>({
          pull: (controller) => controller.enqueue({ type: "text-delta", id: "t", delta: "x" }),
          cancel: () => void (cancelled = true),
        }),
      }),
    };
    const { stream } = await fallbackModel([endless, member("two", "hello").model]).doStream(PROMPT);
    await stream.cancel();
    expect(cancelled).toBe(true);
  });
});

test("it bears the name of its first model, and what it is made of is checked", () => {
  const model = fallbackModel([member("one", "").model, member("two", "").model]);
  expect([model.provider, model.modelId]).toEqual(["one.chat", "one-1"]);
  expect(() => fallbackModel([])).toThrow(DefinitionError);
  expect(() => fallbackModel([member("one", "").model], { timeoutMs: 0 })).toThrow("current value is 0");
});
