import { describe, expect, it } from "vitest";
import { encodeValue } from "../../../src/journal/codec.ts";
import { type ModelStep, modelStepCodec } from "../../../src/model/model-step.ts";
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

describe("the stored form of a model step", () => {
  it("is pinned", () => {
    expect(new TextDecoder().decode(modelStepCodec.encode(STEP))).toBe(
      '{"v":1,"content":[' +
        '{"type":"reasoning","text":"hmm","providerMetadata":{"openai":{"itemId":"rs_1","reasoningEncryptedContent":null}}},' +
        '{"type":"text","text":"Here it is"},' +
        '{"type":"file","mediaType":"image/png","data":{"type":"data","data":{"$bytes":"iVA="}}},' +
        '{"type":"tool-call","toolCallId":"c1","toolName":"search","input":"{\\"q\\":1}"}],' +
        '"finishReason":{"unified":"tool-calls"},' +
        '"usage":{"inputTokens":{"total":3,"noCache":3,"cacheRead":0,"cacheWrite":0},"outputTokens":{"total":2,"text":2,"reasoning":0}},' +
        '"providerMetadata":{"openai":{"responseId":"resp_1"}},' +
        '"response":{"id":"resp_1","timestamp":{"$date":"1970-01-01T00:00:01.000Z"},"modelId":"gpt-5.2-2026"},"ms":123}',
    );
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
    expect(() => modelStepCodec.decode(encodeValue({ v: 2 }))).toThrow(/version 2: it was written by a newer version/);
  });
});
