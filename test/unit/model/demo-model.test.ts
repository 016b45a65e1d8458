import type { LanguageModelV4CallOptions, LanguageModelV4FunctionTool } from "@ai-sdk/provider";
import { generateText, isStepCount, Output, streamText, tool } from "ai";
import { expect, test } from "vitest";
import { z } from "zod";
import { demoModel } from "../../../src/model/demo-model.ts";

const asked = (text: string): LanguageModelV4CallOptions["prompt"] => [
  { role: "system", content: "You are a helpful agent." },
  { role: "user", content: [{ type: "text", text }] },
];

function functionTool(
  name: string,
  description: string,
  properties: object,
  required?: string[],
): LanguageModelV4FunctionTool {
  return {
    type: "function",
    name,
    description,
    inputSchema: { type: "object", properties, ...(required && { required }) },
  };
}

const text = { type: "string" };
const getWeather = functionTool("getWeather", "Get the current weather for a given city.", { city: text }, ["city"]);
const bookHotel = functionTool("book_hotel", "Book a hotel.", { guest: text, town: text }, ["guest", "town"]);
const roll = functionTool("rollDice", "Roll dice.", { sides: { type: "integer" } }, ["sides"]);

async function calls(question: string, options: Partial<LanguageModelV4CallOptions> = {}): Promise<string[]> {
  const { content } = await demoModel().doGenerate({ prompt: asked(question), tools: [getWeather], ...options });
  return content.flatMap((part) => (part.type === "tool-call" ? [`${part.toolName} ${part.input}`] : []));
}
const weatherIn = (...cities: string[]): string[] => cities.map((city) => `getWeather ${JSON.stringify({ city })}`);

test.each([
  ["What is the weather in Berlin?", ["Berlin"]],
  ["What's the weather in New York?", ["New York"]],
  ["Compare the weather in Berlin, Paris and São Paulo", ["Berlin", "Paris", "São Paulo"]],
  ["Berlin and Paris", ["Berlin", "Paris"]],
  ["Is it raining in Oslo? And in Oslo tomorrow?", ["Oslo"]],
  ["Weather for Århus", ["Århus"]],
  ["Tokyo", ["Tokyo"]],
  ["weather in san francisco and rome?", ["san francisco", "rome"]],
])("%j calls the tool once for each thing named", async (question, cities) => {
  expect(await calls(question)).toEqual(weatherIn(...cities));
});

test.each(["Hello!", "How are you?", "What can you do", ""])("%j calls no tool", async (question) => {
  expect(await calls(question)).toEqual([]);
});

test("the tool whose words fit the question is chosen; one that needs more than texts never is", async () => {
  const tools = [roll, bookHotel, getWeather];
  expect(await calls("What is the weather in Berlin?", { tools })).toEqual(weatherIn("Berlin"));
  expect(await calls("Find me a hotel in Berlin", { tools })).toEqual([
    'book_hotel {"guest":"Berlin","town":"Berlin"}',
  ]);
  expect(await calls("Please roll the dice for Bob", { tools })).toEqual([]);
  expect(await calls("Please roll the dice for Bob", { tools: [roll] })).toEqual([]);
});

test("the tool choice is obeyed", async () => {
  expect(await calls("Weather in Berlin?", { toolChoice: { type: "none" } })).toEqual([]);
  const chosen = { type: "tool", toolName: "book_hotel" } as const;
  expect(await calls("Weather in Rome?", { tools: [getWeather, bookHotel], toolChoice: chosen })).toEqual([
    'book_hotel {"guest":"Rome","town":"Rome"}',
  ]);
  expect(await calls("hello", { toolChoice: { type: "required" } })).toEqual(weatherIn("hello"));
});

test("the same question gives the same answer, ids included", async () => {
  const answers = await Promise.all(
    [1, 2].map(() => demoModel().doGenerate({ prompt: asked("Weather in Berlin and Paris"), tools: [getWeather] })),
  );
  expect(answers[0]).toEqual(answers[1]);
  const ids = answers[0]?.content.map((part) => (part.type === "tool-call" ? part.toolCallId : ""));
  expect(ids).toEqual(["demo-2-1", "demo-2-2"]);
});

test("usage grows with the text", async () => {
  const short = await demoModel().doGenerate({ prompt: asked("Hi") });
  const long = await demoModel().doGenerate({ prompt: asked("Hi ".repeat(400)) });
  expect(long.usage.inputTokens.total).toBeGreaterThan(short.usage.inputTokens.total ?? Infinity);
  expect(short.usage.outputTokens.total).toBeGreaterThan(0);
});

test("an aborted call fails", async () => {
  const abortSignal = AbortSignal.abort(new Error("enough"));
  await expect(demoModel().doGenerate({ prompt: asked("Hi"), abortSignal })).rejects.toThrow("enough");
});

