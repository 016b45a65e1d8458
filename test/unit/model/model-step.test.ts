import { deepStrictEqual } from "node:assert/strict";
import { describe, expect, it } from "vitest";
import { encodeValue } from "../../../src/journal/codec.ts";
import { type ModelStep, modelStepCodec } from "../../../src/model/model-step.ts";
import { VERSION_1 } from "../../fixtures/stored/model-steps-v1.ts";
import { MemorySteps } from "./memory-steps.ts";
import { journaled, PROMPT, streamOf, testModel, USAGE } from "./models.ts";

const STEP: ModelStep = {
  content: [
    {
      type: "reasoning",
      text: "hmm",
      providerMetadata: { openai: { itemId: "rs_1", reasoningEncryptedContent: null } },
    },
    { type: "text", text: "Here it is" },
    { type: "file", mediaType: "image/png", data: { type: "data", data: new Uint8Array([137, 80]) } },
    { type: "tool-call", toolCallId: "c1", toolName: "search", input: '{"q":1}' },
  ],
  finishReason: { unified: "tool-calls", raw: undefined },
  usage: USAGE,
  warnings: [],
  providerMetadata: { openai: { responseId: "resp_1" } },
  response: { id: "resp_1", timestamp: new Date(1_000), modelId: "gpt-5.2-2026" },
  ms: 123,
};

const encode = (step: ModelStep): string => new TextDecoder().decode(modelStepCodec.encode(step));
const decode = (stored: string): ModelStep => modelStepCodec.decode(new TextEncoder().encode(stored));

