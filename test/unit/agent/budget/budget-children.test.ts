/** A budget counts what the agents inside a run's tools use, and holds for them, at the same time and on every replay. */
import { isLoopFinished, tool } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Budget, budgetReport, contextTool, RestateAgent, withRestateContext } from "../../../../src/index.ts";
import {
  crashEverywhere,
  type FakeOptions,
  runFake,
  type ScriptedModel,
  scriptedModel,
} from "../../../../src/testing/in-memory.ts";

const work = tool({ inputSchema: z.object({ n: z.number() }), execute: async ({ n }) => `worked ${n}` });

interface Family {
  readonly budget: Budget;
  readonly childBudget?: Budget;
  /** How many children run at the same time. Default 3. */
  readonly children?: number;
  /** How often each child's model is called before it answers; default: it never does. */
  readonly childSteps?: number;
}

/** A parent whose first step runs children at the same time, each of which works; then it answers. */
function family({ budget, childBudget, children = 3, childSteps = Infinity }: Family) {
  const childModel: ScriptedModel = scriptedModel((_, turn) =>
    turn + 1 >= childSteps ? { text: "found" } : { toolCalls: [{ id: `w${turn}`, name: "work", input: { n: turn } }] },
  );
  const child = new RestateAgent(
    { id: "child", model: childModel, tools: { work }, stopWhen: isLoopFinished() },
    childBudget === undefined ? {} : { budget: childBudget },
  );
  const ask = contextTool({
    inputSchema: z.object({}),
    execute: async () => {
      const result = await child.generate({ prompt: "go" });
      return { text: result.text, exceeded: budgetReport(result)?.exceeded?.limit };
    },
  });
  const toolCalls = Array.from({ length: children }, (_, n) => ({ id: `c${n}`, name: "ask", input: {} }));
  const model = scriptedModel([{ toolCalls }, { text: "done" }]);
  const parent = new RestateAgent({ id: "parent", model, tools: { ask }, stopWhen: isLoopFinished() }, { budget });
  const body = async () => {
    const result = await parent.generate({ prompt: "go" });
    const told = result.steps[0]?.toolResults.map(({ output }) => output);
    return { text: result.text, told, report: budgetReport(result) };
  };
  const run = (options: FakeOptions = {}) => runFake((context) => withRestateContext(context, body), options);
  const calls = (): number => model.calls.length + childModel.calls.length;
  return { run, body, calls, childModel };
}

describe("the budget of a run with agents in its tools", () => {
  test("is never exceeded in model calls, whoever is first", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { run, calls } = family({ budget: { steps: 8, atLimit: "stop" } });
      const { outcome } = await run({ seed });
      expect(calls()).toBe(8);
      expect(outcome).toMatchObject({
        ok: true,
        value: {
          text: 'Stopped: the budget of run "parent" is used up, 8 of 8 model calls.',
          told: Array.from({ length: 3 }, () => ({ exceeded: "steps" })),
          report: { spent: { steps: 8 }, exceeded: { limit: "steps" } },
        },
      });
    }
  });

  test("fails the run that it belongs to, and not the agent that reached it", async () => {
    const { run, calls } = family({ budget: { steps: 5 } });
    const { outcome } = await run();
    expect(outcome).toMatchObject({
      ok: false,
      error: { errorCode: "budget-exceeded", what: 'run "parent"', allowed: 5 },
    });
    expect(calls()).toBe(5);
  });

  test("is not that of a child: one that fails by its own is told to the parent's model", async () => {
    const { run, calls } = family({ budget: { steps: 100 }, childBudget: { steps: 2 } });
    expect((await run()).outcome).toMatchObject({
      ok: true,
      value: { text: "done", told: [], report: { spent: { steps: 8 }, exceeded: undefined } },
    });
    expect(calls()).toBe(8);
  });

  test("counts what each child used once", async () => {
    const { run } = family({ budget: { totalTokens: 10_000 }, childSteps: 3 });
    expect((await run()).outcome).toMatchObject({
      value: { text: "done", report: { spent: { steps: 11, totalTokens: 165 } } },
    });
  });

  test("of output tokens is not exceeded by children that run at the same time, when each call is bounded", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const budget = { outputTokens: 60, maxOutputTokensPerCall: 20, atLimit: "stop" } as const;
      const { run, childModel } = family({ budget, children: 4 });
      const { outcome } = await run({ seed });
      expect(outcome).toMatchObject({ ok: true, value: { report: { exceeded: { limit: "outputTokens" } } } });
      const { report } = outcome.ok ? outcome.value : { report: undefined };
      // 5 tokens each: below 16 tokens no call begins, so those who waited for others to end have gone on.
      expect(report?.spent.outputTokens).toBe(45);
      for (const { maxOutputTokens } of childModel.calls) expect(maxOutputTokens).toBeLessThanOrEqual(20);
    }
  });

  test.each(["bidirectional", "request-response"] as const)(
    "is the same wherever the process dies, %s",
    async (mode) => {
      for (const budget of [
        { steps: 7, atLimit: "stop" },
        { steps: 7, atLimit: "fail" },
        { outputTokens: 50, maxOutputTokensPerCall: 20, atLimit: "stop" },
      ] as const) {
        const { body } = family({ budget, children: 2 });
        const { whole, crashed } = await crashEverywhere((context) => withRestateContext(context, body), { mode });
        // Who comes first may differ from one run to the next, and never from one attempt to the next.
        for (const again of crashed) {
          expect(again.outcome.ok).toBe(whole.outcome.ok);
          const steps = again.journal.commands.filter((name) => / model /.test(name) && name.startsWith("run "));
          expect(new Set(steps).size).toBe(steps.length);
          for (const [step, count] of again.executions) expect(count, step).toBeLessThanOrEqual(2);
          const replayed = await runFake((context) => withRestateContext(context, body), {
            journal: again.journal,
            mode,
          });
          expect(replayed.outcome).toEqual(again.outcome);
          expect(replayed.journal.commands).toEqual(again.journal.commands);
        }
      }
    },
  );
});
