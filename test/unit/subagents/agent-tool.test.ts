/** Agents as tools of agents, on the in-memory fake: in the same journal, and as calls. */
import { isStepCount, Output } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  AgentCancelledError,
  AgentTimeoutError,
  agentService,
  agentSession,
  agentTool,
  CancelledError,
  DefinitionError,
  RestateAgent,
  type RestateAgentOptions,
  remoteAgent,
  TerminalError,
  withRestateContext,
} from "../../../src/index.ts";
import {
  crashEverywhere,
  type FakeOptions,
  type FakeResult,
  runFake,
  scriptedModel,
} from "../../../src/testing/in-memory.ts";
import { FAKE_PENDING } from "../../../src/testing/fake-context.ts";

const ask = (...names: string[]) => ({
  toolCalls: names.map((name, n) => ({ id: `c${n}`, name, input: { prompt: `task ${n}` } })),
});
const MODES = ["bidirectional", "request-response"] as const;

const fake = <T>(body: () => Promise<T>, options: FakeOptions = {}): Promise<FakeResult<T>> =>
  runFake((context) => withRestateContext(context, body), options);

/** What the parent's model is told of its tools: outputs and errors. */
function toldOf(model: ReturnType<typeof scriptedModel>): unknown[] {
  return (model.calls.at(-1)?.prompt ?? []).flatMap(({ role, content }) =>
    role === "tool" ? content.flatMap((part) => (part.type === "tool-result" ? [part.output] : [])) : [],
  );
}

/** A model that answers its prompt: `did <prompt>`. */
const doing = () =>
  scriptedModel(({ prompt }) => {
    const [part] = prompt.findLast(({ role }) => role === "user")?.content ?? [];
    return { text: `did ${typeof part === "object" && part.type === "text" ? part.text : "?"}` };
  });

