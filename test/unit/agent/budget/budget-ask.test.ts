/** People decide how much more a run may use. The approval object is a stand-in: what it answers is scripted. */
import { isLoopFinished, tool } from "ai";
import { describe, expect, test } from "vitest";
import { amountOf } from "../../../../src/agent/budget/budget-words.ts";
import { z } from "zod";
import {
  type Budget,
  budgetReport,
  type Context,
  contextTool,
  RestateAgent,
  withRestateContext,
} from "../../../../src/index.ts";
import {
  crashEverywhere,
  type FakeOptions,
  type ModelScript,
  runFake,
  scriptedModel,
} from "../../../../src/testing/in-memory.ts";
import { FAKE_PENDING } from "../../../../src/testing/fake-context.ts";

const work = tool({ inputSchema: z.object({ n: z.number() }), execute: async ({ n }) => `worked ${n}` });
const endless = (_: unknown, turn: number) => ({ toolCalls: [{ id: `w${turn}`, name: "work", input: { n: turn } }] });
const approvals = { object: { name: "Approvals" } };

/** Answers the questions one after the other; the last answer repeats. */
function answers(...said: readonly (string | boolean)[]) {
  const byId = new Map<string, unknown>();
  return (name: string): unknown => {
    const answer = said[Math.min(byId.size, said.length - 1)];
    const decision =
      answer === false
        ? { state: "denied", approved: false, reason: "enough" }
        : { state: "approved", approved: true, ...(typeof answer === "string" ? { reason: answer } : {}) };
    if (!byId.has(name)) byId.set(name, decision);
    return byId.get(name);
  };
}

/** The fake's clock stands still; steps know the real time. */
function realTime(context: Context): Context {
  return Object.assign(Object.create(context) as Context, {
    date: { now: () => context.run("date", () => Date.now()) },
  });
}

function worker(budget: Budget, given: FakeOptions = {}, script: ModelScript = endless) {
  const model = scriptedModel(script);
  const agent = new RestateAgent(
    { id: "worker", model, tools: { work }, stopWhen: isLoopFinished() },
    { budget: { atLimit: "ask", ...budget }, approvals },
  );
  const asked: unknown[] = [];
  const options: FakeOptions = {
    ...given,
    calls: (target, input) => {
      if (target.endsWith("/open")) asked.push(input);
      return given.calls?.(target, input) ?? {};
    },
  };
  const body = async () => {
    const result = await agent.generate({ prompt: "go" });
    return { text: result.text, report: budgetReport(result) };
  };
  return {
    model,
    asked,
    body,
    options,
    run: () => runFake((context) => withRestateContext(realTime(context), body), options),
  };
}

