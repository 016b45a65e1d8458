import fc from "fast-check";
import { expect, test } from "vitest";
import { type ModelStep, modelStepCodec } from "../../../src/model/model-step.ts";
import { summarizeModelStep } from "../../../src/model/stored-summary.ts";

const step: ModelStep = {
  content: [{ type: "text", text: "Rain" }],
  finishReason: { unified: "stop", raw: "end_turn" },
  usage: {
    inputTokens: { total: 12, noCache: 2, cacheRead: 10, cacheWrite: undefined },
    outputTokens: { total: 7, text: 4, reasoning: 3 },
  },
  warnings: [],
  response: { id: "r", timestamp: new Date(5), modelId: "gpt-test" },
  ms: 42,
};
const summary = {
  model: "gpt-test",
  finishReason: "stop",
  providerMs: 42,
  tokens: { input: 12, cachedInput: 10, output: 7, reasoning: 3 },
};
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

test("a stored model step tells its model, its end, its time and its tokens", () => {
  const stored = modelStepCodec.encode(step);
  expect(JSON.parse(new TextDecoder().decode(stored))).toMatchObject({ v: 2 });
  expect(summarizeModelStep(stored)).toEqual(summary);
});

test("and, of a fallback model, who has answered and who failed before", () => {
  const tried = [{ provider: "one.chat", modelId: "one-1", code: "503", ms: 7 }];
  const fallback = { provider: "two.chat", modelId: "two-1", tried };
  for (const providerMetadata of [{ fallback }, { fallback, two: { id: "x" } }]) {
    expect(summarizeModelStep(modelStepCodec.encode({ ...step, providerMetadata }))).toEqual({ ...summary, fallback });
  }
});

test("so does one of version 1", () => {
  expect(summarizeModelStep(encode({ v: 1, ...step }))).toEqual(summary);
});

test("counts that are unknown, or nonsense, are absent", () => {
  const usage = { inputTokens: { total: -1 }, outputTokens: { total: "many" } };
  expect(summarizeModelStep(encode({ v: 1, usage }))).toEqual({
    model: undefined,
    finishReason: undefined,
    providerMs: undefined,
    tokens: { input: undefined, cachedInput: undefined, output: undefined, reasoning: undefined },
  });
});

test.each([[{ v: 3 }], [{}], ["text"], [null], [[1]], [{ v: 2 }]])("%j is no model step", (stored) => {
  expect(summarizeModelStep(encode(stored))).toBeUndefined();
});

test("no bytes make it fail", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map((json) => new TextEncoder().encode(json)),
      ),
      (bytes) => {
        summarizeModelStep(bytes);
      },
    ),
  );
});
