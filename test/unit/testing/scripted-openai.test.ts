/** The scripted server against the real client: what `@ai-sdk/openai` makes of it. */
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, generateText, isStepCount, streamText, tool, type LanguageModel } from "ai";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  repliesByTurn,
  type Script,
  type ScriptedOpenAI,
  type ScriptedReply,
  startScriptedOpenAI,
} from "../../../src/testing/index.ts";

let openai: ScriptedOpenAI;
afterEach(() => openai.close());

async function scripted(script: Script | readonly ScriptedReply[]): Promise<LanguageModel> {
  openai = await startScriptedOpenAI(script);
  return createOpenAI({ baseURL: openai.baseURL, apiKey: "test" })("gpt-test");
}

const weather = tool({
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `rain in ${city}`,
});
const call = (city: string) => ({ id: `call_${city}`, name: "weather", input: { city } });
const TWO_TURNS: readonly ScriptedReply[] = [
  { reasoning: "Two cities.", toolCalls: [call("Berlin"), call("Rome")] },
  { text: "Rain here and there.", usage: { inputTokens: 77, outputTokens: 8 } },
];

/** All that a failing stream reports, as one text. */
async function streamErrors(model: LanguageModel): Promise<string> {
  const errors: unknown[] = [];
  const result = streamText({ model, prompt: "go", maxRetries: 0, onError: ({ error }) => void errors.push(error) });
  await result.consumeStream();
  return errors.map(String).join("\n");
}

describe("answers", () => {
  test("generateText() runs parallel tools and gets text, reasoning and usage", async () => {
    const model = await scripted(repliesByTurn(TWO_TURNS));
    const result = await generateText({ model, prompt: "go", tools: { weather }, stopWhen: isStepCount(5) });
    expect(result.text).toBe("Rain here and there.");
    expect(result.finishReason).toBe("stop");
    expect(result.steps[0]?.reasoningText).toBe("Two cities.");
    expect(result.steps[0]?.toolResults.map(({ output }) => output)).toEqual(["rain in Berlin", "rain in Rome"]);
    expect(result.steps[1]?.usage).toMatchObject({ inputTokens: 77, outputTokens: 8 });
    expect(openai.requests.map(({ stream }) => stream)).toEqual([false, false]);
    expect(openai.requests[0]?.headers["authorization"]).toBe("Bearer test");
  });

  test.each([undefined, 1, 7])("streamText() gets the same, in pieces of %s bytes", async (chunkBytes) => {
    const pieces = chunkBytes === undefined ? {} : { chunkBytes };
    const model = await scripted(repliesByTurn(TWO_TURNS.map((reply) => ({ ...reply, ...pieces }))));
    const result = streamText({ model, prompt: "go", tools: { weather }, stopWhen: isStepCount(5) });
    const deltas: string[] = [];
    for await (const delta of result.textStream) deltas.push(delta);
    const steps = await result.steps;
    expect(deltas).toEqual(["Rain ", "here ", "and ", "there."]);
    expect(steps[0]?.reasoningText).toBe("Two cities.");
    expect(steps[0]?.toolResults.map(({ output }) => output)).toEqual(["rain in Berlin", "rain in Rome"]);
    expect(steps[1]?.usage).toMatchObject({ inputTokens: 77, outputTokens: 8 });
    expect(await result.finishReason).toBe("stop");
    expect(openai.requests.map(({ stream }) => stream)).toEqual([true, true]);
  });

  test("an incomplete reply has its finish reason, streamed or not", async () => {
    const model = await scripted([{ text: "So", incomplete: "max_output_tokens" }]);
    expect((await generateText({ model, prompt: "go" })).finishReason).toBe("length");
    const streamed = streamText({ model, prompt: "go" });
    await streamed.consumeStream();
    expect(await streamed.finishReason).toBe("length");
    const raw = await fetch(`${openai.baseURL}/responses`, { method: "POST", body: "{}" });
    expect(await raw.json()).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
    });
  });

  test("a repeated call gets the reply of its turn, and is seen twice", async () => {
    const model = await scripted(repliesByTurn([{ text: "first" }]));
    const [one, two] = await Promise.all([1, 2].map(() => generateText({ model, prompt: "go" })));
    expect([one?.text, two?.text]).toEqual(["first", "first"]);
    expect(one?.response.id).not.toBe(two?.response.id);
    expect(openai.count).toBe(2);
  });

  test("turns are counted from the last question", async () => {
    const model = await scripted(repliesByTurn(TWO_TURNS));
    const tools = { weather };
    const first = await generateText({ model, prompt: "go", tools, stopWhen: isStepCount(5) });
    const messages = [...first.responseMessages, { role: "user" as const, content: "And now?" }];
    const second = await generateText({ model, messages, tools, stopWhen: isStepCount(5) });
    expect(second.steps.map(({ toolCalls }) => toolCalls.length)).toEqual([2, 0]);
  });

  test("a turn without a reply is a permanent error that says so", async () => {
    const model = await scripted(repliesByTurn([{ toolCalls: [call("Berlin")] }]));
    const run = generateText({ model, prompt: "go", tools: { weather }, stopWhen: isStepCount(5) });
    await expect(run).rejects.toThrow("The script has 1 replies and was asked for the one of turn 1");
    expect(openai.count).toBe(2);
  });

  test("concurrent requests do not wait for each other", async () => {
    const model = await scripted([{ text: "ok", delayMs: 500 }]);
    const started = performance.now();
    await Promise.all(Array.from({ length: 12 }, () => generateText({ model, prompt: "go" })));
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(openai.count).toBe(12);
  });
});