describe("a budget that asks", () => {
  test("goes on with as much again, or so much more, until somebody denies", async () => {
    const { run, model, asked } = worker({ steps: 2 }, { signals: answers(true, "3 more", false) });
    expect((await run()).outcome).toMatchObject({
      ok: true,
      value: {
        text: 'Stopped: the budget of run "worker" is used up, 7 of 7 model calls.',
        report: { spent: { steps: 7 }, exceeded: { limit: "steps", allowed: 7 } },
      },
    });
    expect(model.calls).toHaveLength(7);
    expect(asked).toMatchObject([
      {
        kind: "approval",
        agent: "worker",
        tool: "budget",
        toolCallId: "budget-1",
        input: { limit: "steps", allowed: 2, spent: { steps: 2, totalTokens: 30 } },
        reason: expect.stringContaining("2 of 2 model calls") as string,
      },
      { toolCallId: "budget-2", input: { allowed: 4 } },
      { toolCallId: "budget-3", input: { allowed: 7 } },
    ]);
  });

  test("takes nobody's answer for a denial", async () => {
    const { run, model } = worker(
      { steps: 2, askTimeout: 1_000 },
      {
        signals: () => FAKE_PENDING,
        calls: (target) => (target.endsWith("/expire") ? { state: "expired", approved: false } : {}),
      },
    );
    expect((await run()).outcome).toMatchObject({ ok: true, value: { report: { spent: { steps: 2 } } } });
    expect(model.calls).toHaveLength(2);
  });

  test("asks once, wherever the process dies", async () => {
    const { body, options } = worker({ steps: 2 });
    const { whole, crashed } = await crashEverywhere((context) => withRestateContext(context, body), {
      ...options,
      mode: "request-response",
      signals: (name) => ({ state: "x", approved: name === "awakeable-1" }),
    });
    expect(whole.outcome).toMatchObject({ ok: true, value: { report: { spent: { steps: 4 } } } });
    expect(whole.journal.commands.filter((name) => name.endsWith("/open"))).toHaveLength(2);
    for (const again of crashed) {
      expect(again.outcome).toEqual(whole.outcome);
      expect(again.journal.commands).toEqual(whole.journal.commands);
    }
  });

  test("asks about time by the journal's clock, and counts what is allowed from the answer on", async () => {
    const slow = (_: unknown, turn: number) => ({ ...endless(_, turn), delayMs: 20 });
    const { run, asked } = worker({ durationMs: 30 }, { signals: answers("60 ms", false) }, slow);
    const { outcome } = await run();
    expect(outcome).toMatchObject({ ok: true, value: { report: { exceeded: { limit: "durationMs" } } } });
    expect(asked).toMatchObject([{ input: { limit: "durationMs", allowed: 30 } }, { toolCallId: "budget-2" }]);
    const [first, second] = asked as { input: { allowed: number; spent: { durationMs: number } } }[];
    expect(first?.input.spent.durationMs).toBeGreaterThanOrEqual(30);
    expect(second?.input.allowed).toBeGreaterThanOrEqual((first?.input.spent.durationMs ?? 0) + 60);
  });

  test("fails at once when there is nobody to ask", async () => {
    const model = scriptedModel(endless);
    const agent = new RestateAgent({ id: "worker", model, tools: { work } }, { budget: { steps: 2, atLimit: "ask" } });
    const { outcome } = await runFake((context) => withRestateContext(context, () => agent.generate({ prompt: "go" })));
    expect(outcome).toMatchObject({ ok: false, error: { errorCode: "approvals-missing" } });
    expect(model.calls).toHaveLength(0);
  });

  test("asks one question for all agents that reach it at the same time", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const childModel = scriptedModel(endless);
      const child = new RestateAgent({ id: "child", model: childModel, tools: { work }, stopWhen: isLoopFinished() });
      const ask = contextTool({
        inputSchema: z.object({}),
        execute: async () => (await child.generate({ prompt: "go" })).text,
      });
      const toolCalls = [1, 2, 3].map((n) => ({ id: `c${n}`, name: "ask", input: {} }));
      const model = scriptedModel([{ toolCalls }, { text: "done" }]);
      const parent = new RestateAgent(
        { id: "parent", model, tools: { ask } },
        { approvals, budget: { steps: 6, atLimit: "ask" } },
      );
      const opened: unknown[] = [];
      const { outcome } = await runFake(
        (context) => withRestateContext(context, async () => budgetReport(await parent.generate({ prompt: "go" }))),
        {
          seed,
          mode: "request-response",
          calls: (target, input) => {
            if (target.endsWith("/open")) opened.push((input as { id: string }).id);
            return {};
          },
          signals: answers("4", false),
        },
      );
      expect(outcome).toMatchObject({ ok: true, value: { spent: { steps: 10 }, exceeded: { allowed: 10 } } });
      expect(new Set(opened).size).toBe(2);
      expect(childModel.calls.length + model.calls.length).toBe(10);
    }
  });
});

test.each([
  ["steps", "3 more", 3],
  ["cost", "0.5", 0.5],
  ["cost", "$ 2.50", 2.5],
  ["steps", "yes", undefined],
  ["steps", "0", undefined],
  ["steps", "3 or 4", undefined],
  ["durationMs", "2500", 2_500],
  ["durationMs", "2500 ms", 2_500],
  ["durationMs", "30 s", 30_000],
  ["durationMs", "another 10 minutes", 600_000],
  ["durationMs", "1.5 hours", 5_400_000],
  ["durationMs", "2 days, please", 172_800_000],
] as const)("of %s the answer %j allows %s more", (limit, answer, amount) => {
  expect(amountOf(limit, answer)).toBe(amount);
});
