/** A long run in segments, on the in-memory fake. */
import {
  hasToolCall,
  isLoopFinished,
  isStepCount,
  type ModelMessage,
  Output,
  tool,
  ToolLoopAgent,
  type ToolSet,
} from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { agentService, DefinitionError, RestateAgent, restateContext, TerminalError } from "../../../src/index.ts";
import { keepLastMessages } from "../../../src/agent/compaction.ts";
import type { ContinueAsNewOptions } from "../../../src/agent/continue-as-new.ts";
import { type ModelScript, runFake, scriptedModel } from "../../../src/testing/in-memory.ts";
import type { ScriptedReply } from "../../../src/testing/scripted-openai.ts";
import { type ChainLink, handlerOf, type LinkOptions, runChain } from "./continue-as-new-chain.ts";

const input = z.object({ id: z.string() });
const call = (name: string, id: string) => ({ id, name, input: { id } });
const work = tool({ inputSchema: input, execute: async ({ id }) => `worked ${id}` });

/** Works `steps` times, then answers. The turn is read from the conversation, compacted or not. */
const working =
  (steps: number, answer: ScriptedReply = { text: "done" }): ModelScript =>
  ({ prompt }) => {
    const ids = [...JSON.stringify(prompt).matchAll(/worked w(\d+)/g)].map(([, id]) => Number(id));
    const next = Math.max(0, ...ids) + 1;
    return next > steps ? answer : { toolCalls: [call("work", `w${next}`)] };
  };

function worker(script: ModelScript | readonly ScriptedReply[], settings: object = {}, options: object = {}) {
  const model = scriptedModel(script);
  const all = { id: "worker", model, tools: { work }, stopWhen: isLoopFinished(), ...settings };
  return { model, agent: new RestateAgent<never, ToolSet>(all, options) };
}

const commands = (links: readonly ChainLink[]): string[][] =>
  links.map(({ result }) => [...result.journal.commands].map((command) => command.replace(/^run worker /, "")));

const modelSteps = (links: readonly ChainLink[]): number[] =>
  commands(links).map((names) => names.filter((name) => name.startsWith("model")).length);

const outcome = ([first]: readonly ChainLink[]): unknown => first?.result.outcome;

async function segments(
  agent: RestateAgent<never, ToolSet>,
  continueAsNew: ContinueAsNewOptions,
  prompt: unknown = "go",
  options?: LinkOptions,
): Promise<ChainLink[]> {
  return runChain(agentService("Worker", agent, { continueAsNew }), prompt, options);
}