describe("agentTool(agent)", () => {
  const child = (options: RestateAgentOptions = {}) => new RestateAgent({ id: "child", model: doing() }, options);

  test.each(MODES)("runs it in the same journal, parallel calls under names of their own, %s", async (mode) => {
    const model = scriptedModel([ask("one", "two", "one"), { text: "done" }]);
    const one = agentTool(child());
    const two = agentTool(new RestateAgent({ id: "other", model: doing() }));
    const parent = new RestateAgent({ id: "parent", model, tools: { one, two } });
    const run = async () => (await parent.generate({ prompt: "go" })).usage.totalTokens;
    const whole = await fake(run, { mode });
    expect(whole.outcome).toEqual({ ok: true, value: 5 * 15 });
    expect(toldOf(model)).toEqual([0, 1, 2].map((n) => ({ type: "text", value: `did task ${n}` })));
    expect(whole.journal.commands).toEqual([
      "run parent model 1",
      "run child model 1",
      "run other model 1",
      "run child:2 model 1",
      "run parent model 2",
    ]);
    for (let length = 1; length <= whole.journal.events.length; length++) {
      const again = await fake(run, { journal: whole.journal.prefix(length), mode });
      expect(again.outcome).toEqual(whole.outcome);
      expect(again.journal.commands).toEqual(whole.journal.commands);
    }
  });

  test.each(MODES)("does every step once, wherever it dies, %s", async (mode) => {
    const tools = { one: agentTool(child()), two: agentTool(child()) };
    const make = () =>
      new RestateAgent({ id: "p", model: scriptedModel([ask("one", "two"), { text: "done" }]), tools });
    const run = async () => (await make().generate({ prompt: "go" })).text;
    const { outcome, journal } = await fake(run, { mode });
    expect(outcome).toEqual({ ok: true, value: "done" });
    for (let crashAt = 1; crashAt <= journal.events.length; crashAt++) {
      const died = await fake(run, { mode, crashAt: [crashAt] });
      expect(died.outcome).toEqual(outcome);
      expect(died.journal.commands).toEqual(journal.commands);
    }
  });

  test("maps its input and output, and takes call options", async () => {
    const childModel = scriptedModel([{ text: '{"city":"Berlin"}' }]);
    const typed = new RestateAgent({
      id: "typed",
      model: childModel,
      output: Output.object({ schema: z.object({ city: z.string() }) }),
      callOptionsSchema: z.object({ tone: z.string() }),
      prepareCall: ({ options, ...rest }) => ({ ...rest, instructions: `Be ${options.tone}.` }),
    });
    const where = agentTool(typed, {
      description: "Where",
      inputSchema: z.object({ what: z.string() }),
      input: ({ what }, { toolCallId }) => ({ prompt: `${what} ${toolCallId}`, options: { tone: "brief" } }),
      output: ({ output, usage }) => `${output.city} ${usage.totalTokens}`,
      toModelOutput: ({ output }) => ({ type: "text", value: `in ${output}` }),
    });
    const toolCalls = [{ id: "c0", name: "where", input: { what: "rain" } }];
    const model = scriptedModel([{ toolCalls }, { text: "done" }]);
    const { outcome } = await fake(() =>
      new RestateAgent({ id: "p", model, tools: { where } }).generate({ prompt: "go" }),
    );
    expect(outcome.ok).toBe(true);
    expect(toldOf(model)).toEqual([{ type: "text", value: "in Berlin 15" }]);
    expect(childModel.calls[0]?.prompt[0]).toMatchObject({ role: "system", content: "Be brief." });
    expect(childModel.calls[0]?.prompt[1]).toMatchObject({ content: [{ text: "rain c0" }] });
  });

  test("gives the structured output when the agent has one", async () => {
    const output = Output.object({ schema: z.object({ city: z.string() }) });
    const typed = new RestateAgent({ id: "typed", model: scriptedModel([{ text: '{"city":"Rome"}' }]), output });
    const model = scriptedModel([ask("where"), { text: "done" }]);
    await fake(() =>
      new RestateAgent({ id: "p", model, tools: { where: agentTool(typed) } }).generate({ prompt: "go" }),
    );
    expect(toldOf(model)).toEqual([{ type: "json", value: { city: "Rome" } }]);
  });

  describe("a failure of it", () => {
    const broken = () => {
      throw new TerminalError("no credit", { errorCode: 402 });
    };
    const failing = () => new RestateAgent({ id: "child", model: scriptedModel(broken) });

    test("is told to the model, and nothing else ends", async () => {
      const model = scriptedModel([ask("bad", "good"), { text: "done" }]);
      const tools = { bad: agentTool(failing()), good: agentTool(child()) };
      const { outcome } = await fake(
        async () => (await new RestateAgent({ id: "p", model, tools }).generate({ prompt: "go" })).text,
      );
      expect(outcome).toEqual({ ok: true, value: "done" });
      expect(toldOf(model)).toEqual([
        { type: "error-text", value: expect.stringContaining("no credit") as string },
        { type: "text", value: "did task 1" },
      ]);
    });

    test.each<[string, RestateAgentOptions, "model" | "fail" | undefined, boolean]>([
      ["ends the run with onFailure: fail", {}, "fail", false],
      ["ends the run when the agent says so", { toolErrors: "fail" }, undefined, false],
      ["is told to the model with onFailure: model, whatever the agent says", { toolErrors: "fail" }, "model", true],
    ])("%s", async (_, options, onFailure, ok) => {
      const model = scriptedModel([ask("bad"), { text: "done" }]);
      const tools = { bad: agentTool(failing(), { onFailure }) };
      const { outcome } = await fake(() =>
        new RestateAgent({ id: "p", model, tools }, options).generate({ prompt: "go" }),
      );
      expect(outcome.ok).toBe(ok);
      if (!outcome.ok)
        expect(outcome.error).toMatchObject({ code: 402, message: expect.stringContaining("no credit") as string });
    });

    test("that the AI SDK raises between steps is told, and not tried for ever", async () => {
      const output = Output.object({ schema: z.object({ city: z.string() }) });
      const typed = new RestateAgent({ id: "child", model: scriptedModel([{ text: "no json" }]), output });
      const model = scriptedModel([ask("bad"), { text: "done" }]);
      const { outcome } = await fake(() =>
        new RestateAgent({ id: "p", model, tools: { bad: agentTool(typed) } }).generate({ prompt: "go" }),
      );
      expect(outcome.ok).toBe(true);
      expect(toldOf(model)).toMatchObject([{ type: "error-text" }]);
    });
  });

  test("takes no longer than it may, and its parent goes on", async () => {
    const slow = new RestateAgent({ id: "slow", model: scriptedModel([{ hang: true }]) });
    const model = scriptedModel([ask("late"), { text: "done" }]);
    const tools = { late: agentTool(slow, { timeoutMs: 1_000 }) };
    const run = async () => (await new RestateAgent({ id: "p", model, tools }).generate({ prompt: "go" })).text;
    const { outcome, journal } = await fake(run, { timers: "any" });
    expect(outcome).toEqual({ ok: true, value: "done" });
    expect(toldOf(model)).toMatchObject([
      { type: "error-text", value: expect.stringContaining("slow has not answered within 1000 ms") as string },
    ]);
    expect((await fake(run, { journal })).outcome).toEqual(outcome);
  });

  test.each(MODES)("a cancellation ends parent, child and grandchild, wherever it comes, %s", async (mode) => {
    const leaf = new RestateAgent({ id: "leaf", model: doing() });
    const middle = () =>
      new RestateAgent({
        id: "middle",
        model: scriptedModel([ask("leaf", "leaf"), { text: "middle done" }]),
        tools: { leaf: agentTool(leaf) },
      });
    const run = async () => {
      const tools = { middle: agentTool(middle()) };
      const model = scriptedModel([ask("middle", "middle"), { text: "done" }]);
      return (await new RestateAgent({ id: "top", model, tools }).generate({ prompt: "go" })).text;
    };
    const { journal } = await fake(run, { mode });
    let cancelled = 0;
    for (let cancelAt = 1; cancelAt < journal.events.length; cancelAt++) {
      const { outcome, journal: own } = await fake(run, { mode, cancelAt });
      if (outcome.ok) continue;
      cancelled += 1;
      expect(outcome.error).toBeInstanceOf(CancelledError);
      expect((await fake(run, { mode, journal: own })).outcome).toMatchObject({ ok: false });
    }
    expect(cancelled).toBeGreaterThan(journal.events.length / 2);
  });
});