describe("failures", () => {
  test("an error carries status, message and retry-after", async () => {
    const error = { status: 429, message: "slow down", headers: { "retry-after": "7" } };
    const model = await scripted([{ error }]);
    const failure = await generateText({ model, prompt: "go", maxRetries: 0 }).catch((reason: unknown) => reason);
    if (!APICallError.isInstance(failure)) throw failure;
    expect(failure).toMatchObject({ statusCode: 429, message: "slow down", isRetryable: true });
    expect(failure.responseHeaders?.["retry-after"]).toBe("7");
  });

  test("the client's own retries are counted", async () => {
    const headers = { "retry-after-ms": "5" };
    const model = await scripted([
      { error: { status: 503, headers } },
      { error: { status: 503, headers } },
      { text: "ok" },
    ]);
    expect((await generateText({ model, prompt: "go", maxRetries: 2 })).text).toBe("ok");
    expect(openai.count).toBe(3);
  });

  test.each([
    ["a body that does not parse", { text: "x", malformed: true }, "Invalid JSON response"],
    ["a connection reset before the answer", { cutAfter: 0 }, "Cannot connect to API"],
    ["a connection cut within the body", { text: "x", cutAfter: 1 }, "Failed to process successful response"],
    ["a response that failed", { failed: { code: "server_error", message: "went wrong" } }, "went wrong"],
  ])("generateText() fails on %s", async (_, reply, message) => {
    const model = await scripted([reply]);
    await expect(generateText({ model, prompt: "go", maxRetries: 0 })).rejects.toThrow(message);
    expect(openai.requests[0]?.aborted).toBe(false);
  });

  test.each([
    ["an event that does not parse", { text: "x", malformed: true }, "JSON"],
    ["a connection reset before the first event", { cutAfter: 0 }, "Cannot connect to API"],
    ["a response that failed", { text: "x", failed: { code: "server_error", message: "went wrong" } }, "went wrong"],
  ])("streamText() reports %s", async (_, reply, message) => {
    const model = await scripted([reply]);
    expect(await streamErrors(model)).toContain(message);
  });

  test("a stream cut after four events has brought what they held", async () => {
    const model = await scripted([{ text: "one two three", cutAfter: 4, chunkDelayMs: 20 }]);
    const seen: string[] = [];
    const result = streamText({ model, prompt: "go", maxRetries: 0, onError: () => {} });
    const reading = (async () => {
      for await (const delta of result.textStream) seen.push(delta);
    })();
    await expect(reading).rejects.toThrow("Failed to process successful response");
    expect(seen).toEqual(["one ", "two "]);
  });

  test("a client that gives up is seen", async () => {
    const model = await scripted([{ hang: true }]);
    const abortSignal = AbortSignal.timeout(60);
    await expect(generateText({ model, prompt: "go", abortSignal })).rejects.toThrow(/abort|timeout/i);
    await openai.waitFor(([request]) => request?.aborted === true);
    expect(openai.requests[0]?.finishedAt).toBeGreaterThan(openai.requests[0]?.startedAt ?? Infinity);
  });

  test("a script that throws, and a path that is not the protocol's, are answered as such", async () => {
    const model = await scripted(() => {
      throw new Error("no idea");
    });
    await expect(generateText({ model, prompt: "go", maxRetries: 0 })).rejects.toThrow(
      "The script threw: Error: no idea",
    );
    const other = await fetch(`${openai.baseURL}/moderations`, { method: "POST", body: "{}" });
    expect([other.status, await other.text()]).toEqual([
      404,
      expect.stringContaining("does not answer POST /v1/moderations"),
    ]);
    expect(openai.count).toBe(1);
    openai.reset();
    expect(openai.count).toBe(0);
  });

  test("waitFor() gives up and says what it waited for", async () => {
    await scripted([]);
    await expect(openai.waitFor(3, 30)).rejects.toThrow("Waited for 3 model calls: not within 30 ms");
  });
});