describe("a run that is longer than a segment", () => {
  test("goes on in new invocations, and the caller gets the answer", async () => {
    const { agent, model } = worker(working(5));
    const links = await segments(agent, { steps: 2 });
    expect(outcome(links)).toEqual({ ok: true, value: "done" });
    expect(commands(links)).toEqual([
      ["model 1", "tool work w1", "model 2", "tool work w2", "continue", "call Worker/continue"],
      ["model 1", "tool work w3", "model 2", "tool work w4", "continue", "call Worker/continue"],
      ["model 1", "tool work w5", "model 2"],
    ]);
    const last = JSON.stringify(model.calls.at(-1)?.prompt);
    for (const id of ["w1", "w3", "w5"]) expect(last).toContain(`worked ${id}`);
  });

  test("sends the model the very prompts that one invocation would", async () => {
    const settings = { instructions: "You work." };
    const whole = worker(working(5), settings);
    await runChain(agentService("Worker", whole.agent), "go");
    const parts = worker(working(5), settings);
    const links = await segments(parts.agent, { steps: 2 });
    const prompts = (calls: typeof parts.model.calls) => new Set(calls.map(({ prompt }) => JSON.stringify(prompt)));
    expect(links).toHaveLength(3);
    expect(prompts(parts.model.calls)).toEqual(prompts(whole.model.calls));
  });

  test("is handed over as its journal grows, too", async () => {
    const bulky = tool({ inputSchema: input, execute: async ({ id }) => `worked ${id} ${"x".repeat(2_000)}` });
    const { agent } = worker(working(4), { tools: { work: bulky } });
    const links = await segments(agent, { bytes: 4_500 });
    expect(modelSteps(links)).toEqual([2, 2, 1]);
  });

  test("is handed over at the same step on replay", async () => {
    const bulky = tool({ inputSchema: input, execute: async ({ id }) => `worked ${id} ${"x".repeat(2_000)}` });
    const { agent } = worker(working(4), { tools: { work: bulky } });
    for (const mode of ["bidirectional", "request-response"] as const) {
      for (let at = 1; at <= 10; at++) {
        const links = await segments(agent, { bytes: 4_500 }, "go", () => ({ mode, seed: at, crashAt: [at, at + 1] }));
        expect(modelSteps(links)).toEqual([2, 2, 1]);
      }
    }
  });

  test("is one invocation by default, and when it fits", async () => {
    const { agent } = worker(working(5));
    expect(await runChain(agentService("Worker", agent), "go")).toHaveLength(1);
    const fits = await segments(agent, {});
    expect(fits).toHaveLength(1);
    expect(outcome(fits)).toEqual({ ok: true, value: "done" });
    expect(() => handlerOf(agentService("Worker", agent), "continue")).toThrow("no handler");
  });

  test("answers the same when the process dies after any event of any segment", async () => {
    const { agent } = worker(working(4));
    const compact = keepLastMessages(4);
    for (const mode of ["bidirectional", "request-response"] as const) {
      const whole = await segments(agent, { steps: 2, compact }, "go", () => ({ mode }));
      expect(whole).toHaveLength(3);
      for (const [n, link] of whole.entries()) {
        for (let at = 1; at <= link.result.journal.events.length; at++) {
          const crashed = await segments(agent, { steps: 2, compact }, "go", (m) => ({
            mode,
            seed: at,
            ...(m === n ? { crashAt: [at] } : {}),
          }));
          expect(outcome(crashed)).toEqual(outcome(whole));
          expect(commands(crashed)).toEqual(commands(whole));
          for (const { result } of crashed)
            for (const times of result.executions.values()) expect(times).toBeLessThanOrEqual(2);
        }
      }
    }
  });

  test("makes the same call on replay when a tool that is not a step answers differently", async () => {
    let calls = 0;
    const fickle = tool({ inputSchema: input, execute: async ({ id }) => `worked ${id}, call ${(calls += 1)}` });
    const options = { toolOptions: { work: { wrap: false } } };
    const { agent } = worker(working(3), { tools: { work: fickle } }, options);
    const links = await segments(agent, { steps: 2 }, "go", () => ({ crashAt: "every" }));
    expect(outcome(links)).toEqual({ ok: true, value: "done" });
    expect(links).toHaveLength(2);
  });
});

describe("stop conditions", () => {
  test("see the whole run: isStepCount counts over segments", async () => {
    for (const limit of [1, 2, 3, 4, 5, 25]) {
      const { agent, model } = worker(working(30), { stopWhen: isStepCount(limit) });
      const links = await segments(agent, { steps: 2 });
      expect(new Set(model.calls.map(({ prompt }) => prompt.length)).size).toBe(limit);
      expect(links).toHaveLength(Math.ceil(limit / 2));
    }
  });

  test("the default of 20 steps is the run's", async () => {
    const { agent } = worker(working(30), { stopWhen: undefined });
    const links = await segments(agent, { steps: 6 });
    expect(modelSteps(links)).toEqual([6, 6, 6, 2]);
  });

  test("a usage budget is the run's, also over steps that are no longer kept one by one", async () => {
    const seen: number[] = [];
    const budget = ({ steps }: { steps: { usage: { totalTokens: number | undefined } }[] }): boolean => {
      const total = steps.reduce((sum, { usage }) => sum + (usage.totalTokens ?? 0), 0);
      seen.push(total);
      return total >= 15 * 45;
    };
    const { agent } = worker(working(60), { stopWhen: budget });
    const links = await segments(agent, { steps: 4 });
    expect(links).toHaveLength(12);
    expect(new Set(seen)).toEqual(new Set(Array.from({ length: 45 }, (_, n) => 15 * (n + 1))));
  });

  test("see the tools of earlier segments, and numbered steps", async () => {
    const seen = new Set<string>();
    const look = ({ steps }: { steps: { toolCalls: { toolName: string }[]; stepNumber: number }[] }): boolean => {
      const numbers = steps.map(({ stepNumber }) => stepNumber);
      const calls = steps.flatMap(({ toolCalls }) => toolCalls).filter(({ toolName }) => toolName === "work").length;
      seen.add(`${steps.length} ${calls} ${numbers.every((number, index) => number === index)}`);
      return false;
    };
    const { agent } = worker(working(50), { stopWhen: [look, hasToolCall("nosuch")] });
    await segments(agent, { steps: 3 });
    expect([...seen]).toEqual(Array.from({ length: 50 }, (_, n) => `${n + 1} ${n + 1} true`));
  });

  test("that hold end the run, also where the segment is full", async () => {
    const { agent } = worker(working(9), { stopWhen: ({ steps }: { steps: unknown[] }) => steps.length === 2 });
    const links = await segments(agent, { steps: 2 });
    expect(links).toHaveLength(1);
    expect(outcome(links)).toEqual({ ok: true, value: "" });
  });
});

