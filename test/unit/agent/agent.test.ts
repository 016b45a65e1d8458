/** What ToolLoopAgent documents keeps working inside a handler, on the in-memory fake. */
import { dynamicTool, isStepCount, type ModelMessage, tool, ToolLoopAgent } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  contextTool,
  DefinitionError,
  OutsideHandlerError,
  RestateAgent,
  restateContext,
  TerminalError,
  withRestateContext,
} from "../../../src/index.ts";
import type { ScriptedReply } from "../../../src/testing/scripted-openai.ts";
import { type FakeOptions, type FakeResult, runFake, scriptedModel } from "../../../src/testing/in-memory.ts";

const input = z.object({ id: z.string() });
const call = (name: string, id: string, extra: unknown = { id }) => ({ id, name, input: extra });
const echo = tool({ inputSchema: input, execute: async ({ id }) => `echo ${id}` });

const fake = <T>(body: () => Promise<T>, options: FakeOptions = {}): Promise<FakeResult<T>> =>
  runFake((context) => withRestateContext(context, body), options);

/** Runs it whole, then again from every prefix of its journal: what it answers must not differ. */
async function replayed<T>(body: () => Promise<T>): Promise<T> {
  const whole = await fake(body);
  if (!whole.outcome.ok) throw whole.outcome.error;
  for (let length = 1; length <= whole.journal.events.length; length++) {
    const again = await fake(body, { journal: whole.journal.prefix(length), mode: "request-response" });
    expect(again.outcome).toEqual(whole.outcome);
  }
  return whole.outcome.value;
}

