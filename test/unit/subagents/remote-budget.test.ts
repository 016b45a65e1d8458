/** An agent that is called over Restate may use no more than what is left of its caller's budgets. */
import { tool, type ToolSet } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { BOUNDS_HEADER, metersOf, readBounds, writeBounds } from "../../../src/agent/budget/budget-bound.ts";
import { BudgetMeter } from "../../../src/agent/budget/budget-meter.ts";
import type { BudgetBound, Budget } from "../../../src/agent/budget/budget.ts";
import { UsageLedger } from "../../../src/agent/usage-ledger.ts";
import {
  agentService,
  agentTool,
  callAgent,
  type Context,
  contextTool,
  remoteAgent,
  RestateAgent,
  withRestateContext,
} from "../../../src/index.ts";
import { type FakeOptions, runFake, scriptedModel } from "../../../src/testing/in-memory.ts";
import type { ScriptedReply } from "../../../src/testing/scripted-reply.ts";
import { handlerOf } from "../agent/continue-as-new-chain.ts";

const MODES = ["bidirectional", "request-response"] as const;
const prices = { scripted: { input: 100_000, output: 100_000 } }; // 15 tokens a call: 1.5
const ask = (...names: string[]) => ({
  toolCalls: names.map((name, n) => ({ id: `${name}-${n}`, name, input: { prompt: `task ${n}` } })),
});

/** What each service was called with: its bounds, in the order of the calls. */
async function boundsOf(tools: ToolSet, script: readonly ScriptedReply[], budget: Budget, options: FakeOptions = {}) {
  const seen = new Map<string, readonly BudgetBound[]>();
  const agent = new RestateAgent({ id: "p", model: scriptedModel(script), tools }, { budget });
  const run = await runFake((context) => {
    const genericCall = (call: { service: string; headers?: Record<string, string> }): unknown => {
      const bounds = readBounds(call.headers?.[BOUNDS_HEADER]);
      // Each attempt says the same.
      expect(bounds).toEqual(seen.get(call.service) ?? bounds);
      seen.set(call.service, bounds);
      return context.genericCall(call as never);
    };
    const spied = Object.assign(Object.create(context) as Context, { genericCall });
    return withRestateContext(spied, async () => (await agent.generate({ prompt: "go" })).text);
  }, options);
  return { seen, limits: [...seen].map(([name, bounds]) => [name, bounds.map(({ limits }) => limits)]), run };
}

const answer = (steps: number) => ({
  "restate-edge-agents.answer": 1,
  output: "done",
  models: [
    {
      provider: "scripted",
      modelId: "scripted",
      steps,
      usage: {
        inputTokens: 10 * steps,
        outputTokens: 5 * steps,
        totalTokens: 15 * steps,
        inputTokenDetails: {},
        outputTokenDetails: {},
      },
    },
  ],
});
const far = (name: string) => agentTool(remoteAgent(name));

describe.each(MODES)("a caller with a budget, %s", (mode) => {
  test("says what is left, shared among the calls of a step; what they leave over is there for the next", async () => {
    const tools = { a: far("A"), b: far("B"), c: far("C") };
    const script = [ask("a", "b"), ask("c"), { text: "done" }];
    const budget: Budget = { steps: 11, cost: 15, prices, totalTokens: 1_000 };
    const calls = () => answer(2);
    const { limits, run, seen } = await boundsOf(tools, script, budget, { mode, calls });
    expect(run.outcome).toEqual({ ok: true, value: "done" });
    expect(limits).toEqual([
      ["A", [{ steps: 5, cost: 6.75, totalTokens: 492 }]],
      ["B", [{ steps: 5, cost: 6.75, totalTokens: 493 }]],
      // Two calls of ours, two of each of theirs.
      ["C", [{ steps: 5, cost: 6, totalTokens: 1_000 - 6 * 15 }]],
    ]);
    expect(seen.get("A")?.[0]).toMatchObject({ what: 'run "p"', prices });
    for (let length = 1; length <= run.journal.events.length; length++) {
      const again = await boundsOf(tools, script, budget, { mode, calls, journal: run.journal.prefix(length) });
      expect(again.run.outcome).toEqual(run.outcome);
      for (const name of ["A", "B"]) expect(again.seen.get(name)).toEqual(seen.get(name));
    }
  });

  test("lends never more than there is, however many are called in one tool", async () => {
    const many = contextTool({
      inputSchema: z.object({ prompt: z.string() }),
      execute: () => Promise.all(["A", "B", "C"].map((name) => callAgent(remoteAgent(name), "x"))),
    });
    const { limits } = await boundsOf(
      { many },
      [ask("many"), { text: "done" }],
      { cost: 9.5, prices },
      { mode, calls: () => answer(1) },
    );
    expect(limits).toEqual([
      ["A", [{ cost: 4 }]],
      ["B", [{ cost: 2 }]],
      ["C", [{ cost: 1 }]],
    ]);
  });

  test("without one it says nothing", async () => {
    const { limits } = await boundsOf({ a: far("A") }, [ask("a"), { text: "done" }], undefined as unknown as Budget, {
      mode,
    });
    expect(limits).toEqual([["A", []]]);
  });
});

