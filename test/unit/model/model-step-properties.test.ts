/** Version 2 gives the caller exactly what version 1 gave, whatever a provider answers. */
import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeValue, encodeValue } from "../../../src/journal/codec.ts";
import { propertyRuns } from "../../thorough.ts";
import { type ModelStep, modelStepCodec } from "../../../src/model/model-step.ts";

const runs = propertyRuns(1_500, 1_500);

const name = fc.constantFrom("openai", "anthropic", "$x", "__proto__", "responseId");
const key = fc.oneof(fc.string(), fc.constantFrom("$blob", "$date", "type", "meta", "call", "__proto__", "responseId"));
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string(),
    fc.integer(),
    fc.constantFrom(null, true, "resp_1"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(key, tie("value"), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value;
const metadata = fc.option(
  fc.dictionary(
    name,
    fc.oneof(
      json,
      fc.record(
        { responseId: fc.constantFrom("resp_1", "resp_2"), tier: fc.string() },
        { requiredKeys: ["responseId"] },
      ),
    ),
    { maxKeys: 2, noNullPrototype: true },
  ),
  { nil: undefined, freq: 3 },
);
const input = fc.oneof(
  json.map((value) => JSON.stringify(value)),
  json.map((value) => JSON.stringify(value, undefined, 1)),
  fc.constantFrom(
    "",
    "{",
    '{"a":1.0}',
    '{"a":1,"a":2}',
    '{"2":1,"1":2}',
    '["\\ud800"]',
    "[".repeat(5_000),
    `${"[".repeat(5_000)}${"]".repeat(5_000)}`,
  ),
);
const extra = fc.oneof(fc.constant({}), fc.dictionary(key, json, { maxKeys: 1, noNullPrototype: true }));
const part = fc.oneof(
  fc.record({ type: fc.constantFrom("text", "reasoning"), text: fc.string(), providerMetadata: metadata }),
  fc.record({
    type: fc.constant("tool-call"),
    toolCallId: fc.string(),
    toolName: fc.string(),
    input,
    dynamic: fc.constantFrom(undefined, true),
    providerMetadata: metadata,
  }),
  fc.record({ type: fc.constant("file"), mediaType: fc.string(), data: fc.uint8Array(), providerMetadata: metadata }),
  fc.record({ type: fc.constant("source"), at: fc.date({ noInvalidDate: true }), providerMetadata: metadata }),
);
const count = fc.oneof(fc.constant(undefined), fc.integer({ min: 0, max: 50 }), fc.constantFrom(null, Number.NaN, 1n));
const total = fc.oneof(fc.integer({ min: 0, max: 99 }), count);

/** Reports as OpenAI's two APIs make them, some with one thing changed. */
const openAiUsage = fc
  .tuple(
    total,
    total,
    fc.integer({ min: 0, max: 9 }),
    fc.integer({ min: 0, max: 9 }),
    fc.constantFrom("responses", "chat", "totals"),
    extra,
  )
  .map(([input_tokens, output_tokens, cached, reasoning, kind, more]) => {
    const [tokensIn, tokensOut] = [Number(input_tokens ?? 0), Number(output_tokens ?? 0)];
    const chat = { prompt_tokens: tokensIn, completion_tokens: tokensOut, total_tokens: tokensIn + tokensOut };
    const raw = {
      responses: {
        input_tokens: tokensIn,
        input_tokens_details: { cached_tokens: cached },
        output_tokens: tokensOut,
        output_tokens_details: { reasoning_tokens: reasoning },
        total_tokens: tokensIn + tokensOut,
      },
      chat: {
        ...chat,
        prompt_tokens_details: { cached_tokens: cached },
        completion_tokens_details: {
          reasoning_tokens: reasoning,
          accepted_prediction_tokens: 0,
          rejected_prediction_tokens: 0,
        },
      },
      totals: chat,
    }[kind];
    return {
      inputTokens: { total: tokensIn, noCache: tokensIn - cached, cacheRead: cached, cacheWrite: undefined },
      outputTokens: { total: tokensOut, text: tokensOut - reasoning, reasoning },
      raw: { ...raw, ...more },
    };
  });
const usage = fc.oneof(
  openAiUsage,
  fc.record(
    {
      inputTokens: fc.record({ total, noCache: count, cacheRead: count, cacheWrite: count }),
      outputTokens: fc.record({ total, text: count, reasoning: count }),
      raw: json,
      more: json,
    },
    { requiredKeys: ["inputTokens", "outputTokens"] },
  ),
  json,
);

const step = fc
  .tuple(
    fc.record({
      content: fc.array(
        fc
          .tuple(part, fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, extra))
          .map(([base, more]) => ({ ...base, ...more })),
        { maxLength: 4 },
      ),
      structuredOutputText: fc.option(fc.string(), { nil: undefined }),
      finishReason: fc.oneof(
        fc.record({
          unified: fc.constantFrom("stop", "tool-calls", "a/b"),
          raw: fc.constantFrom(undefined, "", "stop", "end_turn", "a/b", 1),
        }),
        json,
      ),
      usage,
      warnings: fc.array(json, { maxLength: 1 }),
      providerMetadata: metadata,
      response: fc.record({
        id: fc.constantFrom("resp_1", "other"),
        timestamp: fc.date({ noInvalidDate: true }),
        modelId: fc.string(),
      }),
      ms: fc.nat(),
    }),
  )
  .map(([fields]) => fields as unknown as ModelStep);

/** What version 1 stored, and gave back. */
function asVersion1({ warnings, ...fields }: ModelStep): unknown {
  const stored = encodeValue({ ...fields, ...(warnings.length === 0 ? {} : { warnings }) });
  return { warnings: [], ...(decodeValue(stored) as object) };
}

describe("a model step", () => {
  it("comes back from version 2 as from version 1", () => {
    const versions = new Map<string, number>();
    fc.assert(
      fc.property(step, (value) => {
        const bytes = modelStepCodec.encode(value);
        const version = new TextDecoder().decode(bytes.subarray(0, 6));
        versions.set(version, (versions.get(version) ?? 0) + 1);
        deepStrictEqual(modelStepCodec.decode(bytes), asVersion1(value));
      }),
      { numRuns: runs },
    );
    expect(versions.get('{"v":2')).toBeGreaterThan(runs / 10);
  });
});
