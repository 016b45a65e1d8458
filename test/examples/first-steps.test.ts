/** One agent and its tools. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ExampleStack } from "./example-stack.ts";

let stack: ExampleStack;
beforeAll(async () => {
  stack = await ExampleStack.start();
}, 120_000);
afterAll(() => stack.stop());

test("weather: one model call, one tool step, one answer", async () => {
  stack.replies(
    { toolCalls: [{ id: "w1", name: "getWeather", input: { city: "Berlin" } }] },
    { text: "It rains in Berlin." },
  );
  const id = await stack.send("Weather/run", "Is it raining in Berlin?");
  expect(await stack.restate.attach(id)).toEqual({ status: 200, body: "It rains in Berlin." });
  expect(await stack.steps(id)).toEqual([
    "weather-example model 1",
    "weather-example tool getWeather w1",
    "weather-example model 2",
  ]);
});

test("weather: a city without data is told to the model", async () => {
  stack.replies({ toolCalls: [{ id: "w1", name: "getWeather", input: { city: "Atlantis" } }] }, { text: "Unknown." });
  expect(await stack.ask("Weather/run", "Is it raining in Atlantis?")).toBe("Unknown.");
  expect(stack.asked()[1]).toContain("No weather of ");
});

test("parallel tools: three at once, one of them in steps of its own", async () => {
  const claim = { claim: "42" };
  stack.replies(
    {
      toolCalls: [
        { id: "a", name: "checkEligibility", input: claim },
        { id: "b", name: "compareRates", input: claim },
        { id: "c", name: "checkFraud", input: claim },
      ],
    },
    { text: "Claim 42 is in order." },
  );
  const id = await stack.send("InsuranceClaim/run", "Check claim 42");
  expect((await stack.restate.attach(id)).body).toBe("Claim 42 is in order.");
  const steps = await stack.steps(id);
  expect(steps).toHaveLength(7);
  expect(steps.slice(1, 5).toSorted()).toEqual([
    "earlier claims",
    "insurance-claim tool checkEligibility a",
    "insurance-claim tool compareRates b",
    "pictures",
  ]);
  expect(steps[5]).toBe("fraud score");
  expect(stack.asked()[1]).toContain("0.01");
});

test("web search: what the provider found is in the answer", async () => {
  stack.replies({ text: "Restate has version 1.7." });
  expect(await stack.ask("Newsroom/run", "What is new about Restate?")).toEqual({
    text: "Restate has version 1.7.",
    sources: [],
  });
  expect(stack.openai.requests[0]?.body["tools"]).toEqual([{ type: "web_search", search_context_size: "low" }]);
});

test("error handling: an overloaded provider is tried again, the model never knows", async () => {
  stack.openai.reset();
  stack.script = (_, n) => (n < 2 ? { error: { status: 503, message: "overloaded" } } : { text: "Shipped." });
  expect(await stack.ask("Shipping/run", "Ship order 7")).toBe("Shipped.");
  expect(stack.openai.count).toBe(3);
});

test("error handling: a wrong key fails at once, with the provider's words", async () => {
  stack.openai.reset();
  stack.script = () => ({ error: { status: 401, message: "Incorrect API key" } });
  const { status, body } = await stack.fetch("POST", "/agents/Shipping/run", "Ship order 7");
  expect(status).toBe(500);
  expect(body).toMatchObject({ code: "invocation-failed", error: { errorCode: "model-call-failed" } });
  expect(JSON.stringify(body)).toContain("Incorrect API key");
  expect(stack.openai.count).toBe(1);
});

const shipTwice = [
  { toolCalls: [{ id: "s1", name: "ship", input: { order: "7", carrier: "train" } }] },
  { toolCalls: [{ id: "s2", name: "ship", input: { order: "7", carrier: "truck" } }] },
  { text: "By truck." },
];

test("error handling: a tool's TerminalError is told to the model, which finds another way", async () => {
  stack.replies(...shipTwice);
  expect(await stack.ask("Shipping/run", "Ship order 7")).toBe("By truck.");
  expect(stack.asked()[1]).toContain("No train goes there.");
});

test('error handling: with toolErrors "fail" it ends the run', async () => {
  stack.replies(...shipTwice);
  const { status, body } = await stack.fetch("POST", "/agents/Shipping/strict", "Ship order 7");
  expect(status).toBe(409);
  expect(JSON.stringify(body)).toContain("No train goes there.");
  expect(stack.openai.count).toBe(1);
});