const lookup = {
  getWeather: tool({
    description: "Get the current weather for a given city.",
    inputSchema: z.object({ city: z.string() }),
    execute: ({ city }) => {
      if (city === "Atlantis") throw new Error("no such city");
      return { city, secret: `${city.length} degrees` };
    },
  }),
};
const loop = { model: demoModel(), tools: lookup, stopWhen: isStepCount(5) };

test("the answer is made of what the tools returned", async () => {
  const result = await generateText({ ...loop, prompt: "Weather in Berlin and Rome?" });
  expect(result.text).toBe("Here is what I found. city Berlin, secret 6 degrees; city Rome, secret 4 degrees.");
  expect(result.steps).toHaveLength(2);
  expect(result.finishReason).toBe("stop");
});

test("a tool's error is part of the answer", async () => {
  expect((await generateText({ ...loop, prompt: "Weather in Atlantis?" })).text).toContain("no such city");
});

test("the next question of a conversation calls the tool again, with new ids", async () => {
  const first = await generateText({ ...loop, prompt: "Weather in Berlin?" });
  const messages = [
    { role: "user", content: "Weather in Berlin?" } as const,
    ...first.responseMessages,
    { role: "user", content: "And in Rome?" } as const,
  ];
  const second = await generateText({ ...loop, messages });
  expect(second.text).toContain("city Rome");
  const ids = [...first.steps, ...second.steps].flatMap((step) => step.toolCalls.map((call) => call.toolCallId));
  expect(new Set(ids).size).toBe(2);
});

test("a stream has the same content, word by word", async () => {
  const generated = await generateText({ ...loop, prompt: "Weather in Berlin and Rome?" });
  const streamed = streamText({ ...loop, prompt: "Weather in Berlin and Rome?" });
  const deltas: string[] = [];
  for await (const delta of streamed.textStream) deltas.push(delta);
  expect(deltas.length).toBeGreaterThan(5);
  expect(deltas.join("")).toBe(generated.text);
  expect(await streamed.totalUsage).toEqual(generated.totalUsage);
});

test("a refusal is part of the answer, with its reason", async () => {
  const output = { type: "execution-denied", reason: "too dear" } as const;
  const { content } = await demoModel().doGenerate({
    prompt: [
      ...asked("Book a trip to Paris"),
      { role: "tool", content: [{ type: "tool-result", toolCallId: "c", toolName: "bookTrip", output }] },
    ],
  });
  expect(content).toMatchObject([{ text: expect.stringContaining("that was not allowed: too dear") as string }]);
});

test("words may come at a pace that one can watch, and an abort ends them", async () => {
  const controller = new AbortController();
  const { stream } = await demoModel({ wordDelayMs: 5 }).doStream({
    prompt: asked("Hi"),
    abortSignal: controller.signal,
  });
  const words: string[] = [];
  const read = async (): Promise<void> => {
    for await (const part of stream) {
      if (part.type === "text-delta") words.push(part.delta);
      if (words.length === 3) controller.abort(new Error("enough"));
    }
  };
  const startedAt = performance.now();
  await expect(read()).rejects.toThrow("enough");
  expect(words.join("")).toBe("This is the");
  expect(performance.now() - startedAt).toBeGreaterThan(10);
});

const plan = z.object({
  tasks: z.array(z.string().min(1)).min(2).max(10),
  urgent: z.boolean(),
  days: z.number().int().min(3),
  kind: z.enum(["work", "party"]),
  owner: z.string().nullable(),
  note: z.string().optional(),
});
test.each([
  ["object", Output.object({ schema: plan }), (value: unknown) => plan.parse(value)],
  ["array", Output.array({ element: z.string() }), (value: unknown) => z.array(z.string()).min(1).parse(value)],
  ["choice", Output.choice({ options: ["work", "party"] }), (value: unknown) => z.literal("party").parse(value)],
  ["json", Output.json(), (value: unknown) => z.string().parse(value)],
])("an answer with a schema fits it: %s", async (_what, output, parse) => {
  const answer = await generateText({ model: demoModel(), prompt: "Plan a party", output });
  expect(() => parse(answer.output)).not.toThrow();
});

test("an answer with a schema comes after the tools, and holds what they returned", async () => {
  const { output } = await generateText({
    model: demoModel(),
    prompt: "What is the weather in Berlin?",
    tools: {
      getWeather: tool({ inputSchema: z.object({ city: z.string() }), execute: ({ city }) => `${city}: rain` }),
    },
    output: Output.object({ schema: z.object({ report: z.string() }) }),
    stopWhen: isStepCount(3),
  });
  expect(output).toEqual({ report: "Berlin: rain" });
});