describe("a run ends, and is not handed over,", () => {
  const asks = tool({ inputSchema: input, execute: async ({ id }) => `paid ${id}`, needsApproval: true });
  const client = tool({ inputSchema: input });
  const thenCalls =
    (name: string): ModelScript =>
    ({ prompt }) => ({ toolCalls: [call(prompt.length > 2 ? name : "work", `c${prompt.length}`)] });

  test.each([
    ["with an answer in the last step of the segment", { stopWhen: isLoopFinished() }, working(1)],
    ["with a tool call for the client", { tools: { work, client } }, thenCalls("client")],
    ["with a pending approval", { tools: { work, asks } }, thenCalls("asks")],
  ] as const)("%s", async (_, settings, script) => {
    const links = await segments(worker(script, settings).agent, { steps: 2 });
    expect(outcome(links)).toMatchObject({ ok: true });
    expect(modelSteps(links)).toEqual([2]);
  });

  test("while a provider owes the result of its own call", async () => {
    const search = {
      type: "provider" as const,
      isProviderExecuted: true as const,
      id: "scripted.search" as const,
      args: {},
      supportsDeferredResults: true,
      inputSchema: input,
      outputSchema: input,
    };
    const model = scriptedModel(working(4));
    const owing: typeof model = {
      ...model,
      doGenerate: async (parameters) => {
        const answer = await model.doGenerate(parameters);
        const step = parameters.prompt.filter(({ role }) => role === "tool").length;
        const owed = { toolCallId: "s", toolName: "search", providerExecuted: true } as const;
        if (step === 1) answer.content.push({ type: "tool-call", input: '{"id":"s"}', ...owed });
        if (step === 2) answer.content.push({ type: "tool-result", result: { id: "found" }, ...owed });
        return answer;
      },
    };
    const { agent } = worker([], { model: owing, tools: { work, search } });
    expect(modelSteps(await segments(agent, { steps: 2 }))).toEqual([3, 2]);
  });

  test("an approval that was given is not asked for, nor its tool run, again", async () => {
    let paid = 0;
    const pay = tool({
      inputSchema: input,
      execute: async ({ id }) => `worked ${id} ${(paid += 1)}`,
      needsApproval: true,
    });
    const { agent } = worker(working(4), { tools: { work, pay } });
    const messages: ModelMessage[] = [
      { role: "user", content: "pay" },
      {
        role: "assistant",
        content: [
          { type: "tool-call", toolCallId: "p", toolName: "pay", input: { id: "w1" } },
          { type: "tool-approval-request", approvalId: "q", toolCallId: "p" },
        ],
      },
      { role: "tool", content: [{ type: "tool-approval-response", approvalId: "q", approved: true }] },
    ];
    const links = await segments(agent, { steps: 1, compact: keepLastMessages(2) }, { messages });
    expect(outcome(links)).toEqual({ ok: true, value: "done" });
    expect(links).toHaveLength(4);
    expect(paid).toBe(1);
    expect(
      links.flatMap(({ result }) => [...result.journal.commands]).filter((name) => name.includes(" pay ")),
    ).toEqual(["run worker tool pay p"]);
  });

  test("automatic approvals and denials survive the handover", async () => {
    const toolApproval = { work: ({ id }: { id: string }) => (id === "w2" ? "denied" : "approved") };
    const script: ModelScript = ({ prompt }) => {
      const done = JSON.stringify(prompt).split('"tool-result"').length - 1;
      return done === 4 ? { text: "done" } : { toolCalls: [call("work", `w${done + 1}`)] };
    };
    const { agent } = worker(script, { toolApproval });
    const links = await segments(agent, { steps: 1 });
    expect(outcome(links)).toEqual({ ok: true, value: "done" });
    expect(links.flatMap(({ result }) => result.journal.commands).filter((name) => name.includes("tool"))).toEqual(
      ["w1", "w3", "w4"].map((id) => `run worker tool work ${id}`),
    );
  });
});

