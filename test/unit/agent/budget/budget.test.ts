/** Budgets of runs on the in-memory fake: each bound, each way to end at it, and every way to die. */
import { APICallError } from "@ai-sdk/provider";
import { isLoopFinished, Output, tool } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  type Budget,
  BudgetExceededError,
  budgetReport,
  DefinitionError,
  fallbackModel,
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

const fail = (error: Error): never => {
  throw error;
};
const work = tool({ inputSchema: z.object({ n: z.number() }), execute: async ({ n }) => `worked ${n}` });
const callOf = (n: number) => ({ id: `w${n}`, name: "work", input: { n } });

/** Works for ever: 10 tokens in, 5 out each time. */
const endless: ModelScript = (_, turn) => ({ toolCalls: [callOf(turn + 1)] });
const working =
  (steps: number): ModelScript =>
  (_, turn) =>
    turn >= steps ? { text: "done" } : { toolCalls: [callOf(turn + 1)] };

function worker(budget: Budget | undefined, script: ModelScript = endless, settings: object = {}) {
  const model = scriptedModel(script);
  const all = { id: "worker", model, tools: { work }, stopWhen: isLoopFinished(), ...settings };
  const agent = new RestateAgent(all, budget === undefined ? {} : { budget });
  const run = async (forCall?: Budget) => {
    const result = await agent.generate({ prompt: "go", budget: forCall });
    const { text, finishReason, rawFinishReason, steps, response } = result;
    const last = response.messages.at(-1);
    return { text, finishReason, rawFinishReason, steps: steps.length, last, report: budgetReport(result) };
  };
  const fake = (options: FakeOptions = {}, forCall?: Budget) =>
    runFake((context) => withRestateContext(context, () => run(forCall)), options);
  return { model, agent, run, fake };
}

const MODES = ["bidirectional", "request-response"] as const;

