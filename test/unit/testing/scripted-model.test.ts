import { generateText, isStepCount, streamText, tool } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { scriptedModel } from "../../../src/testing/index.ts";

const double = tool({ inputSchema: z.object({ n: z.number() }), execute: async ({ n }) => n * 2 });
const REPLIES = [
  { reasoning: "Hm.", toolCalls: [1, 2].map((n) => ({ id: `call_${n}`, name: "double", input: { n } })) },
  { text: "2 and 4" },
];

describe("scriptedModel()", () => {
  test("answers generateText() by turn, and remembers what it was asked", async () => {
    const model = scriptedModel(REPLIES);
    const result = await generateText({ model, prompt: "go", tools: { double }, stopWhen: isStepCount(5) });
    expect(result.text).toBe("2 and 4");
    expect(result.steps[0]?.toolResults.map(({ output }) => output)).toEqual([2, 4]);
    expect(model.calls.map(({ prompt }) => prompt.at(-1)?.role)).toEqual(["user", "tool"]);
  });

  test("answers streamText() alike", async () => {
    const result = streamText({
      model: scriptedModel(REPLIES),
      prompt: "go",
      tools: { double },
      stopWhen: isStepCount(5),
    });
    expect(await result.text).toBe("2 and 4");
    expect((await result.steps)[0]?.reasoningText).toBe("Hm.");
  });

  test("counts turns from the last question", async () => {
    const model = scriptedModel(REPLIES);
    const tools = { double };
    const first = await generateText({ model, prompt: "go", tools, stopWhen: isStepCount(5) });
    const messages = [...first.responseMessages, { role: "user" as const, content: "again" }];
    expect((await generateText({ model, messages, tools, stopWhen: isStepCount(5) })).steps).toHaveLength(2);
  });

  test("takes a function, whose error is the call's", async () => {
    const model = scriptedModel((_, turn) => {
      throw new Error(`not in turn ${turn}`);
    });
    await expect(generateText({ model, prompt: "go", maxRetries: 0 })).rejects.toThrow("not in turn 0");
  });

  test("tells why a reply ends early", async () => {
    const model = scriptedModel([{ text: "So", incomplete: "max_output_tokens" }]);
    expect((await generateText({ model, prompt: "go" })).finishReason).toBe("length");
  });

  test.each([{ hang: true }, { delayMs: 50_000 }])("is aborted while it waits: %o", async (reply) => {
    const started = performance.now();
    const call = generateText({ model: scriptedModel([reply]), prompt: "go", abortSignal: AbortSignal.timeout(30) });
    await expect(call).rejects.toThrow(/abort|timeout/i);
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});