describe("the next segment gets", () => {
  test("structured output", async () => {
    const output = Output.object({ schema: z.object({ city: z.string() }) });
    const { agent } = worker(working(3, { text: '{"city":"Oslo"}' }), { output });
    expect(outcome(await segments(agent, { steps: 2 }))).toEqual({ ok: true, value: { city: "Oslo" } });
  });

  test("call options, for a prepareCall that sees the original prompt in each segment", async () => {
    const seen: unknown[] = [];
    const { agent, model } = worker(working(3), {
      callOptionsSchema: z.object({ tone: z.string() }),
      prepareCall: (given: { options: { tone: string }; prompt: string; messages?: unknown }) => {
        const { options, prompt, ...rest } = given;
        seen.push(rest.messages === undefined ? prompt : "messages");
        return { ...rest, prompt: `${prompt} (${options.tone})`, instructions: `Be ${options.tone}.` };
      },
    });
    const links = await segments(agent, { steps: 2 }, { prompt: "go", options: { tone: "kind" } });
    expect(outcome(links)).toEqual({ ok: true, value: "done" });
    expect(new Set(seen)).toEqual(new Set(["go"]));
    for (const { prompt } of model.calls) {
      expect(prompt[0]).toMatchObject({ content: "Be kind." });
      expect(JSON.stringify(prompt).split("go (kind)")).toHaveLength(2);
    }
  });

  test("call options without a prepareCall, and the prompt once", async () => {
    const { agent } = worker(working(3), { callOptionsSchema: z.object({ tone: z.string() }) });
    const links = await segments(agent, { steps: 2 }, { prompt: "once and only", options: { tone: "kind" } });
    const handedOver = new TextDecoder().decode(links[1]?.input as Uint8Array);
    expect(handedOver.split("once and only")).toHaveLength(2);
    expect(JSON.parse(handedOver)).toMatchObject({ v: 1, segment: 2, parameters: { options: { tone: "kind" } } });
  });

  test("binary parts of messages as bytes", async () => {
    const picture = tool({
      inputSchema: input,
      execute: async ({ id }) => `worked ${id}`,
      toModelOutput: ({ output }) => ({
        type: "content" as const,
        value: [
          { type: "text" as const, text: String(output) },
          {
            type: "file" as const,
            mediaType: "image/png",
            data: { type: "data" as const, data: new Uint8Array([1, 2]) },
          },
        ],
      }),
    });
    const content = [{ type: "file" as const, mediaType: "image/png", data: new Uint8Array([3, 4]) }];
    const { agent, model } = worker(working(3), { tools: { work: picture } });
    await segments(agent, { steps: 1 }, { messages: [{ role: "user", content }] });
    const last = model.calls.at(-1)?.prompt;
    expect(last?.[0]?.content[0]).toMatchObject({ data: { data: new Uint8Array([3, 4]) } });
    expect(last?.[2]?.content[0]).toMatchObject({
      output: { value: [{ text: "worked w1" }, { data: { data: new Uint8Array([1, 2]) } }] },
    });
  });

  test("prepareStep with the whole run's steps, and its overrides that carry forward", async () => {
    const seen = new Set<string>();
    const prepareStep = ({ stepNumber, steps, instructions, initialInstructions }: Record<string, unknown>) => {
      seen.add(
        `${String(stepNumber)} ${(steps as unknown[]).length} ${String(instructions)} ${String(initialInstructions)}`,
      );
      return stepNumber === 1 ? { instructions: "changed" } : {};
    };
    const { agent, model } = worker(working(4), { instructions: "first", prepareStep });
    await segments(agent, { steps: 2 });
    expect([...seen]).toEqual([
      "0 0 first first",
      "1 1 first first",
      "2 2 changed first",
      "3 3 changed first",
      "4 4 changed first",
    ]);
    expect(model.calls.at(-1)?.prompt[0]).toMatchObject({ content: "changed" });
  });

  test("messages as prepareStep left them", async () => {
    const prepareStep = ({ stepNumber, messages }: { stepNumber: number; messages: ModelMessage[] }) =>
      stepNumber === 1 ? { messages: [{ role: "user" as const, content: "shorter" }, ...messages.slice(1)] } : {};
    const { agent, model } = worker(working(3), { prepareStep });
    await segments(agent, { steps: 2 });
    expect(model.calls.at(-1)?.prompt[0]).toMatchObject({ content: [{ text: "shorter" }] });
  });

  test("what is left of the total timeout", async () => {
    const slow = tool({ inputSchema: input, execute: async ({ id }) => `worked ${id}` });
    const { agent } = worker(working(3), { tools: { work: slow }, timeout: { totalMs: 60_000 } });
    const links = await segments(agent, { steps: 1 });
    expect(outcome(links)).toEqual({ ok: true, value: "done" });
    const deadlines = links.slice(1).map(({ input: bytes }) => {
      const { deadlineMs } = JSON.parse(new TextDecoder().decode(bytes as Uint8Array)) as { deadlineMs: number };
      return deadlineMs;
    });
    expect(deadlines).toEqual([60_000, 60_000, 60_000]);
  });
});

