/** Agents that pass the conversation to each other, on the in-memory fake. */
import { type ModelMessage, Output, tool } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  DefinitionError,
  handoffAgent,
  type HandoffSettings,
  RestateAgent,
  withRestateContext,
} from "../../../src/index.ts";
import { runFake, scriptedModel } from "../../../src/testing/in-memory.ts";

const transfer = (to: string) => ({ toolCalls: [{ id: `to-${to}`, name: `transfer_to_${to}`, input: {} }] });
const refund = tool({ inputSchema: z.object({ order: z.string() }), execute: ({ order }) => `refunded ${order}` });

function desk() {
  const models = {
    triage: scriptedModel([transfer("refunds"), { text: "triage answers" }]),
    refunds: scriptedModel((_, turn) =>
      turn === 1 ? { toolCalls: [{ id: "r", name: "refund", input: { order: "o1" } }] } : { text: "refunds answers" },
    ),
    sales: scriptedModel([{ text: "sales answers" }]),
  };
  const triage = new RestateAgent({ id: "triage", model: models.triage, instructions: "You are triage." });
  const refunds = new RestateAgent({ id: "refunds", model: models.refunds, temperature: 0.5, tools: { refund } });
  const sales = new RestateAgent({ id: "sales", model: models.sales, instructions: "You sell." });
  const agent = handoffAgent({
    id: "desk",
    agents: { triage, refunds, sales },
    handoffs: { triage: ["refunds", "sales"], refunds: ["triage"] },
    descriptions: { refunds: "Pays money back." },
  });
  return { agent, models };
}

const namesOf = (call: { readonly tools?: readonly { readonly name: string }[] | undefined } | undefined) =>
  call?.tools?.map(({ name }) => name).sort();

describe("handoffAgent()", () => {
  test("is one run: the second agent goes on with what was said, its own model, instructions and tools", async () => {
    const { agent, models } = desk();
    const run = async () => {
      const { text, steps, usage } = await agent.generate({ prompt: "my order is broken" });
      return [text, steps.length, usage.totalTokens];
    };
    const whole = await runFake((context) => withRestateContext(context, run));
    expect(whole.outcome).toEqual({ ok: true, value: ["refunds answers", 3, 45] });
    expect(whole.journal.commands).toEqual([
      "run desk model 1",
      "run desk model 2",
      "run desk tool refund r",
      "run desk model 3",
    ]);
    expect([models.triage.calls.length, models.refunds.calls.length, models.sales.calls.length]).toEqual([1, 2, 0]);
    expect(namesOf(models.triage.calls[0])).toEqual(["transfer_to_refunds", "transfer_to_sales"]);
    expect(namesOf(models.refunds.calls[0])).toEqual(["refund", "transfer_to_triage"]);
    expect(models.triage.calls[0]?.prompt[0]).toMatchObject({ role: "system", content: "You are triage." });
    const [first] = models.refunds.calls;
    expect(first?.prompt[0]).toMatchObject({ role: "system", content: "You are refunds." });
    expect(first?.temperature).toBe(0.5);
    expect(JSON.stringify(first?.prompt)).toContain("my order is broken");
    for (let crashAt = 1; crashAt <= whole.journal.events.length; crashAt++) {
      const again = await runFake((context) => withRestateContext(context, run), { crashAt: [crashAt] });
      expect(again.outcome).toEqual(whole.outcome);
      expect(again.journal.commands).toEqual(whole.journal.commands);
    }
  });

  test("who had the conversation last has it in the next turn", async () => {
    const { agent, models } = desk();
    const told: ModelMessage[] = [
      { role: "user", content: "hello" },
      {
        role: "assistant",
        content: [{ type: "tool-call", toolCallId: "t", toolName: "transfer_to_sales", input: {} }],
      },
      {
        role: "tool",
        content: [
          { type: "tool-result", toolCallId: "t", toolName: "transfer_to_sales", output: { type: "text", value: "x" } },
        ],
      },
      { role: "assistant", content: "What do you need?" },
      { role: "user", content: "a boat" },
    ];
    const { outcome } = await runFake((context) =>
      withRestateContext(context, async () => (await agent.generate({ messages: told })).text),
    );
    expect(outcome).toEqual({ ok: true, value: "sales answers" });
    expect(namesOf(models.sales.calls[0]) ?? []).toEqual([]);
  });

  test("refuses agents that do not fit together", () => {
    const model = scriptedModel([{ text: "x" }]);
    const one = new RestateAgent({ id: "one", model, tools: { refund } });
    const other = tool({ inputSchema: z.object({}), execute: () => "other" });
    const two = new RestateAgent({ id: "two", model, tools: { refund: other } });
    const typed = new RestateAgent({ id: "typed", model, output: Output.json() });
    const make = (agents: HandoffSettings["agents"], handoffs?: Record<string, string[]>) => () =>
      handoffAgent({ id: "x", agents, handoffs });
    expect(make({ one: one })).toThrow(/two agents or more/);
    expect(make({ one: one, two: two })).toThrow(/different tools named "refund"/);
    expect(make({ one: one, typed: typed })).toThrow(/"typed" has output/);
    expect(make({ one: one, again: one }, { one: ["three"] })).toThrow(/names "three"/);
    expect(make({ one: one, bad: {} as never })).toThrow(DefinitionError);
    const spender = new RestateAgent({ id: "spender", model }, { budget: { steps: 3 } });
    expect(make({ one: one, spender: spender })).toThrow(/"spender" has the option budget/);
    const watcher = new RestateAgent({ id: "watcher", model }, { onRollbackFailed: () => {} });
    expect(make({ one: one, watcher: watcher })).toThrow(/"watcher" has the option onRollbackFailed/);
  });
});
