/** Running ahead, seen from an agent: what it changes, and what it leaves alone. */
import { isStepCount, tool, type ToolSet } from "ai";
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import {
  agentService,
  CancelledError,
  type Context,
  contextTool,
  RestateAgent,
  type RestateAgentOptions,
  restateContext,
  RunTimeoutError,
  withRestateContext,
} from "../../../src/index.ts";
import {
  crashEverywhere,
  type FakeOptions,
  type FakeResult,
  runFake,
  scriptedModel,
} from "../../../src/testing/in-memory.ts";

const call = (name: string, n: number) => ({ id: `c${n}`, name, input: { id: String(n) } });
const input = z.object({ id: z.string() });

interface Executed {
  readonly result: FakeResult<string>;
  readonly effects: readonly string[];
}

async function run(
  calls: readonly string[],
  options: RestateAgentOptions = {},
  fake: FakeOptions = {},
  parameters: { readonly timeout?: number } = {},
): Promise<Executed> {
  const effects: string[] = [];
  const tools: ToolSet = {
    look: tool({ inputSchema: input, execute: ({ id }) => void effects.push(`look ${id}`) }),
    act: tool({ inputSchema: input, execute: ({ id }) => void effects.push(`act ${id}`) }),
    wait: contextTool({ inputSchema: input, execute: () => restateContext().sleep(1_000) }),
  };
  const model = scriptedModel([...calls.map((name, n) => ({ toolCalls: [call(name, n)] })), { text: "done" }]);
  const toolOptions = { look: { readOnly: true } };
  const agent = new RestateAgent(
    { id: "ahead", model, tools, stopWhen: isStepCount(50) },
    {
      toolOptions,
      ...options,
    },
  );
  const handler = (context: Context): Promise<string> =>
    withRestateContext(context, async () => (await agent.generate({ prompt: "go", ...parameters })).text);
  return { result: await runFake(handler, { mode: "request-response", ...fake }), effects };
}

const looks = (count: number): string[] => Array.from({ length: count }, () => "look");

describe("attempts on a request-response endpoint", () => {
  test.each([
    { tools: looks(10), window: {}, attempts: 2 },
    { tools: looks(10), window: false as const, attempts: 22 },
    { tools: looks(20), window: {}, attempts: 2 },
    { tools: looks(20), window: { steps: 32 }, attempts: 3 },
    { tools: looks(10), window: { steps: 5 }, attempts: 6 },
    { tools: Array.from({ length: 10 }, () => "act"), window: {}, attempts: 12 },
    { tools: ["look", "act", "look", "look", "act"], window: {}, attempts: 4 },
  ])("$tools.length tools, window $window: $attempts", async ({ tools, window, attempts }) => {
    const { result } = await run(tools, { window });
    expect(result.outcome).toEqual({ ok: true, value: "done" });
    expect(result.attempts).toBe(attempts);
  });
});

test("a bidirectional endpoint needs no window, and has none", async () => {
  const ahead = await run(looks(10), {}, { mode: "bidirectional" });
  const behind = await run(looks(10), { window: false }, { mode: "bidirectional" });
  expect([ahead.result.attempts, behind.result.attempts]).toEqual([1, 1]);
  expect(ahead.result.journal.commands).toEqual(behind.result.journal.commands);
});

test("the journal has the same commands with and without a window", async () => {
  const tools = ["look", "act", "look", "look", "wait", "act"];
  const [ahead, behind] = await Promise.all([run(tools), run(tools, { window: false })]);
  expect(ahead.result.journal.commands).toEqual(behind.result.journal.commands);
  expect(ahead.effects).toEqual(behind.effects);
});

describe("an agent service, which does nothing but answer", () => {
  const handlerOf = () => {
    const model = scriptedModel([{ toolCalls: [call("look", 1)] }, { text: "done" }]);
    const look = tool({ inputSchema: input, execute: () => "seen" });
    const agent = new RestateAgent(
      { id: "ahead", model, tools: { look } },
      { toolOptions: { look: { readOnly: true } } },
    );
    const { service } = agentService("Ahead", agent) as unknown as { service: Record<string, Handler> };
    return (context: Context): Promise<unknown> => Promise.resolve(service["run"]?.(context, "go"));
  };
  type Handler = (context: Context, input: string) => unknown;

  test("answers without waiting for its last acknowledgements", async () => {
    const { outcome, attempts } = await runFake(handlerOf(), { mode: "request-response" });
    expect({ outcome, attempts }).toEqual({ outcome: { ok: true, value: "done" }, attempts: 1 });
  });

  test("answers the same after a crash at any moment", async () => {
    const { whole, crashed } = await crashEverywhere(handlerOf(), { mode: "request-response" });
    for (const run of crashed) expect(run.outcome).toEqual(whole.outcome);
  });

  test("ends with a cancellation that it has heard of", async () => {
    const whole = await runFake(handlerOf(), { mode: "request-response" });
    for (let at = 1; at <= whole.journal.events.length; at++) {
      const { outcome } = await runFake(handlerOf(), { mode: "request-response", cancelAt: at, crashAt: [at + 1] });
      // The last result may be there before the cancellation: then the run was over.
      if (outcome.ok) expect(at).toBeGreaterThanOrEqual(whole.journal.events.length - 1);
      else expect(outcome.error).toBeInstanceOf(CancelledError);
    }
  });
});