describe("compact", () => {
  test("is a journaled step that is told about the run, and may do I/O", async () => {
    const told: unknown[] = [];
    const { agent } = worker(working(5));
    const compact: ContinueAsNewOptions["compact"] = async (messages, { signal, segment, steps, usage }) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      told.push([signal.aborted, segment, steps, usage.totalTokens, messages.length]);
      return [{ role: "user", content: `So far: ${JSON.stringify(messages)}` }];
    };
    const links = await segments(agent, { steps: 2, compact });
    expect(outcome(links)).toEqual({ ok: true, value: "done" });
    expect(told).toContainEqual([false, 1, 2, 30, 5]);
    expect(told).toContainEqual([false, 2, 4, 60, 5]);
    expect(links[0]?.result.executions.get("worker continue")).toBe(1);
  });

  test("keeps what is handed over bounded", async () => {
    const { agent } = worker(working(60));
    const links = await segments(agent, { steps: 5, compact: keepLastMessages(6) });
    const sizes = links.slice(1).map(({ input: bytes }) => (bytes as Uint8Array).length);
    expect(sizes).toHaveLength(12);
    expect(Math.max(...sizes)).toBeLessThan((sizes[4] ?? 0) * 1.05);
  });

  test.each([
    ["nothing", undefined, "not a list of messages"],
    ["no messages", [], "not a list of messages"],
    ["what are no messages", [{ role: "user" }], "not a list of messages"],
    [
      "a result without its call",
      [
        {
          role: "tool",
          content: [{ type: "tool-result", toolCallId: "x", toolName: "work", output: { type: "text", value: "" } }],
        },
      ],
      'the result of tool call "x" has lost its call',
    ],
    [
      "a call without its result",
      [{ role: "assistant", content: [{ type: "tool-call", toolCallId: "x", toolName: "work", input: {} }] }],
      'tool call "x" of work has lost its result',
    ],
  ])("that returns %s ends the run with a clear error", async (_, messages, problem) => {
    const compact = (() => messages) as unknown as NonNullable<ContinueAsNewOptions["compact"]>;
    const [link] = await segments(worker(working(5)).agent, { steps: 2, compact });
    const end = link?.result.outcome;
    expect(end?.ok === false && DefinitionError.isInstance(end.error)).toBe(true);
    expect(end?.ok === false && String(end.error)).toContain("continueAsNew.compact returned");
    expect(end?.ok === false && String(end.error)).toContain(problem);
  });

  test("cannot use the context", async () => {
    const compact: ContinueAsNewOptions["compact"] = async () => {
      await restateContext().sleep(1);
      return [];
    };
    const [link] = await segments(worker(working(5)).agent, { steps: 2, compact });
    expect(link?.result.outcome).toMatchObject({ ok: false, error: { errorCode: "inside-step" } });
  });
});

