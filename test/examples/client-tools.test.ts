/** The story of tools that the page executes. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { streamed } from "../e2e/chat-stack.ts";
import { fold } from "../unit/routes/chat/fold.ts";
import { ExampleStack } from "./example-stack.ts";

let stack: ExampleStack;
beforeAll(async () => {
  stack = await ExampleStack.start();
});
afterAll(() => stack.stop());

const post = (body: object): Promise<Response> =>
  fetch(`${stack.worker.url}/chat/Guide/trip-1`, {
    method: "POST",
    headers: { authorization: `Bearer ${stack.apiKey}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });

test("client-tools: the turn waits for the page, through a death of the Worker, and goes on in the same message", async () => {
  stack.replies(
    { toolCalls: [{ id: "call_1", name: "locate", input: { precise: true } }] },
    { text: "You are in Porto: see the bridges." },
  );
  const asked = await streamed(await post({ message: "What is there to see?" }));
  const message = await fold(asked.events.map(({ chunk }) => chunk));
  expect(message?.parts.at(-1)).toMatchObject({
    type: "tool-locate",
    state: "input-available",
    input: { precise: true },
  });
  await stack.worker.restart();
  const parts = message?.parts.map((part) =>
    part.type === "tool-locate" ? { ...part, state: "output-available", output: { lat: 41.1, lon: -8.6 } } : part,
  );
  const answer = await streamed(await post({ messages: [{ ...message, parts }], messageId: message?.id }));
  const whole = await fold(
    answer.events.map(({ chunk }) => chunk),
    message,
  );
  expect(whole?.parts.at(-1)).toMatchObject({ type: "text", text: "You are in Porto: see the bridges." });
  expect(JSON.stringify(stack.openai.requests.at(-1)?.body)).toContain("41.1");
  expect(stack.openai.count).toBe(2);
});
