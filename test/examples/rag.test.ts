/** The example `rag`. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ExampleStack } from "./example-stack.ts";

let stack: ExampleStack;
beforeAll(async () => {
  stack = await ExampleStack.start();
}, 120_000);
afterAll(() => stack.stop());

const REFUNDS = "A refund takes three working days.\n\nYou may return shoes within thirty days.";
const OPENING = "The shop opens at nine in the morning.";

test("a question is answered from the passages that fit it", async () => {
  stack.replies(
    { toolCalls: [{ id: "s1", name: "search", input: { query: "how many days takes a refund" } }] },
    { text: "Three working days (Refunds)." },
  );
  expect(await stack.ask("Library/shop/add", { title: "Refunds", text: REFUNDS })).toBe(2);
  expect(await stack.ask("Library/shop/add", { title: "Opening hours", text: OPENING })).toBe(1);
  const id = await stack.send("Library/shop/ask", "How long does a refund take?");
  expect((await stack.restate.attach(id)).body).toBe("Three working days (Refunds).");
  expect(stack.asked()[1]).toContain("A refund takes three working days.");
  expect(stack.asked()[1]).not.toContain("The shop opens");
  expect(await stack.steps(id)).toEqual(["librarian model 1", "library embed 1", "librarian model 2"]);
  expect(stack.openai.mediaRequests.length).toBe(3);
});

test("a document that is added again replaces the old one", async () => {
  stack.replies({ text: "ok" });
  expect(await stack.ask("Library/press/add", { title: "News", text: "Old.\n\nOlder." })).toBe(2);
  expect(await stack.ask("Library/press/add", { title: "News", text: "New." })).toBe(1);
  expect(Object.keys(await stack.restate.state("Library", "press"))).toEqual(["News #0"]);
});

test("a Worker that dies while the answer is written does not pay for the embedding again", async () => {
  stack.openai.reset();
  let hangs = true;
  stack.script = (_, n) => {
    if (n === 0) return { toolCalls: [{ id: "s2", name: "search", input: { query: "shoes" } }] };
    return hangs ? { hang: true } : { text: "Within thirty days (Refunds)." };
  };
  const id = await stack.send("Library/shop/ask", "Can I return shoes?");
  await stack.openai.waitFor(2);
  hangs = false;
  await stack.worker.kill();
  await stack.worker.start();
  expect((await stack.restate.attach(id)).body).toBe("Within thirty days (Refunds).");
  expect(stack.openai.mediaRequests.length).toBe(1);
  expect(stack.openai.count).toBe(3);
});