describe("failures", () => {
  test("of a later segment reach the caller with code and message", async () => {
    const failing = tool({
      inputSchema: input,
      execute: async ({ id }) => {
        if (id === "w7") throw new TerminalError("no more work", { errorCode: 418 });
        return `worked ${id}`;
      },
    });
    const { agent } = worker(working(9), { tools: { work: failing } }, { toolErrors: "fail" });
    const links = await segments(agent, { steps: 1 });
    expect(links).toHaveLength(7);
    expect(outcome(links)).toMatchObject({ ok: false, error: { code: 418, message: "no more work" } });
  });

  test("a cancellation at any moment ends the run", async () => {
    const { agent } = worker(working(3));
    const [whole] = await segments(agent, { steps: 2 });
    for (let cancelAt = 1; cancelAt < (whole?.result.journal.events.length ?? 0); cancelAt++) {
      const [link] = await segments(agent, { steps: 2 }, "go", (n) => (n === 0 ? { cancelAt } : {}));
      expect(link?.result.outcome).toMatchObject({ ok: false, error: { name: "CancelledError" } });
    }
  });

  test.each([
    ["not JSON", "no"],
    ["something else", '{"v":1}'],
    ["a role that does not exist", '{"v":1,"segment":2,"parameters":{},"messages":[{"role":"boss"}],"overrides":{}}'],
  ])("the handler continue refuses %s", async (_, text) => {
    const definition = agentService("Worker", worker(working(1)).agent, { continueAsNew: {} });
    const bytes = new TextEncoder().encode(text);
    const { outcome: end } = await runFake((context) => handlerOf(definition, "continue")(context, bytes));
    expect(end).toMatchObject({ ok: false, error: { code: 400, errorCode: "invalid-input" } });
  });

  test("the handler continue refuses a form that it does not know", async () => {
    const definition = agentService("Worker", worker(working(3)).agent, { continueAsNew: { steps: 2 } });
    const [, link] = await runChain(definition, "go");
    const newer = new TextDecoder().decode(link?.input as Uint8Array).replace('"v":1', '"v":2');
    const { outcome: end } = await runFake((context) =>
      handlerOf(definition, "continue")(context, new TextEncoder().encode(newer)),
    );
    expect(end).toMatchObject({ ok: false, error: { code: 400, errorCode: "invalid-input" } });
  });

  test("wrong options are refused when the service is defined", () => {
    const { agent } = worker(working(1));
    const define = (continueAsNew: object) => () => agentService("Worker", agent, { continueAsNew });
    expect(define({ steps: 0 })).toThrow(DefinitionError);
    expect(define({ bytes: 1.5 })).toThrow("continueAsNew.bytes must be a positive integer: current value is 1.5");
    expect(define({ compact: "all" })).toThrow("continueAsNew.compact must be a function");
    expect(define({})).not.toThrow();
  });
});

test("a plain ToolLoopAgent that became durable continues, too", async () => {
  const plain = new ToolLoopAgent({
    id: "worker",
    model: scriptedModel(working(3)),
    tools: { work },
    stopWhen: isLoopFinished(),
  });
  const links = await runChain(agentService("Worker", new RestateAgent(plain), { continueAsNew: { steps: 2 } }), "go");
  expect(outcome(links)).toEqual({ ok: true, value: "done" });
  expect(links).toHaveLength(2);
});
