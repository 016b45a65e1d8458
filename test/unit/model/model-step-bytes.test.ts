/** What a step costs in the journal, measured on the real OpenAI provider. The figures are in DESIGN.md (G7). */
import { createOpenAI } from "@ai-sdk/openai";
import type { LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeValue } from "../../../src/journal/codec.ts";
import { type ModelStep, modelStepCodec } from "../../../src/model/model-step.ts";
import { type ScriptedOpenAI, startScriptedOpenAI } from "../../../src/testing/scripted-openai.ts";
import { MemorySteps } from "./memory-steps.ts";
import { journaled } from "./models.ts";

const CALL_ID = "call_0123456789abcdefghijklmn";
const WITH_TOOL: LanguageModelV4CallOptions = {
  prompt: [{ role: "user", content: [{ type: "text", text: "What is the weather in Berlin?" }] }],
  tools: [{ type: "function", name: "getWeather", inputSchema: { type: "object", properties: {} } }],
};

let openai: ScriptedOpenAI;
beforeAll(async () => {
  openai = await startScriptedOpenAI((_, n) =>
    n % 2 === 0
      ? {
          toolCalls: [{ id: CALL_ID, name: "getWeather", input: { city: "Berlin", days: 3 } }],
          usage: { inputTokens: 812, outputTokens: 24 },
        }
      : { reasoning: "The user wants the weather.", text: "It is raining in Berlin." },
  );
});
afterAll(() => openai.close());

/** The stored step of one call, and its size in version 1 and 2. The duration is the one field that varies. */
async function sizes(how: "doGenerate" | "doStream"): Promise<{ v1: number; v2: number }> {
  const steps = new MemorySteps();
  const provider = createOpenAI({ apiKey: "key", baseURL: openai.baseURL });
  const result = await journaled(provider("gpt-5.2"), steps)[how](WITH_TOOL);
  if ("stream" in result) await result.stream.pipeTo(new WritableStream());
  const step: ModelStep = { ...modelStepCodec.decode(new TextEncoder().encode(steps.stored(0))), ms: 1_234 };
  const { warnings: _, ...version1 } = step;
  return { v1: encodeValue({ v: 1, ...version1 }).length, v2: modelStepCodec.encode(step).length };
}

describe.each(["doGenerate", "doStream"] as const)("%s", (how) => {
  it("stores a tool call in 306 bytes (version 1: 676), an answer with its reasoning in 340 (718)", async () => {
    openai.reset();
    expect([await sizes(how), await sizes(how)]).toEqual([
      { v1: 676, v2: 306 },
      { v1: 718, v2: 340 },
    ]);
  });
});

describe("a tool step", () => {
  it("stores its result as it is, and nothing for no result", () => {
    const weather = { city: "Berlin", temperature: 21.5, conditions: ["rain", "wind"] };
    expect(encodeValue(weather).length).toBe(JSON.stringify(weather).length);
    expect(encodeValue(weather).length).toBe(65);
    expect(encodeValue(undefined).length).toBe(0);
  });
});
