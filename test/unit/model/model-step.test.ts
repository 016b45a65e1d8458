import { expect, test } from "vitest";
import { type ModelStep, modelStepCodec } from "../../../src/model/model-step.ts";

const step: ModelStep = {
  content: [
    { type: "text", text: "hello", providerMetadata: { openai: { itemId: "msg_1" } } },
    { type: "file", mediaType: "image/png", data: { type: "data", data: new Uint8Array([1, 2, 255]) } },
    { type: "tool-call", toolCallId: "call_1", toolName: "book", input: '{"id":"a"}' },
  ],
  finishReason: { unified: "tool-calls", raw: "tool_calls" },
  usage: {
    inputTokens: { total: 10, noCache: 10, cacheRead: 0, cacheWrite: undefined },
    outputTokens: { total: 5, text: 5, reasoning: 0 },
  },
  warnings: [],
  providerMetadata: { openai: { responseId: "resp_1" } },
  response: { id: "resp_1", timestamp: new Date(0), modelId: "gpt-test" },
  ms: 123,
};

test("the stored form of a model step is pinned", () => {
  expect(new TextDecoder().decode(modelStepCodec.encode(step))).toBe(
    '{"v":1,"content":[{"type":"text","text":"hello","providerMetadata":{"openai":{"itemId":"msg_1"}}},' +
      '{"type":"file","mediaType":"image/png","data":{"type":"data","data":{"$bytes":"AQL/"}}},' +
      '{"type":"tool-call","toolCallId":"call_1","toolName":"book","input":"{\\"id\\":\\"a\\"}"}],' +
      '"finishReason":{"unified":"tool-calls","raw":"tool_calls"},' +
      '"usage":{"inputTokens":{"total":10,"noCache":10,"cacheRead":0},"outputTokens":{"total":5,"text":5,"reasoning":0}},' +
      '"providerMetadata":{"openai":{"responseId":"resp_1"}},' +
      '"response":{"id":"resp_1","timestamp":{"$date":"1970-01-01T00:00:00.000Z"},"modelId":"gpt-test"},"ms":123}',
  );
});

test("bytes, the date and the provider's metadata come back equal", () => {
  expect(modelStepCodec.decode(modelStepCodec.encode(step))).toEqual(step);
});

test("a step of a newer version is refused with what to do", () => {
  const newer = new TextEncoder().encode('{"v":2}');
  expect(() => modelStepCodec.decode(newer)).toThrow("version 2: it was written by a newer version");
});