describe("RestateAgent", () => {
  test("answers the same from its journal, ids and timestamps that the provider left out included", async () => {
    const model = scriptedModel([{ toolCalls: [call("echo", "a")] }, { text: "done" }]);
    const unnamed = {
      ...model,
      doGenerate: async (...p: Parameters<typeof model.doGenerate>) => withoutIds(await model.doGenerate(...p)),
    };
    const run = async () => {
      const { text, response, steps } = await new RestateAgent({ id: "a", model: unnamed, tools: { echo } }).generate({
        prompt: "go",
      });
      return { text, id: response.id, at: response.timestamp.getTime(), ids: steps.map((step) => step.response.id) };
    };
    const { outcome, journal } = await fake(run);
    expect((await fake(run, { journal })).outcome).toEqual(outcome);
    expect(outcome).toMatchObject({ value: { text: "done", id: expect.stringMatching(/^[\da-f-]{36}$/) as string } });
    expect(model.calls).toHaveLength(2);
  });

  test("is made from an existing ToolLoopAgent", async () => {
    const plain = new ToolLoopAgent({ id: "was plain", model: scriptedModel([{ text: "hi" }]) });
    const { outcome, journal } = await fake(
      async () => (await new RestateAgent(plain).generate({ prompt: "go" })).text,
    );
    expect(outcome).toEqual({ ok: true, value: "hi" });
    expect(journal.commands).toEqual(["run was plain model 1"]);
  });

  test("takes call options through prepareCall", async () => {
    const model = scriptedModel([{ text: "hi" }]);
    const agent = new RestateAgent({
      id: "a",
      model,
      callOptionsSchema: z.object({ tone: z.string() }),
      prepareCall: ({ options, ...rest }) => ({ ...rest, instructions: `Be ${options.tone}.` }),
    });
    await fake(() => agent.generate({ prompt: "go", options: { tone: "kind" } }));
    expect(model.calls[0]?.prompt[0]).toMatchObject({ role: "system", content: "Be kind." });
  });

  test("journals the model that prepareStep switches to", async () => {
    const first = scriptedModel([{ toolCalls: [call("echo", "a")] }]);
    const second = scriptedModel([{ text: "no" }, { text: "from the second" }]);
    const { outcome } = await fake(async () => {
      const prepareStep = ({ stepNumber }: { stepNumber: number }) => (stepNumber === 1 ? { model: second } : {});
      return (
        await new RestateAgent({ id: "a", model: first, tools: { echo }, prepareStep }).generate({ prompt: "go" })
      ).text;
    });
    expect(outcome).toEqual({ ok: true, value: "from the second" });
    expect(second.calls).toHaveLength(1);
    expect(first.calls).toHaveLength(1);
  });

  test("prepareStep may use the context", async () => {
    const prepareStep = async () => ({ instructions: await restateContext().run("look up", () => "looked up") });
    const model = scriptedModel([{ text: "hi" }]);
    const { journal } = await fake(() => new RestateAgent({ id: "a", model, prepareStep }).generate({ prompt: "go" }));
    expect(journal.commands).toEqual(["run look up", "run a model 1"]);
    expect(model.calls[0]?.prompt[0]).toMatchObject({ content: "looked up" });
  });

  test("tells the model about unknown tools and invalid input, beside tools that work", async () => {
    const model = scriptedModel([
      { toolCalls: [call("nosuch", "a"), call("echo", "b", { wrong: 1 }), call("echo", "c")] },
      { text: "I see" },
    ]);
    const text = await replayed(
      async () => (await new RestateAgent({ id: "a", model, tools: { echo } }).generate({ prompt: "go" })).text,
    );
    expect(text).toBe("I see");
    expect(JSON.stringify(model.calls[1]?.prompt)).toContain("echo c");
  });

  test("repairs tool calls, with the context", async () => {
    const model = scriptedModel([{ toolCalls: [call("echo", "b", { wrong: 1 })] }, { text: "done" }]);
    const agent = () =>
      new RestateAgent({
        id: "a",
        model,
        tools: { echo },
        repairToolCall: async ({ toolCall }) => ({
          ...toolCall,
          input: await restateContext().run("repair", () => '{"id":"mended"}'),
        }),
      });
    await replayed(async () => (await agent().generate({ prompt: "go" })).text);
    expect(JSON.stringify(model.calls[1]?.prompt)).toContain("echo mended");
  });

  test("asks for approval with an id that is the same on replay, and goes on when approved", async () => {
    const replies: ScriptedReply[] = [{ toolCalls: [call("pay", "p")] }, { text: "paid" }];
    const pay = tool({ inputSchema: input, execute: async ({ id }) => `paid ${id}`, needsApproval: true });
    const agent = () => new RestateAgent({ id: "a", model: scriptedModel(replies), tools: { pay } });
    const answer = await replayed(async () => {
      const asked = await agent().generate({ prompt: "pay" });
      const request = asked.content.find((part) => part.type === "tool-approval-request");
      if (request === undefined) throw new TerminalError("no approval was asked for");
      const approval = { type: "tool-approval-response" as const, approvalId: request.approvalId, approved: true };
      const messages: ModelMessage[] = [
        { role: "user", content: "pay" },
        ...asked.response.messages,
        { role: "tool", content: [approval] },
      ];
      return { approvalId: request.approvalId, text: (await agent().generate({ messages })).text };
    });
    expect(answer).toMatchObject({ text: "paid", approvalId: expect.stringMatching(/-\d+$/) as string });
  });

  test("runs dynamic tools and respects activeTools", async () => {
    const dynamic = dynamicTool({ inputSchema: input, execute: async () => "dynamic" });
    const model = scriptedModel([{ toolCalls: [call("dynamic", "d")] }, { text: "done" }]);
    const agent = new RestateAgent({ id: "a", model, tools: { dynamic, echo }, activeTools: ["dynamic"] });
    const { journal } = await fake(() => agent.generate({ prompt: "go" }));
    expect(journal.commands).toContain("run a tool dynamic d");
    expect(model.calls[0]?.tools?.map(({ name }) => name)).toEqual(["dynamic"]);
  });

  test("downloads a file once, in a step", async () => {
    let downloads = 0;
    const model = scriptedModel([{ toolCalls: [call("echo", "a")] }, { text: "seen" }]);
    const agent = () =>
      new RestateAgent({
        id: "a",
        model,
        tools: { echo },
        experimental_download: async (requests) => {
          downloads += 1;
          return requests.map(() => ({ data: new Uint8Array([1, 2, 3]), mediaType: "image/png" }));
        },
      });
    const image = { type: "file" as const, data: new URL("https://files.test/a.png"), mediaType: "image/png" };
    const run = () => agent().generate({ messages: [{ role: "user", content: [image] }] });
    const { journal } = await fake(run);
    expect(journal.commands).toEqual(["run a download 1", "run a model 1", "run a tool echo a", "run a model 2"]);
    await fake(run, { journal });
    expect(downloads).toBe(1);
  });

  test("names a call id that a provider uses twice", async () => {
    const model = scriptedModel([{ toolCalls: [call("echo", "a"), call("echo", "a")] }, { text: "done" }]);
    const { journal } = await fake(() =>
      new RestateAgent({ id: "a", model, tools: { echo } }).generate({ prompt: "go" }),
    );
    expect(journal.commands.slice(1, 3)).toEqual(["run a tool echo a", "run a tool echo a #2"]);
  });

  test("does not retry on its own: a transient failure leaves after one call", async () => {
    let calls = 0;
    const failing = { ...scriptedModel([]), doGenerate: async () => Promise.reject(new Error(`down ${(calls += 1)}`)) };
    const { outcome } = await fake(() => new RestateAgent({ id: "a", model: failing }).generate({ prompt: "go" }), {
      maxFailures: 0,
    });
    expect(outcome.ok).toBe(false);
    expect(calls).toBe(1);
  });

  test("a cancellation at any moment ends the run", async () => {
    const model = scriptedModel([
      { toolCalls: [call("echo", "a"), call("stubborn", "b")] },
      { toolCalls: [call("echo", "c")] },
      { text: "talked over it" },
    ]);
    const stubborn = contextTool({
      inputSchema: input,
      execute: async () => {
        try {
          await restateContext().sleep(5);
        } catch {
          return "did not hear that";
        }
        return "slept";
      },
    });
    const run = async () =>
      (await new RestateAgent({ id: "a", model, tools: { echo, stubborn } }).generate({ prompt: "go" })).text;
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const { journal } = await fake(run, { seed });
      for (let cancelAt = 1; cancelAt < journal.events.length; cancelAt++) {
        const { outcome } = await fake(run, { seed, cancelAt });
        const end = outcome.ok ? outcome.value : String(outcome.error);
        expect([seed, cancelAt, end]).toEqual([seed, cancelAt, "CancelledError: Cancelled"]);
      }
    }
  });

  test("stops where stopWhen says", async () => {
    const model = scriptedModel([
      { toolCalls: [call("echo", "a")] },
      { toolCalls: [call("echo", "b")] },
      { text: "no" },
    ]);
    const agent = new RestateAgent({ id: "a", model, tools: { echo }, stopWhen: isStepCount(2) });
    const { journal } = await fake(() => agent.generate({ prompt: "go" }));
    expect(journal.commands.filter((command) => command.includes("model"))).toHaveLength(2);
  });
});