describe("agentTool(service)", () => {
  const weather = agentService("Weather", new RestateAgent({ id: "weather", model: doing() }));
  const usage = (n: number) => ({
    inputTokens: n,
    inputTokenDetails: {},
    outputTokens: 0,
    outputTokenDetails: {},
    totalTokens: n,
  });
  const answer = (output: unknown, tokens = 100) => ({
    "restate-edge-agents.answer": 1,
    output,
    models: [{ provider: "x", modelId: "y", steps: 2, usage: usage(tokens) }],
  });

  test.each(MODES)("calls it, and counts what it has used, %s", async (mode) => {
    const model = scriptedModel([ask("weather", "weather"), { text: "done" }]);
    const parent = new RestateAgent({ id: "p", model, tools: { weather: agentTool(weather) } });
    const calls = (target: string, input: unknown) => answer(`${target} ${String(input)}`);
    const run = async () => {
      const result = await parent.generate({ prompt: "go" });
      return [result.text, result.usage.totalTokens];
    };
    const { outcome, journal } = await fake(run, { calls, mode });
    expect(outcome).toEqual({ ok: true, value: ["done", 30 + 200] });
    expect(toldOf(model)).toEqual([0, 1].map((n) => ({ type: "text", value: `Weather/run task ${n}` })));
    expect(journal.commands).toEqual(["run p model 1", "call Weather/run", "call Weather/run", "run p model 2"]);
    for (let crashAt = 1; crashAt <= journal.events.length; crashAt++) {
      const died = await fake(run, { calls, mode, crashAt: [crashAt] });
      expect(died.outcome).toEqual(outcome);
      expect(died.journal.commands).toEqual(journal.commands);
    }
  });

  test("a handler that knows nothing of usage answers as it does", async () => {
    const model = scriptedModel([ask("other"), { text: "done" }]);
    const other = agentTool(remoteAgent("Elsewhere"), { handler: "ask", output: (text) => `they say ${String(text)}` });
    const run = async () =>
      (await new RestateAgent({ id: "p", model, tools: { other } }).generate({ prompt: "go" })).usage.totalTokens;
    const { outcome } = await fake(run, { calls: (target) => `${target}!` });
    expect(outcome).toEqual({ ok: true, value: 30 });
    expect(toldOf(model)).toEqual([{ type: "text", value: "they say Elsewhere/ask!" }]);
  });

  test("a session gets a turn with an id, under the key of the call", async () => {
    const chat = agentSession("Chat", new RestateAgent({ id: "chat", model: doing() }));
    const sent: unknown[] = [];
    const calls = (target: string, input: unknown) => {
      sent.push([target, input]);
      return answer({ turn: "t", text: "hello", finishReason: "stop" });
    };
    const model = scriptedModel([ask("chat"), { text: "done" }]);
    const tools = { chat: agentTool(chat, { key: ({ prompt }) => prompt.replace(" ", "-") }) };
    await fake(() => new RestateAgent({ id: "p", model, tools }).generate({ prompt: "go" }), { calls });
    const turn = expect.stringMatching(/^[\w-]+$/) as string;
    expect(sent).toEqual([["Chat/task-0/send", { message: "task 0", turn }]]);
    expect(toldOf(model)).toEqual([{ type: "text", value: "hello" }]);
  });

  test("its failure is told to the model, with what it has cost", async () => {
    const model = scriptedModel([ask("weather"), { text: "done" }]);
    const parent = new RestateAgent({ id: "p", model, tools: { weather: agentTool(weather) } });
    const metadata = { "restate-edge-agents.usage": JSON.stringify(answer("").models) };
    const calls = () => {
      throw new TerminalError("no such city", { errorCode: 404, metadata });
    };
    const { outcome } = await fake(async () => (await parent.generate({ prompt: "go" })).usage.totalTokens, { calls });
    expect(outcome).toEqual({ ok: true, value: 130 });
    expect(toldOf(model)).toEqual([{ type: "error-text", value: expect.stringContaining("no such city") as string }]);
  });

  test("that somebody else has cancelled it is a failure, and cancels nobody else", async () => {
    const model = scriptedModel([ask("weather"), { text: "done" }]);
    const parent = new RestateAgent({ id: "p", model, tools: { weather: agentTool(weather) } });
    const calls = () => {
      throw new TerminalError("Cancelled", { errorCode: 409 });
    };
    const { outcome } = await fake(async () => (await parent.generate({ prompt: "go" })).text, { calls });
    expect(outcome).toEqual({ ok: true, value: "done" });
    expect(toldOf(model)).toEqual([
      { type: "error-text", value: expect.stringContaining(new AgentCancelledError("Weather/run").message) as string },
    ]);
  });

  test.each(MODES)("that answers too late is cancelled, %s", async (mode) => {
    const model = scriptedModel([ask("weather"), { text: "done" }]);
    const parent = new RestateAgent({ id: "p", model, tools: { weather: agentTool(weather, { timeoutMs: 5_000 }) } });
    const run = async () => (await parent.generate({ prompt: "go" })).text;
    const { outcome, journal } = await fake(run, { calls: () => FAKE_PENDING, mode });
    expect(outcome).toEqual({ ok: true, value: "done" });
    expect(toldOf(model)).toEqual([
      {
        type: "error-text",
        value: expect.stringContaining(new AgentTimeoutError("Weather/run", 5_000).message) as string,
      },
    ]);
    expect(journal.commands).toEqual([
      "run p model 1",
      "call Weather/run",
      "sleep",
      "cancel inv_Weather/run",
      "run p model 2",
    ]);
  });

  test.each(MODES)("that answers too late and may be others' too is not cancelled, %s", async (mode) => {
    const model = scriptedModel([ask("weather"), { text: "done" }]);
    const shared = agentTool(weather, { timeoutMs: 5_000, idempotencyKey: () => "today" });
    const parent = new RestateAgent({ id: "p", model, tools: { weather: shared } });
    const run = async () => (await parent.generate({ prompt: "go" })).text;
    const { outcome, journal } = await fake(run, { calls: () => FAKE_PENDING, mode });
    expect(outcome).toEqual({ ok: true, value: "done" });
    expect(journal.commands).toEqual(["run p model 1", "call Weather/run", "sleep", "run p model 2"]);
    // With a whole invocation Restate cancels what that has called, with a key or without.
    const whole = await fake(run, { calls: () => FAKE_PENDING, mode, cancelAt: 3 });
    expect(whole.outcome).toMatchObject({ ok: false, error: { name: "CancelledError" } });
    expect(whole.journal.commands.at(-1)).toBe("cancel inv_Weather/run");
  });

  test.each(MODES)(
    "is cancelled when its caller's run fails, and once when its caller is cancelled, %s",
    async (mode) => {
      const make = (options: RestateAgentOptions = {}) => {
        const model = scriptedModel([ask("weather", "weather"), { text: "done" }]);
        return new RestateAgent({ id: "p", model, tools: { weather: agentTool(weather) } }, options);
      };
      const calls = () => FAKE_PENDING;
      const late = await fake(() => make().generate({ prompt: "go", timeout: 9_000 }), { calls, mode });
      expect(late.outcome).toMatchObject({ ok: false, error: { errorCode: "run-timeout" } });
      expect(late.journal.commands.filter((command) => command.startsWith("cancel"))).toHaveLength(2);
      const cancelled = await fake(() => make().generate({ prompt: "go" }), { calls, mode, cancelAt: 4 });
      expect(cancelled.outcome).toMatchObject({ ok: false, error: { name: "CancelledError" } });
      expect(cancelled.journal.commands.filter((command) => command.startsWith("cancel"))).toHaveLength(2);
    },
  );

  test("refuses at once what cannot work", () => {
    const chat = agentSession("Chat", new RestateAgent({ id: "chat", model: doing() }));
    const agent = new RestateAgent({ id: "a", model: doing() });
    expect(() => agentTool(chat)).toThrow(DefinitionError);
    expect(() => agentTool(weather, { handler: "walk" })).toThrow(/no handler "walk": choose one of run/);
    expect(() => agentTool(weather, { timeoutMs: 0 })).toThrow(DefinitionError);
    expect(() => agentTool(agent, { inputSchema: z.object({}) })).toThrow(/say with "input"/);
    expect(() => agentTool({ name: "" })).toThrow(DefinitionError);
  });
});

test("three levels deep, in parallel, every crash and every replay give the same", async () => {
  const leaf = new RestateAgent({ id: "leaf", model: doing() });
  const handler = async () => {
    const middle = new RestateAgent({
      id: "middle",
      model: scriptedModel([ask("leaf", "leaf"), { text: "middle done" }]),
      tools: { leaf: agentTool(leaf) },
      stopWhen: isStepCount(5),
    });
    const model = scriptedModel([ask("middle", "middle"), { text: "done" }]);
    const result = await new RestateAgent({ id: "top", model, tools: { middle: agentTool(middle) } }).generate({
      prompt: "go",
    });
    return [result.text, result.usage.totalTokens];
  };
  const whole = await fake(handler);
  expect(whole.outcome).toEqual({ ok: true, value: ["done", 10 * 15] });
  await crashEverywhere((context) => withRestateContext(context, handler), {});
});