describe.each(MODES)("an agent that was called with a bound, %s", (mode) => {
  const look = tool({ inputSchema: z.object({}), execute: () => "nothing" });
  const called = (limits: BudgetBound["limits"], budget?: Budget) => {
    const bound: BudgetBound = { what: 'run "p"', limits, prices };
    const agent = new RestateAgent(
      {
        id: "far",
        model: scriptedModel((_, turn) =>
          turn < 6 ? { toolCalls: [{ id: `c${turn}`, name: "look", input: {} }] } : { text: "done" },
        ),
        tools: { look },
      },
      budget === undefined ? {} : { budget },
    );
    return runFake(
      (context) => {
        const request = { ...context.request(), headers: new Map([[BOUNDS_HEADER, writeBounds([bound])]]) };
        const own = Object.assign(Object.create(context) as Context, { request: () => request });
        return handlerOf(agentService("Far", agent), "run")(own, "go");
      },
      { mode },
    );
  };
  const models = (commands: readonly string[]) => commands.filter((name) => name.includes(" model ")).length;

  test("fails at it, or stops as its own budget says; the lower bound wins", async () => {
    const failed = await called({ steps: 3 });
    expect(failed.outcome).toMatchObject({ ok: false, error: { errorCode: "budget-exceeded" } });
    expect(failed.outcome.ok || String(failed.outcome.error)).toContain('run "p"');
    expect(models(failed.journal.commands)).toBe(3);
    const stopped = await called({ cost: 4 }, { atLimit: "stop", steps: 50, notice: "No more." });
    expect(stopped.outcome).toEqual({ ok: true, value: "No more." });
    expect(models(stopped.journal.commands)).toBe(3 + 1); // The notice is one, and asks no provider.
    const own = await called({ steps: 5 }, { steps: 2 });
    expect(models(own.journal.commands)).toBe(2);
    expect((await called({ steps: 7 })).outcome).toEqual({ ok: true, value: "done" });
  });

  test("calls no model when nothing is left", async () => {
    const { outcome, journal } = await called({ steps: 0 });
    expect(outcome).toMatchObject({ ok: false, error: { errorCode: "budget-exceeded" } });
    expect(models(journal.commands)).toBe(0);
  });
});

test("however many are around, their bounds hold, and are named no longer each time", () => {
  const around = (depth: number): readonly BudgetBound[] => {
    const own = { what: `run "r${depth}"`, limits: { steps: 40 - depth } };
    if (depth === 0) return [own];
    const meters = metersOf(readBounds(writeBounds(around(depth - 1))), { models: [] });
    return [own, ...meters.map((meter) => meter.lend(1).bound)];
  };
  const bounds = readBounds(writeBounds(around(30)));
  expect(bounds).toHaveLength(31);
  expect(bounds.at(-1)).toEqual({ what: 'its caller, run "r0"', limits: { steps: 40 } });
});

test("a header that nobody can read bounds nothing", () => {
  for (const wrong of [
    undefined,
    "",
    "x",
    "%",
    encodeURIComponent('[{"what":1}]'),
    encodeURIComponent('[{"what":"a","limits":{"steps":-1}}]'),
  ])
    expect(readBounds(wrong)).toEqual([]);
});

test("of time that is used up none is left, and the other bounds are told all the same", () => {
  const state = { startedMs: 5, spent: { durationMs: 2_000 } };
  const meter = new BudgetMeter("run", { steps: 4, durationMs: 1_000 }, new UsageLedger(), state);
  expect(readBounds(writeBounds([meter.lend(1).bound]))).toMatchObject([{ limits: { steps: 4, durationMs: 0 } }]);
});