describe("outside of a handler", () => {
  const model = scriptedModel([{ text: "hi" }]);

  test("an agent says what to do", async () => {
    await expect(new RestateAgent({ id: "a", model }).generate({ prompt: "go" })).rejects.toThrow(OutsideHandlerError);
    await expect(new RestateAgent({ id: "a", model }).stream({ prompt: "go" })).rejects.toThrow("withRestateContext");
    expect(() => restateContext()).toThrow("outside of a Restate handler");
  });

  test('runs as a ToolLoopAgent with { outsideHandler: "plain" }', async () => {
    const agent = new RestateAgent({ id: "a", model }, { outsideHandler: "plain" });
    expect((await agent.generate({ prompt: "go" })).text).toBe("hi");
    expect(await (await agent.stream({ prompt: "go" })).text).toBe("hi");
  });
});

test("an agent without a name, or options for tools that it does not have, is refused when it is defined", () => {
  const model = scriptedModel([]);
  expect(() => new RestateAgent({ model })).toThrow(DefinitionError);
  expect(() => new RestateAgent({ id: " ", model })).toThrow("without a name");
  expect(new RestateAgent({ model }, { id: "named" }).name).toBe("named");
  const options: object = { toolOptions: { wether: {} } };
  expect(() => new RestateAgent({ id: "a", model, tools: { echo } }, options)).toThrow('"wether"');
});

function withoutIds<T extends { response?: unknown }>(answer: T): Omit<T, "response"> {
  const { response: _, ...rest } = answer;
  return rest;
}