describe("a run at its bound", () => {
  test("fails, with what was spent, and calls the model no more", async () => {
    const { fake, model } = worker({ steps: 3 });
    const { outcome, journal } = await fake();
    expect(outcome.ok).toBe(false);
    const error = outcome.ok ? undefined : outcome.error;
    expect(BudgetExceededError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({
      errorCode: "budget-exceeded",
      code: 402,
      what: 'run "worker"',
      limit: "steps",
      allowed: 3,
      spent: { steps: 3, inputTokens: 30, outputTokens: 15, totalTokens: 45 },
    });
    expect(model.calls).toHaveLength(3);
    // The tools of the last step have run.
    expect(journal.commands.at(-1)).toBe("run worker tool work w3");
  });

  test("stops with a last answer that says so; no call is left without its result", async () => {
    const { fake, model } = worker({ steps: 2, atLimit: "stop" });
    const { outcome, journal } = await fake();
    expect(outcome).toMatchObject({
      ok: true,
      value: {
        text: 'Stopped: the budget of run "worker" is used up, 2 of 2 model calls.',
        finishReason: "other",
        rawFinishReason: "budget-exceeded",
        steps: 3,
        last: { role: "assistant" },
        report: { spent: { steps: 2, totalTokens: 30 }, exceeded: { limit: "steps", allowed: 2 } },
      },
    });
    expect(model.calls).toHaveLength(2);
    expect(journal.commands).toEqual([
      "run worker model 1",
      "run worker tool work w1",
      "run worker model 2",
      "run worker tool work w2",
      "run worker model 3",
    ]);
  });

  test("says what its author wants said, or nothing", async () => {
    const notice = worker({ steps: 1, atLimit: "stop", notice: ({ limit, allowed }) => `Enough: ${allowed} ${limit}` });
    expect((await notice.fake()).outcome).toMatchObject({ value: { text: "Enough: 1 steps" } });
    const silent = worker({ steps: 1, atLimit: "stop", notice: "" });
    expect((await silent.fake()).outcome).toMatchObject({ value: { text: "", rawFinishReason: "budget-exceeded" } });
  });

  test("is not reached by a run that needs no more", async () => {
    const { fake } = worker({ steps: 4, totalTokens: 60 }, working(3));
    expect((await fake()).outcome).toMatchObject({
      value: {
        text: "done",
        finishReason: "stop",
        report: { spent: { steps: 4, totalTokens: 60 }, exceeded: undefined },
      },
    });
  });

  test.each([
    [{ inputTokens: 25 }, 3],
    [{ outputTokens: 10 }, 2],
    [{ totalTokens: 31 }, 3],
    [{ cost: 0.00004, prices: { scripted: { input: 1, output: 2 } } }, 2],
    [{ cost: 0.00004, prices: { "scripted/scripted": { input: 1, output: 2 }, scripted: { input: 0, output: 0 } } }, 2],
  ] as const)("%j allows %i calls: what the last one uses is known when it has ended", async (budget, calls) => {
    const { fake, model } = worker(budget);
    const { outcome } = await fake();
    expect(outcome).toMatchObject({
      ok: false,
      error: { errorCode: "budget-exceeded", limit: Object.keys(budget)[0] },
    });
    expect(model.calls).toHaveLength(calls);
  });

  test.each(MODES)("is the same wherever the process dies, %s", async (mode) => {
    for (const atLimit of ["stop", "fail"] as const) {
      const { run } = worker({ steps: 3, totalTokens: 1_000, atLimit });
      const { whole, crashed } = await crashEverywhere((context) => withRestateContext(context, () => run()), { mode });
      for (const again of crashed) {
        expect(again.outcome).toEqual(whole.outcome);
        expect(again.journal.commands).toEqual(whole.journal.commands);
        for (const [step, count] of again.executions) expect(count, step).toBeLessThanOrEqual(2);
      }
    }
  });

  test("of one call alone comes before that of the agent, whose prices hold", async () => {
    const { fake, model } = worker({ steps: 9, prices: { scripted: { input: 1, output: 1 } } });
    expect((await fake({}, { steps: 2, cost: 1 })).outcome).toMatchObject({ error: { limit: "steps", allowed: 2 } });
    expect(model.calls).toHaveLength(2);
    const wrong = await fake({}, { steps: 0 });
    expect(wrong.outcome).toMatchObject({ error: { errorCode: "invalid-definition" } });
  });

  test("ends a stream too: with an error, or with the last answer in it", async () => {
    const read = (budget: Budget) => async () => {
      const result = await worker(budget).agent.stream({ prompt: "go" });
      let text = "";
      for await (const part of result.textStream) text += part;
      return { text, reason: await result.finishReason, exceeded: budgetReport(result)?.exceeded?.limit };
    };
    const stopped = await runFake((context) => withRestateContext(context, read({ steps: 2, atLimit: "stop" })));
    expect(stopped.outcome).toMatchObject({
      value: { text: expect.stringContaining("2 of 2 model calls") as string, reason: "other", exceeded: "steps" },
    });
    const failed = await runFake((context) => withRestateContext(context, read({ steps: 2 })));
    expect(failed.outcome).toMatchObject({ ok: false, error: { errorCode: "budget-exceeded" } });
  });

  test("fails a run with a structured output, which has nothing to stop with", async () => {
    const output = Output.object({ schema: z.object({ answer: z.string() }) });
    const { fake } = worker({ steps: 1, atLimit: "stop" }, endless, { output });
    expect((await fake()).outcome).toMatchObject({ ok: false, error: { errorCode: "budget-exceeded" } });
  });
});

describe("the output of one call", () => {
  test("is asked for no more than is left, and not at all when that is too little", async () => {
    const { fake, model } = worker({ outputTokens: 40, maxOutputTokensPerCall: 32, atLimit: "stop" });
    expect((await fake()).outcome).toMatchObject({ value: { report: { spent: { outputTokens: 25 } } } });
    // 5 tokens each: 40, 35, 30, 25, 20 are left; 15 are fewer than providers take.
    expect(model.calls.map(({ maxOutputTokens }) => maxOutputTokens)).toEqual([32, 32, 30, 25, 20]);
  });

  test("is bounded by money as well, and by the agent's own setting", async () => {
    const prices = { scripted: { input: 0, output: 1_000_000 } };
    const { fake, model } = worker({ cost: 50, prices, maxOutputTokensPerCall: 1_000, atLimit: "stop" }, working(2));
    await fake();
    expect(model.calls.map(({ maxOutputTokens }) => maxOutputTokens)).toEqual([50, 45, 40]);
    const own = worker({ steps: 9, maxOutputTokensPerCall: 1_000 }, working(0), { maxOutputTokens: 20 });
    await own.fake();
    expect(own.model.calls[0]?.maxOutputTokens).toBe(20);
  });
});

test.each([NaN, -1_000, Infinity])(
  "a provider that reports %s tokens has reported none: other bounds hold",
  async (odd) => {
    const script: ModelScript = (_, turn) => ({
      toolCalls: [callOf(turn + 1)],
      ...(turn === 0 ? { usage: { inputTokens: odd, outputTokens: odd } } : {}),
    });
    const { fake } = worker({ totalTokens: 40, atLimit: "stop" }, script);
    expect((await fake()).outcome).toMatchObject({
      ok: true,
      value: { report: { spent: { steps: 4, totalTokens: 45 } } },
    });
  },
);

describe("money", () => {
  test("of a model without a price is an error before the model is called", async () => {
    const { fake, model } = worker({ cost: 1, prices: { other: { input: 1, output: 1 } } });
    const { outcome } = await fake();
    expect(outcome).toMatchObject({ ok: false, error: { errorCode: "invalid-definition" } });
    expect(String(outcome.ok ? "" : outcome.error)).toContain(
      'add it to budget.prices, as "scripted" or "scripted/scripted"',
    );
    expect(model.calls).toHaveLength(0);
  });

  test("is that of the model which has answered, when another one was asked first", async () => {
    const down = new APICallError({ message: "down", url: "https://a.test", requestBodyValues: {}, statusCode: 503 });
    const first = { ...scriptedModel(() => fail(down)), modelId: "dear" };
    const model = fallbackModel([first, scriptedModel([{ text: "done" }])]);
    const prices = { dear: { input: 1_000, output: 1_000 }, scripted: { input: 100_000, output: 200_000 } };
    const agent = new RestateAgent({ id: "a", model }, { budget: { cost: 100, prices } });
    const { outcome } = await runFake((context) =>
      withRestateContext(context, async () => budgetReport(await agent.generate({ prompt: "go" }))?.spent.cost),
    );
    expect(outcome).toEqual({ ok: true, value: 2 });
  });

  test("of every model that may answer must be known before the first one is asked", async () => {
    const first = { ...scriptedModel([{ text: "done" }]), modelId: "cheap" };
    const model = fallbackModel([first, fallbackModel([first, { ...scriptedModel([]), modelId: "dear" }])]);
    const agent = new RestateAgent(
      { id: "a", model },
      { budget: { cost: 1, prices: { cheap: { input: 1, output: 1 } } } },
    );
    const { outcome } = await runFake((context) =>
      withRestateContext(context, async () => (await agent.generate({ prompt: "go" })).text),
    );
    expect(String(outcome.ok || outcome.error)).toContain('what the model "dear"');
    expect(first.calls).toHaveLength(0);
  });

  test("of the dearest model that may answer bounds what a call may bring", async () => {
    const down = new APICallError({ message: "down", url: "https://a.test", requestBodyValues: {}, statusCode: 503 });
    const first = { ...scriptedModel(() => fail(down)), modelId: "cheap" };
    const second = { ...scriptedModel([{ text: "done" }]), modelId: "dear" };
    const prices = { cheap: { input: 0, output: 1 }, dear: { input: 0, output: 100 } };
    const budget = { cost: 1, prices, maxOutputTokensPerCall: 1_000_000 };
    const agent = new RestateAgent({ id: "a", model: fallbackModel([first, second]) }, { budget });
    const { outcome } = await runFake((context) =>
      withRestateContext(context, async () => (await agent.generate({ prompt: "go" })).text),
    );
    expect(outcome).toEqual({ ok: true, value: "done" });
    expect([first, second].map(({ calls }) => calls[0]?.maxOutputTokens)).toEqual([10_000, 10_000]);
  });

  test("counts what the provider had in its cache at its own price", async () => {
    const plain = scriptedModel([{ text: "done" }]);
    const usage = {
      inputTokens: { total: 1_000_000, noCache: 300_000, cacheRead: 600_000, cacheWrite: 100_000 },
      outputTokens: { total: 500_000, text: 500_000, reasoning: undefined },
    };
    const model = {
      ...plain,
      doGenerate: async (...p: Parameters<typeof plain.doGenerate>) => ({ ...(await plain.doGenerate(...p)), usage }),
    };
    const prices = { scripted: { input: 10, cachedInput: 1, cacheWrite: 12, output: 30 } };
    const agent = new RestateAgent({ id: "a", model }, { budget: { cost: 100, prices } });
    const { outcome } = await runFake((context) =>
      withRestateContext(context, async () => budgetReport(await agent.generate({ prompt: "go" }))?.spent.cost),
    );
    expect(outcome).toEqual({ ok: true, value: 3 + 0.6 + 1.2 + 15 });
  });
});

describe("time", () => {
  const slow: ModelScript = (_, turn) => ({ toolCalls: [callOf(turn + 1)], delayMs: 40 });

  test.each(["stop", "fail"] as const)("is looked at inside the step of a call: %s", async (atLimit) => {
    const { fake, model, run } = worker({ durationMs: 100, atLimit }, slow);
    const { outcome, journal } = await fake();
    if (atLimit === "fail")
      expect(outcome).toMatchObject({ error: { errorCode: "budget-exceeded", limit: "durationMs" } });
    else
      expect(outcome).toMatchObject({
        value: { rawFinishReason: "budget-exceeded", report: { exceeded: { limit: "durationMs" } } },
      });
    const calls = model.calls.length;
    expect(calls).toBeGreaterThan(0);
    expect(calls).toBeLessThanOrEqual(3);
    expect(journal.commands.at(-1)).toBe(`run worker model ${calls + 1}`);
    // Much later, from every prefix of the journal: what was decided stays.
    const again = await runFake((context) => withRestateContext(context, () => run()), { journal });
    expect(again.outcome).toEqual(outcome);
    expect(again.journal.commands).toEqual(journal.commands);
    expect(model.calls).toHaveLength(calls);
  });
});

describe("a budget is refused when it is defined", () => {
  test.each([
    [{ steps: 0 }, "budget.steps must be a positive integer: current value is 0"],
    [{ totalTokens: 1.5 }, "budget.totalTokens must be a positive integer"],
    [{ cost: 1 }, "budget.cost needs budget.prices"],
    [{ cost: Number.NaN, prices: {} }, "budget.cost must be a positive number"],
    [{ prices: { m: { input: -1, output: 1 } } }, 'budget.prices["m"].input must be a number of at least 0'],
    [{ prices: { m: { input: 1 } } }, 'budget.prices["m"] has no output'],
    [{ atLimit: "explode" }, 'budget.atLimit must be "stop", "fail" or "ask"'],
  ])("%j", (budget, problem) => {
    expect(() => worker(budget as Budget)).toThrow(DefinitionError);
    expect(() => worker(budget as Budget)).toThrow(problem);
  });
});
