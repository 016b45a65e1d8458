import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { call, LabStack, RUNTIMES } from "./lab-stack.ts";

describe.each(RUNTIMES)("an agent on %s", (runtime) => {
  let lab: LabStack;
  beforeAll(async () => {
    lab = await LabStack.start(runtime);
  }, 60_000);
  afterAll(() => lab.stop());
  beforeEach(() => lab.reset());

  describe("steps", () => {
    test("have these names, in this order", async () => {
      lab.turns({ toolCalls: [call("plain", "a"), call("threeSteps", "b")] }, { text: "done" });
      const { body, steps } = await lab.run("generate", "go");
      expect(body).toMatchObject({ text: "done", steps: 2, finishReason: "stop" });
      expect(steps.slice(0, 3)).toEqual(["lab model 1", "lab tool plain call_a", "one call_b".replace("call_", "")]);
      expect(steps).toEqual(["lab model 1", "lab tool plain call_a", "one b", "two b", "three b", "lab model 2"]);
    });

    test("of a second run and a nested agent have names of their own", async () => {
      lab.script = (request) => {
        const text = JSON.stringify(request.body["input"]);
        if (text.includes("You are inner.")) return { text: "inner says hi" };
        return text.includes("function_call_output") ? { text: "outer done" } : { toolCalls: [call("nested", "n")] };
      };
      const { body, steps } = await lab.run("twoRuns", "go");
      expect(body).toEqual(["outer done", "outer done"]);
      expect([...steps].sort()).toEqual(
        ["inner model 1", "inner:2 model 1", "lab model 1", "lab model 2", "lab:2 model 1", "lab:2 model 2"].sort(),
      );
    });

    test("store no request and no response body", async () => {
      lab.turns({ text: "short" });
      const { id } = await lab.run("generate", "a prompt that must not be stored ".repeat(50));
      const [row] = await lab.restate.query<{ bytes: number }>(
        `SELECT max(raw_length) AS bytes FROM sys_journal WHERE id = '${id}' AND entry_type = 'Notification: Run'`,
      );
      expect(row?.bytes).toBeLessThan(700);
    });
  });

  describe("concurrency", () => {
    const eight = Array.from({ length: 8 }, (_, n) => n);

    test("8 plain tools of 200 ms overlap", async () => {
      lab.effectMs = 200;
      lab.turns({ toolCalls: eight.map((n) => call("plain", `p${n}`)) }, { text: "done" });
      const started = performance.now();
      expect((await lab.run("generate", "go")).body).toMatchObject({ text: "done", toolCalls: 8 });
      console.log(`${runtime}: 8 plain tools of 200 ms took ${Math.round(performance.now() - started)} ms`);
      expect(lab.effects.highWater).toBeGreaterThanOrEqual(runtime === "workerd" ? 6 : 8);
      expect([...lab.effects.counts().values()]).toEqual(eight.map(() => 1));
    });

    test("8 context tools of 3 steps of 200 ms overlap", async () => {
      lab.effectMs = 200;
      lab.turns({ toolCalls: eight.map((n) => call("threeSteps", `t${n}`)) }, { text: "done" });
      const started = performance.now();
      expect((await lab.run("generate", "go")).body).toMatchObject({ text: "done", toolCalls: 8 });
      console.log(`${runtime}: 8 context tools of 3 × 200 ms took ${Math.round(performance.now() - started)} ms`);
      expect(lab.effects.highWater).toBeGreaterThanOrEqual(runtime === "workerd" ? 6 : 8);
      expect(lab.effects.counts().size).toBe(24);
      expect(Math.max(...lab.effects.counts().values())).toBe(1);
    });

    test("RestatePromise.all runs its steps side by side", async () => {
      lab.effectMs = 100;
      expect((await lab.run("parallelRuns", 5)).body).toEqual(eight.slice(0, 5).map((n) => `slow ${n}`));
      expect(lab.effects.highWater).toBe(5);
    });
  });

  describe("streaming", () => {
    test("gives the caller the journaled parts", async () => {
      lab.turns({ reasoning: "let me think", toolCalls: [call("plain", "a")] }, { text: "one two three" });
      const { body } = await lab.run("stream", "go");
      const { text, types } = body as { text: string; types: string[] };
      expect(text).toBe("one two three");
      expect(types[0]).toBe("start");
      expect(types.at(-1)).toBe("finish");
      expect(types).toContain("reasoning-delta");
      expect(types).toContain("tool-result");
    });

    test("sends live parts, and a reset when a stream broke off", async () => {
      lab.script = (_, n) => (n === 0 ? { text: "this breaks off early", cutAfter: 4 } : { text: "whole answer" });
      const { body } = await lab.run("live", "go");
      expect(lab.openai.requests.length).toBe(2);
      const types = (body as { type: string; part?: { type: string } }[]).map(({ type, part }) => part?.type ?? type);
      expect(types.filter((type) => type === "reset").length).toBe(2);
      expect(types.at(-1)).toBe("end");
    });
  });

  describe("cancelling", () => {
    const cases = [
      { where: "in a sleep", tools: [call("sleepLong", "s")], asleep: 1, effects: [] },
      {
        where: "in one of several parallel tools",
        tools: [call("sleepLong", "s"), call("plain", "p"), call("sleepLong", "t")],
        asleep: 2,
        effects: ["plain p"],
      },
      { where: "in a tool that swallows it", tools: [call("swallow", "w")], asleep: 1, effects: ["cleanup w"] },
      { where: "in a nested agent", tools: [call("nested", "n")], asleep: 1, effects: [] },
    ];

    const isPlain = ({ name }: { readonly name: string }): boolean => name === "plain";

    test.each(cases)("$where ends the run", async ({ tools, asleep, effects }) => {
      lab.script = (request) => {
        const text = JSON.stringify(request.body["input"]);
        if (text.includes("You are inner.")) return { toolCalls: [call("sleepLong", "inner")] };
        return text.includes("function_call_output") ? { text: "talked over it" } : { toolCalls: tools };
      };
      for (const handler of ["generate", "stream", "streamText"]) {
        lab.reset();
        const id = await lab.restate.send(`Lab/${handler}`, "go");
        // Every tool is where it stays: in a sleep, or done.
        await waitFor(async () => {
          const sleeps = (await lab.restate.journal(id)).filter(({ entry_type }) => entry_type === "Command: Sleep");
          return sleeps.length === asleep && lab.effects.count("plain") === tools.filter(isPlain).length;
        }, 30_000);
        await lab.restate.cancel(id);
        const { status, body } = await lab.restate.attach(id, 15_000);
        expect({ handler, status, body }).toMatchObject({ handler, status: 409 });
        expect([...lab.effects.counts().keys()].sort()).toEqual(effects);
      }
    });

    test("in a model call ends the run, and on Deno aborts the request", async () => {
      lab.script = () => ({ text: "too late", delayMs: runtime === "deno" ? 20_000 : 1_500 });
      const id = await lab.restate.send("Lab/generate", "go");
      await waitFor(() => lab.openai.requests.length === 1);
      await lab.restate.cancel(id);
      const { status } = await lab.restate.attach(id, 15_000);
      expect(status).toBe(409);
      await waitFor(() => runtime === "workerd" || lab.openai.requests[0]?.aborted === true);
      expect(lab.openai.requests.length).toBe(1);
    });
  });

  describe("failures of a tool", () => {
    test("a TerminalError goes to the model", async () => {
      lab.turns({ toolCalls: [call("terminal", "x")] }, { text: "I see" });
      expect((await lab.run("generate", "go")).body).toMatchObject({ text: "I see" });
      expect(JSON.stringify(lab.openai.requests[1]?.body)).toContain("no x here");
    });

    test('with toolErrors "fail" it ends the run', async () => {
      lab.turns({ toolCalls: [call("terminal", "x"), call("sleepLong", "s")] }, { text: "talked over it" });
      expect(await lab.run("fail", "go")).toMatchObject({ status: 404, body: { message: "no x here" } });
    });

    test("a result that cannot be stored names the tool and is not tried again", async () => {
      lab.turns({ toolCalls: [call("unserializable", "u")] }, { text: "I see" });
      expect((await lab.run("generate", "go")).body).toMatchObject({ text: "I see" });
      expect(JSON.stringify(lab.openai.requests[1]?.body)).toContain("lab tool unserializable call_u");
    });

    test("an unexpected exception is retried, never told to the model, and then pauses", async () => {
      lab.turns({ toolCalls: [call("brokenContext", "b"), call("sleepLong", "s")] }, { text: "talked over it" });
      const id = await lab.restate.send("Lab/generate", "go");
      await waitFor(async () => (await lab.restate.status(id)) === "paused", 15_000);
      expect(lab.effects.count("tried")).toBe(5);
      expect(lab.openai.requests.length).toBe(1);
      await lab.restate.cancel(id);
    });

    test("a tool that takes too long is a tool error", async () => {
      lab.effectMs = 400;
      lab.turns({ toolCalls: [call("plain", "slow"), call("sleepLong", "s")] }, { text: "I see" });
      expect((await lab.run("toolTimeout", "go")).body).toBe("I see");
      expect(JSON.stringify(lab.openai.requests[1]?.body)).toContain("did not answer within 100 ms");
    });
  });

  describe("failures of the provider", () => {
    test.each([400, 401, 403, 404, 422])("%i is terminal at once", async (status) => {
      lab.script = () => ({ error: { status, message: `refused with ${status}` } });
      const result = await lab.run("generate", "go");
      expect(result.status).toBe(500);
      expect(result.body).toMatchObject({
        message: `Model call failed: openai.responses gpt-test answered ${status}: refused with ${status}`,
      });
      expect(lab.openai.requests.length).toBe(1);
    });

    test.each([408, 409, 425, 429, 500, 502, 503])(
      "%i is retried by Restate and never reaches the caller",
      async (status) => {
        lab.script = (_, n) => (n < 2 ? { error: { status } } : { text: "at last" });
        expect((await lab.run("generate", "go")).body).toMatchObject({ text: "at last" });
        expect(lab.openai.requests.length).toBe(3);
      },
    );

    test.each([
      ["a connection that is cut", { cutAfter: 0 }],
      ["an answer that does not parse", { malformed: true }],
    ])("%s is retried", async (_, failure) => {
      lab.script = (__, n) => (n === 0 ? failure : { text: "at last" });
      expect((await lab.run("generate", "go")).body).toMatchObject({ text: "at last" });
      expect(lab.openai.requests.length).toBe(2);
    });

    test("retry-after is waited for", async () => {
      const at: number[] = [];
      lab.script = (_, n) => {
        at.push(performance.now());
        return n === 0 ? { error: { status: 429, headers: { "retry-after": "1" } } } : { text: "at last" };
      };
      expect((await lab.run("generate", "go")).body).toMatchObject({ text: "at last" });
      expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(1_000);
    });

    test("a provider that stays down, retry-after or not, pauses the invocation; resumed, it ends", async () => {
      lab.script = () => ({ error: { status: 429, headers: { "retry-after-ms": "10" } } });
      const id = await lab.restate.send("Lab/generate", "go");
      await waitFor(async () => (await lab.restate.status(id)) === "paused", 15_000);
      expect(lab.openai.requests.length).toBe(5);
      lab.turns({ text: "back again" });
      await lab.restate.resume(id);
      expect((await lab.restate.attach(id, 15_000)).body).toMatchObject({ text: "back again" });
    });

    test("a failed run looks the same after a replay", async () => {
      lab.script = () => ({ error: { status: 401, message: "no such key" } });
      expect((await lab.run("caught", "go")).body).toEqual({
        name: "ModelCallError",
        errorCode: "model-call-failed",
        provider: "openai.responses",
        modelId: "gpt-test",
        statusCode: 401,
        causeIsApiCallError: true,
        terminal: true,
      });
      expect(lab.openai.requests.length).toBe(1);
    });

    test("a stream that the provider refuses fails", async () => {
      lab.script = () => ({ error: { status: 401, message: "no such key" } });
      for (const handler of ["stream", "streamText"]) {
        expect((await lab.run(handler, "go")).body).toMatchObject({
          message: expect.stringContaining("401") as string,
        });
      }
    });
  });

  describe("everything else of ToolLoopAgent", () => {
    test("bytes, dates and URLs of a tool survive the journal", async () => {
      lab.turns({ toolCalls: [call("binary", "b")] }, { text: "done" });
      await lab.run("generate", "go");
      expect(JSON.stringify(lab.openai.requests[1]?.body)).toContain("true 1970-01-02T00:00:00.000Z b.test");
    });

    test("an async-generator tool answers with its last output", async () => {
      lab.turns({ toolCalls: [call("counting", "c")] }, { text: "done" });
      await lab.run("generate", "go");
      expect(JSON.stringify(lab.openai.requests[1]?.body)).toContain("counted c");
      expect(lab.effects.count("counted")).toBe(1);
    });

    test("a tool without execute ends the loop", async () => {
      lab.turns({ toolCalls: [call("client", "c")] }, { text: "no" });
      expect((await lab.run("generate", "go")).body).toMatchObject({
        finishReason: "tool-calls",
        toolCalls: 1,
        steps: 1,
      });
    });

    test("structured output is parsed", async () => {
      lab.turns({ text: '{"city":"Oslo"}' });
      expect((await lab.run("output", "go")).body).toEqual({ city: "Oslo" });
    });

    test("an output that does not parse is terminal, not retried", async () => {
      lab.turns({ text: "not json" });
      const { status } = await lab.run("output", "go");
      expect(status).toBe(500);
      expect(lab.openai.requests.length).toBe(1);
    });

    test("the total timeout is durable and ends the run", async () => {
      lab.turns({ toolCalls: [call("sleepLong", "s")] }, { text: "no" });
      expect(await lab.run("timeout", "go")).toMatchObject({ status: 408 });
    });

    test("a callback may use the context, and its TerminalError ends the run", async () => {
      lab.turns({ toolCalls: [call("plain", "p")] }, { text: "done" });
      const good = await lab.run("callback", "go");
      expect(good.steps).toEqual(["lab model 1", "lab tool plain call_p", "noted 0", "lab model 2", "noted 1"]);
      const stopped = await lab.run("callback", "stop");
      expect(stopped).toMatchObject({ status: 418, body: { message: "stopped by the callback" } });
    });

    test("durableModel journals generateText, streamText and generateObject", async () => {
      lab.turns({ text: '{"city":"Rome"}' });
      const { steps, body } = await lab.run("models", "go");
      expect(body).toHaveLength(4);
      expect(steps).toEqual(["bare model 1", "bare model 2", "bare model 3", "bare model 4"]);
      expect((await lab.run("object", "go")).body).toEqual({ city: "Rome" });
    });

    test("an agent inside a step says what to do", async () => {
      const { body } = await lab.run("insideStep", "go");
      expect(body).toMatchObject({ message: expect.stringContaining("inside the journaled step") as string });
    });

    test("objects keep state between runs", async () => {
      lab.turns({ text: "noted" });
      const key = `k${runtime}`;
      await lab.restate.call(`LabObject/${key}/add`, "one");
      expect((await lab.restate.call(`LabObject/${key}/add`, "two")).body).toEqual({ key, all: ["noted", "noted"] });
      expect((await lab.restate.call(`LabObject/${key}/all`)).body).toEqual(["noted", "noted"]);
    });

    test("agentService takes a prompt or messages, and refuses the rest", async () => {
      lab.turns({ text: "hello" });
      expect((await lab.restate.call("OneLiner/run", "hi")).body).toBe("hello");
      expect((await lab.restate.call("OneLiner/run", { prompt: "hi" })).body).toBe("hello");
      const messages = [{ role: "user", content: "hi" }];
      expect((await lab.restate.call("OneLiner/run", { messages })).body).toBe("hello");
      for (const bad of ["", { prompt: "" }, {}, { messages: [] }, 7]) {
        expect((await lab.restate.call("OneLiner/run", bad)).status).toBe(400);
      }
    });
  });
});

async function waitFor(holds: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${String(holds)}`);
    await delay(20);
  }
}