describe("the stored form of a model step", () => {
  it("is pinned", () => {
    expect(encode(STEP)).toBe(
      '{"v":2,"content":[' +
        '{"reasoning":"hmm","meta":{"itemId":"rs_1","reasoningEncryptedContent":null}},' +
        '{"text":"Here it is"},' +
        '{"type":"file","mediaType":"image/png","data":{"type":"data","data":{"$bytes":"iVA="}}},' +
        '{"call":"c1","tool":"search","args":{"q":1}}],' +
        '"finish":"tool-calls","usage":{"in":3,"out":2,"cacheWrite":0},' +
        '"provider":"openai","responseId":"resp_1","at":1000,"model":"gpt-5.2-2026","ms":123}',
    );
  });

  it("is pinned where an answer is less usual", () => {
    const unusual: ModelStep = {
      content: [
        { type: "text", text: "", providerMetadata: { a: { n: 1 }, b: {} }, citations: [] },
        { type: "tool-call", toolCallId: "c", toolName: "t", input: '{"q": 1}', dynamic: true, providerExecuted: true },
        { type: "tool-result", toolCallId: "c", toolName: "t", result: { n: 1 }, providerMetadata: { a: { i: 2 } } },
      ],
      structuredOutputText: "{}",
      finishReason: { unified: "stop", raw: "end_turn" },
      usage: {
        inputTokens: { total: 10, noCache: 3, cacheRead: 5, cacheWrite: undefined },
        outputTokens: { total: undefined, text: undefined, reasoning: undefined },
        raw: { tier: "x" },
      },
      warnings: [{ type: "other", message: "w" }],
      providerMetadata: { a: { responseId: "other" } },
      response: { id: "id", timestamp: new Date(5), modelId: "m" },
      ms: 1,
    };
    expect(encode(unusual)).toBe(
      '{"v":2,"content":[{"text":"","citations":[],"providerMetadata":{"a":{"n":1},"b":{}}},' +
        '{"call":"c","tool":"t","input":"{\\"q\\": 1}","dynamic":true,"providerExecuted":true},' +
        '{"type":"tool-result","toolCallId":"c","toolName":"t","result":{"n":1},"meta":{"i":2}}],' +
        '"structuredOutputText":"{}","finish":"stop/end_turn",' +
        '"usage":{"in":10,"cacheRead":5,"reasoning":null,"noCache":3,"raw":{"tier":"x"}},' +
        '"warnings":[{"type":"other","message":"w"}],"provider":"a","id":"id","meta":{"responseId":"other"},' +
        '"at":5,"model":"m","ms":1}',
    );
    expect(decode(encode(unusual))).toEqual(unusual);
  });

  it("pins the names of the reports that it rebuilds", () => {
    const usage = (raw: object): ModelStep["usage"] => ({
      inputTokens: { total: 9, noCache: 6, cacheRead: 2, cacheWrite: 1 },
      outputTokens: { total: 5, text: 1, reasoning: 4 },
      raw: { ...raw },
    });
    const input = { cached_tokens: 2, cache_write_tokens: 1 };
    const totals = { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 };
    const reports: readonly [string, object][] = [
      [
        '"openai-responses"',
        {
          input_tokens: 9,
          input_tokens_details: input,
          output_tokens: 5,
          output_tokens_details: { reasoning_tokens: 4 },
          total_tokens: 14,
        },
      ],
      [
        '"openai-chat"',
        {
          ...totals,
          prompt_tokens_details: input,
          completion_tokens_details: {
            reasoning_tokens: 4,
            accepted_prediction_tokens: 0,
            rejected_prediction_tokens: 0,
          },
        },
      ],
      ['"openai-chat-totals"', totals],
      ['{"prompt_tokens":9,"completion_tokens":5,"total_tokens":15}', { ...totals, total_tokens: 15 }],
    ];
    for (const [name, raw] of reports) {
      const stored = encode({ ...STEP, usage: usage(raw) });
      expect(stored).toContain(`"usage":{"in":9,"out":5,"cacheRead":2,"cacheWrite":1,"reasoning":4,"raw":${name}}`);
      expect(decode(stored).usage).toEqual(usage(raw));
    }
  });

  it("leaves a usage as it is that says more than counts", () => {
    const usage = { ...USAGE, cost: 0.01 };
    const stored = encode({ ...STEP, usage });
    expect(stored).toMatch(/^\{"v":2,/);
    expect(stored).toContain('"usage":{"inputTokens":{"total":3,');
    expect(decode(stored).usage).toEqual(usage);
  });

  it.each(VERSION_1)("of version 1 is still read: %#", (stored, step) => {
    deepStrictEqual(decode(stored), step);
    deepStrictEqual(decode(encode(step)), step);
  });

  it("is version 1 where version 2 would change the answer", () => {
    const odd: readonly Partial<Record<keyof ModelStep, unknown>>[] = [
      { finishReason: { unified: "a/b" } },
      { finishReason: "stop" },
      { content: "text" },
      { content: [{ text: "no type" }] },
      { content: [{ type: "text", text: "t", call: "c" }] },
      { content: [{ type: "text", text: "t", meta: 1 }] },
      { response: { ...STEP.response, extra: 1 } },
      { response: { ...STEP.response, id: 1 } },
      { response: { ...STEP.response, timestamp: 5 } },
      { usage: { in: 1 } },
      { ms: Number.NaN },
    ];
    for (const change of odd) {
      const step = { ...STEP, ...change } as ModelStep;
      expect(encode(step)).toMatch(/^\{"v":1,/);
      expect(decode(encode(step))).toEqual(step);
    }
  });

  it("has when the call began and what the run belongs to, with telemetry; both at the end of what is stored", () => {
    const traced: ModelStep = { ...STEP, startedMs: 1_764_016_880_801, runParentSpanId: "986be5adc7642745" };
    const [before, after] = encode(STEP).split(',"provider"');
    const fields = ',"started":1764016880801,"span":"986be5adc7642745"';
    expect(encode(traced)).toBe(`${before?.replace(',"finish"', `${fields},"finish"`)},"provider"${after}`);
    expect(decode(encode(traced))).toEqual(traced);
    const odd = { ...traced, response: { ...STEP.response, extra: 1 } } as ModelStep;
    expect(encode(odd)).toMatch(/^\{"v":1,/);
    expect(decode(encode(odd))).toEqual(odd);
  });

  it("gives a model's caller nothing of what telemetry has stored", async () => {
    const steps = new MemorySteps();
    const traced = { ...STEP, startedMs: 5, runParentSpanId: "986be5adc7642745" };
    steps.journal.push({ name: "agent model 1", bytes: modelStepCodec.encode(traced) });
    const { ms: _, ...answer } = STEP;
    expect(
      await journaled(
        testModel(() => streamOf([])),
        steps,
      ).doGenerate(PROMPT),
    ).toEqual(answer);
  });

  it("comes back equal, bytes, dates and provider metadata included", () => {
    expect(modelStepCodec.decode(modelStepCodec.encode(STEP))).toEqual(STEP);
    const warned: ModelStep = { ...STEP, warnings: [{ type: "other", message: "w" }], structuredOutputText: "" };
    expect(modelStepCodec.decode(modelStepCodec.encode(warned))).toEqual(warned);
  });

  it("holds no bodies and no headers", async () => {
    const steps = new MemorySteps();
    const { ms: _, content, ...answer } = STEP;
    const model = testModel(
      () => streamOf([]),
      async () => ({
        ...answer,
        content: [...content],
        request: { body: "BODY" },
        response: { ...answer.response, headers: { h: "HEADER" }, body: "BODY" },
      }),
    );
    await journaled(model, steps).doGenerate(PROMPT);
    expect(steps.stored(0)).not.toMatch(/BODY|HEADER|request/);
  });

  it("has an id, a time and a model that stay the same when the provider gives none", async () => {
    const steps = new MemorySteps();
    const { ms: _, content, response: __, ...answer } = STEP;
    const model = testModel(
      () => streamOf([]),
      async () => ({ ...answer, content: [...content] }),
    );
    const first = await journaled(model, steps).doGenerate(PROMPT);
    steps.replay();
    const again = await journaled(model, steps).doGenerate(PROMPT);
    expect(again.response).toEqual(first.response);
    expect(again.response).toMatchObject({
      id: expect.stringMatching(/^[\da-f-]{36}$/) as unknown,
      timestamp: expect.any(Date) as unknown,
      modelId: "test-1",
    });
  });

  it("of a newer version is a plain error, so the invocation waits for the right code", () => {
    expect(() => modelStepCodec.decode(encodeValue([]))).toThrow(/version undefined/);
    expect(() => modelStepCodec.decode(encodeValue({ v: 3 }))).toThrow(/version 3: it was written by a newer version/);
  });
});