describe("a total timeout", () => {
  test("does not keep steps from running ahead", async () => {
    const { result } = await run(looks(10), {}, {}, { timeout: 60_000 });
    expect(result.outcome).toEqual({ ok: true, value: "done" });
    expect(result.attempts).toBe(2);
  });

  test("ends the run at a gate, or with the step that it kept from beginning", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const fake: FakeOptions = { seed, timers: "any", maxFailures: 0 };
      const { result } = await run(["look", "act", ...looks(8)], { window: { steps: 3 } }, fake, { timeout: 5 });
      if (result.outcome.ok) expect(result.outcome.value).toBe("done");
      else expect(result.outcome.error).toBeInstanceOf(RunTimeoutError);
    }
  });
});

describe("an agent in a tool", () => {
  /** How many of the inner agent's 20 tools run. Each takes 100 ms by the clock that bounds windows. */
  async function looksWithin(timeout: { readonly totalMs?: number; readonly toolMs?: number }): Promise<number> {
    let count = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => count * 100);
    const look = tool({ inputSchema: input, execute: () => void (count += 1) });
    const replies = looks(20).map((name, n) => ({ toolCalls: [call(name, n)] }));
    const inner = new RestateAgent(
      { id: "inner", model: scriptedModel([...replies, { text: "seen" }]), tools: { look }, stopWhen: isStepCount(50) },
      { toolOptions: { look: { readOnly: true } } },
    );
    const ask = contextTool({ inputSchema: input, execute: async () => (await inner.generate({ prompt: "go" })).text });
    const model = scriptedModel([{ toolCalls: [call("ask", 50)] }, { text: "done" }]);
    const outer = new RestateAgent(
      { id: "outer", model, tools: { ask } },
      { toolOptions: { ask: { readOnly: true } } },
    );
    const handler = (context: Context): Promise<string> =>
      withRestateContext(context, async () => (await outer.generate({ prompt: "go", timeout })).text);
    try {
      // In the fake a timer fires as soon as an attempt waits for nothing else: where the inner agent's window ends.
      await runFake(handler, { mode: "request-response" });
      return count;
    } finally {
      clock.mockRestore();
    }
  }

  test.each(["totalMs", "toolMs"] as const)("hears of the outer agent's %s in time", async (name) => {
    expect(await looksWithin({ [name]: 60_000 })).toBe(20);
    expect(await looksWithin({ [name]: 1_000 })).toBe(10); // Two windows of 500 ms.
  });
});

test.each([
  [{ steps: 0 }, "current value of steps is 0"],
  [{ ms: 1.5 }, "current value of ms is 1.5"],
  [{ bytes: Number.NaN }, "current value of bytes is NaN"],
  [{ step: 3 }, "current value of step is 3"],
])("window %o is refused when the agent is defined", (window, message) => {
  const define = (): unknown =>
    new RestateAgent({ id: "ahead", model: scriptedModel([]) }, { window: window as { steps: number } });
  expect(define).toThrow(message);
});

test.each(["bidirectional", "request-response"] as const)(
  "an agent in a tool that takes too long ends with the tool, %s",
  async (mode) => {
    const inner = scriptedModel([{ toolCalls: [call("wait", 1)] }, { text: "talked over it" }]);
    const wait = contextTool({ inputSchema: input, execute: () => restateContext().sleep(60_000) });
    const ask = contextTool({
      inputSchema: input,
      execute: async () =>
        (await new RestateAgent({ id: "inner", model: inner, tools: { wait } }).generate({ prompt: "go" })).text,
    });
    const outer = scriptedModel([{ toolCalls: [call("ask", 2)] }, { text: "done" }]);
    const agent = new RestateAgent({ id: "outer", model: outer, tools: { ask } });
    const { outcome } = await runFake(
      (context) =>
        withRestateContext(context, async () => {
          const { text, steps } = await agent.generate({ prompt: "go", timeout: { toolMs: 1_000 } });
          return [text, JSON.stringify(steps[0]?.content)];
        }),
      { mode },
    );
    expect(outcome).toEqual({ ok: true, value: ["done", expect.stringContaining("ToolTimeoutError")] });
    expect(inner.calls.length).toBe(1);
  },
);
