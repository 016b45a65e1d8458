/** What a run has used: its own model steps, and those of the agents inside its tools. */
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { contextTool, RestateAgent, withRestateContext } from "../../../src/index.ts";
import { UsageLedger } from "../../../src/agent/usage-ledger.ts";
import { runFake, scriptedModel } from "../../../src/testing/in-memory.ts";

const usage = (input: number, output: number) => ({
  inputTokens: { total: input, noCache: input, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: output, text: output, reasoning: undefined },
});

/** A parent whose tool runs a child twice, in parallel; each of the five model calls has what the script says. */
function family() {
  const childModel = scriptedModel([{ text: "one" }, { text: "two" }]);
  const child = new RestateAgent({ id: "child", model: childModel });
  const ask = contextTool({
    inputSchema: z.object({}),
    execute: async () => {
      const result = await child.generate({ prompt: "go" });
      return `${result.text} for ${result.usage.totalTokens}`;
    },
  });
  const toolCalls = [
    { id: "a", name: "ask", input: {} },
    { id: "b", name: "ask", input: {} },
  ];
  const ends: (number | undefined)[] = [];
  const parent = new RestateAgent({
    id: "parent",
    model: scriptedModel([{ toolCalls }, { text: "done" }]),
    tools: { ask },
    stopWhen: () => false,
    onEnd: ({ totalUsage }) => void ends.push(totalUsage.totalTokens),
  });
  return { parent, ends };
}

describe("the usage of a run", () => {
  test("includes the agents inside its tools, once, and is the same on replay", async () => {
    const { parent, ends } = family();
    const run = async () => {
      const result = await parent.generate({ prompt: "go" });
      return {
        total: result.totalUsage,
        usage: result.usage,
        steps: result.steps.map(({ usage: own }) => own.totalTokens),
      };
    };
    const whole = await runFake((context) => withRestateContext(context, run));
    if (!whole.outcome.ok) throw whole.outcome.error;
    const { total, usage: same, steps } = whole.outcome.value;
    const own = steps.reduce((sum = 0, tokens = 0) => sum + tokens, 0) ?? 0;
    // Each scripted answer costs the same, and there were four.
    expect(steps).toHaveLength(2);
    expect(total.totalTokens).toBe(own * 2);
    expect(same).toEqual(total);
    expect(ends).toEqual([own * 2]);
    for (let length = 1; length <= whole.journal.events.length; length++) {
      const journal = whole.journal.prefix(length);
      const again = await runFake((context) => withRestateContext(context, run), { journal });
      expect(again.outcome).toEqual(whole.outcome);
    }
  });

  test("is that of the stream, too", async () => {
    const { parent, ends } = family();
    const run = async () => {
      const result = await parent.stream({ prompt: "go" });
      await result.consumeStream();
      const steps = await result.steps;
      return {
        total: (await result.usage).totalTokens,
        own: steps.map(({ usage: { totalTokens = 0 } }) => totalTokens),
      };
    };
    const { outcome } = await runFake((context) => withRestateContext(context, run));
    if (!outcome.ok) throw outcome.error;
    const own = outcome.value.own.reduce((sum, tokens) => sum + tokens, 0);
    expect(own).toBeGreaterThan(0);
    expect(outcome.value.total).toBe(own * 2);
    expect(ends).toEqual([own * 2]);
  });
});

describe("UsageLedger", () => {
  test("tells models apart, and what the segments before have used from what the answer says", () => {
    const parent = new UsageLedger();
    const ledger = new UsageLedger(parent);
    ledger.addEarlier([{ provider: "p", modelId: "a", steps: 3, usage: parent.total }]);
    ledger.addStep({ provider: "p", modelId: "a" }, usage(10, 1));
    ledger.addStep({ provider: "p", modelId: "b" }, usage(20, 2));
    expect(ledger.answer).toBeUndefined();
    ledger.add([{ provider: "q", modelId: "a", steps: 2, usage: ledger.total }]);
    expect(
      ledger.models.map(({ provider, modelId, steps, usage: used }) => [provider, modelId, steps, used.totalTokens]),
    ).toEqual([
      ["p", "a", 4, 11],
      ["p", "b", 1, 22],
      ["q", "a", 2, 33],
    ]);
    expect([ledger.steps, ledger.total.inputTokens, ledger.total.outputTokens, ledger.total.totalTokens]).toEqual([
      7, 60, 6, 66,
    ]);
    expect([parent.steps, parent.total.totalTokens, parent.answer?.totalTokens]).toEqual([7, 66, 66]);
  });
});
