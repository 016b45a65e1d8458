/** Budgets of runs and of conversations. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { turnOfConversation } from "../../src/testing/scripted-openai.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { ExampleStack } from "./example-stack.ts";

let stack: ExampleStack;
beforeAll(async () => {
  stack = await ExampleStack.start();
}, 120_000);
afterAll(() => stack.stop());

interface Pending {
  readonly id: string;
  readonly input: { readonly limit: string; readonly allowed: number; readonly spent: { readonly cost: number } };
}

test("budgets: a run that has spent its money asks for more, and stops when there is none", async () => {
  // Each call costs 0.20 in, 0.12 out.
  stack.script = (request) => ({
    toolCalls: [{ id: `t${turnOfConversation(request)}`, name: "readTable", input: { table: "sales" } }],
    usage: { inputTokens: 133_334, outputTokens: 10_000 },
  });
  stack.openai.reset();
  const id = await stack.send("Analysis/run", "Why did sales drop in May?");
  const answer = async (body: unknown, allowed: number): Promise<void> => {
    let pending: Pending | undefined;
    await waitUntil("Nobody is asked", async () => {
      const list = await stack.fetch("GET", "/approvals?agent=analyst");
      [pending] = (list.body as { readonly approvals: readonly Pending[] }).approvals;
      return pending !== undefined;
    });
    expect(pending?.input).toMatchObject({ limit: "cost", allowed });
    expect(pending?.input.spent.cost).toBeGreaterThanOrEqual(allowed);
    expect((await stack.fetch("POST", `/approvals/${pending?.id}`, body)).status).toBe(200);
  };
  await answer({ approved: true, reason: "0.25" }, 0.5);
  await answer({ approved: false }, 0.75);
  const { status, body } = await stack.restate.attach(id);
  expect([status, body]).toEqual([200, expect.stringContaining('the budget of run "analyst" is used up') as unknown]);
  expect(stack.openai.requests).toHaveLength(3);
});

test("budgets: a conversation that has used its tokens says so, and costs nothing more", async () => {
  stack.script = () => ({ text: "A half is a part of two.", usage: { inputTokens: 1_500, outputTokens: 100 } });
  stack.openai.reset();
  const say = (message: string) => stack.ask("Tutoring/ada/send", { message });
  expect(await say("Explain fractions")).toMatchObject({ text: "A half is a part of two." });
  expect(await say("And thirds?")).toMatchObject({ text: "A half is a part of two." });
  expect(await say("And quarters?")).toMatchObject({
    text: "That was all for this month. Ask your teacher for more.",
    budget: { limit: "totalTokens", allowed: 2_000 },
  });
  expect(stack.openai.requests).toHaveLength(2);
  expect(await stack.ask("Tutoring/ada/status")).toMatchObject({ spent: { steps: 2, totalTokens: 3_200 } });
});
