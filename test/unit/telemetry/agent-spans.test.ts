/** Spans of agents on the fake: which there are, below what, and that replays make none. */
import { generateText, isStepCount, tool, type ToolSet } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  contextTool,
  durableModel,
  RestateAgent,
  restateContext,
  TerminalError,
  withRestateContext,
} from "../../../src/index.ts";
import { type FakeOptions, type FakeResult, runFake, scriptedModel } from "../../../src/testing/in-memory.ts";
import { label, RecordedSpans } from "./recorded-spans.ts";

const call = (name: string, id: string) => ({ id, name, input: { id } });
const input = z.object({ id: z.string() });

interface Generates {
  generate(parameters: { prompt: string }): PromiseLike<{ readonly text: string }>;
}
interface Streams {
  stream(parameters: { prompt: string }): PromiseLike<{ readonly textStream: AsyncIterable<string> }>;
}

/** Three steps, with a tool that is a step, one that drives Restate, and an agent inside of another. */
function tripAgent(window?: false): Generates & Streams {
  const guide = (): RestateAgent =>
    new RestateAgent({ id: "guide", model: scriptedModel([{ text: "left, then right" }]) });
  const tools: ToolSet = {
    plain: tool({ inputSchema: input, execute: async ({ id }) => `secret ${id}` }),
    steps: contextTool({
      inputSchema: input,
      execute: async ({ id }) => {
        await restateContext().run(`one ${id}`, () => 1);
        await restateContext().sleep(10);
        return restateContext().run(`two ${id}`, () => 2);
      },
    }),
    nested: contextTool({
      inputSchema: input,
      execute: async () => (await guide().generate({ prompt: "Where?" })).text,
    }),
  };
  const model = scriptedModel([
    { toolCalls: [call("plain", "a"), call("steps", "b")] },
    { toolCalls: [call("nested", "c")] },
    { text: "done" },
  ]);
  const stopWhen = isStepCount(10);
  return new RestateAgent({ id: "trip", model, tools, stopWhen }, window === undefined ? {} : { window });
}

async function runTrip(
  options: FakeOptions,
  how: "generate" | "stream" = "generate",
  window?: false,
): Promise<{ recorded: RecordedSpans; result: FakeResult<string> }> {
  const recorded = new RecordedSpans();
  const agent = tripAgent(window);
  const run = async (): Promise<string> => {
    if (how === "generate") return (await agent.generate({ prompt: "go" })).text;
    const { textStream } = await agent.stream({ prompt: "go" });
    let text = "";
    for await (const delta of textStream) text += delta;
    return text;
  };
  const result = await recorded.during(() => runFake((context) => withRestateContext(context, run), options));
  return { recorded, result };
}

const TREE = [
  "invoke_agent trip",
  "  chat scripted [trip model 1]",
  "  chat scripted [trip model 2]",
  "  chat scripted [trip model 3]",
  "  execute_tool nested",
  "    invoke_agent guide",
  "      chat scripted [guide model 1]",
  "  execute_tool plain [trip tool plain a]",
  "  execute_tool steps",
];
const MODES = ["bidirectional", "request-response"] as const;

describe.each(MODES)("%s", (mode) => {
  describe.each(["generate", "stream"] as const)("%s()", (how) => {
    test.each([undefined, false] as const)("makes each span once, window %s", async (window) => {
      const { recorded, result } = await runTrip({ mode }, how, window);
      expect(result.outcome).toEqual({ ok: true, value: "done" });
      expect(recorded.tree).toEqual(TREE);
      expect(Object.values(recorded.counts)).toEqual(TREE.map(() => 1));
    });

    test("a replay makes none but those of what ends the handler", async () => {
      const { result } = await runTrip({ mode }, how);
      const { recorded } = await runTrip({ mode, journal: result.journal }, how);
      // The whole journal is there, but not the answer: the attempt died before it was written.
      expect(Object.keys(recorded.counts)).toEqual(["invoke_agent trip"]);
    });

    test("a crash at any event leaves each span there once, one of them twice", async () => {
      const { result } = await runTrip({ mode }, how);
      for (let at = 1; at <= result.journal.events.length; at++) {
        const crashed = await runTrip({ mode, crashAt: [at], seed: at }, how);
        expect([at, crashed.recorded.tree]).toEqual([at, TREE]);
        const extra = Object.entries(crashed.recorded.counts).filter(([, count]) => count > 1);
        expect(extra.every(([, count]) => count === 2)).toBe(true);
        const steps = extra.filter(([name]) => name.includes("["));
        expect([at, steps.length <= 1]).toEqual([at, true]);
      }
    });
  });
});

test("spans of one invocation have one trace, and the same ids in every run of it", async () => {
  const ids = ({ recorded }: { recorded: RecordedSpans }) =>
    new Map(recorded.spans.map((span) => [label(span), `${span.traceId} ${span.spanId}`]));
  const first = await runTrip({ mode: "request-response" });
  expect(new Set(first.recorded.spans.map(({ traceId }) => traceId)).size).toBe(1);
  expect(ids(await runTrip({ mode: "bidirectional", crashAt: "every" }))).toEqual(ids(first));
});

test("a parent begins before its children and ends after them", async () => {
  const { recorded } = await runTrip({ mode: "request-response" }, "generate", false);
  const byId = new Map(recorded.spans.map((span) => [span.spanId, span]));
  for (const span of recorded.spans) {
    const parent = byId.get(span.parentSpanId ?? "");
    expect(span.startMs).toBeGreaterThanOrEqual(parent?.startMs ?? 0);
    expect(span.endMs).toBeGreaterThanOrEqual(span.startMs);
    expect(span.endMs).toBeLessThanOrEqual(parent?.endMs ?? Infinity);
  }
});

test("a run that goes on to other things is exported when the journal goes on, once", async () => {
  const recorded = new RecordedSpans();
  const seen: string[][] = [];
  const run = async (): Promise<void> => {
    const agent = new RestateAgent({ id: "a", model: scriptedModel([{ text: "x" }]) });
    await agent.generate({ prompt: "go" });
    await restateContext().sleep(1_000);
    await restateContext().run("after", () => seen.push(recorded.spans.map(({ name }) => name)));
  };
  await recorded.during(() =>
    runFake((context) => withRestateContext(context, run), { mode: "request-response", crashAt: "every" }),
  );
  expect(seen[0]).toContain("invoke_agent a");
  expect(recorded.counts["invoke_agent a"]).toBeLessThanOrEqual(2);
});

test("a durable model's calls have spans, below the tool that they are made in", async () => {
  const recorded = new RecordedSpans();
  const ask = async (name: string): Promise<string> => {
    const model = durableModel(scriptedModel([{ text: "answer" }]), { name });
    return (await generateText({ model, prompt: "q", maxRetries: 0 })).text;
  };
  const agent = new RestateAgent({
    id: "a",
    model: scriptedModel([{ toolCalls: [call("asks", "x")] }, { text: "ok" }]),
    tools: { asks: contextTool({ inputSchema: input, execute: () => ask("inner") }) },
    stopWhen: isStepCount(5),
  });
  const run = async (): Promise<string> => `${await ask("outer")} ${(await agent.generate({ prompt: "go" })).text}`;
  const { outcome } = await recorded.during(() =>
    runFake((context) => withRestateContext(context, run), { mode: "request-response", crashAt: "every" }),
  );
  expect(outcome).toEqual({ ok: true, value: "answer ok" });
  expect(recorded.tree).toEqual([
    "chat scripted [outer model 1]",
    "invoke_agent a",
    "  chat scripted [a model 1]",
    "  chat scripted [a model 2]",
    "  execute_tool asks",
    "    chat scripted [inner model 1]",
  ]);
});

describe("without an exporter", () => {
  test("nothing is stored for telemetry", async () => {
    const agent = tripAgent();
    const run = async (): Promise<string> => (await agent.generate({ prompt: "go" })).text;
    const { journal } = await runFake((context) => withRestateContext(context, run));
    expect(storedSteps(journal).join()).not.toContain('"started"');
  });
});

/** What is stored of the completed steps, as text. */
function storedSteps({ completions }: FakeResult<unknown>["journal"]): string[] {
  return completions.flatMap(({ outcome }) => (outcome.ok === true ? [new TextDecoder().decode(outcome.bytes)] : []));
}

describe("what spans say", () => {
  const telling = (telemetry?: object): Generates =>
    new RestateAgent({
      id: "teller",
      model: scriptedModel([
        { toolCalls: [{ id: "x", name: "plain", input: { id: "prompted" } }] },
        { text: "the answer" },
      ]),
      tools: { plain: tool({ inputSchema: input, execute: async ({ id }) => `secret ${id}` }) },
      stopWhen: isStepCount(5),
      instructions: "be quiet",
      ...(telemetry === undefined ? {} : { telemetry }),
    });

  async function spansOf(agent: Generates, options: FakeOptions = {}): Promise<RecordedSpans> {
    const recorded = new RecordedSpans();
    const run = async (): Promise<string> => (await agent.generate({ prompt: "the question" })).text;
    await recorded.during(() => runFake((context) => withRestateContext(context, run), options));
    return recorded;
  }

  test("model, provider, tokens, finish reason, agent, step, invocation", async () => {
    const { spans } = await spansOf(telling());
    const chat = spans.find((span) => label(span) === "chat scripted [teller model 2]");
    expect(chat?.kind).toBe("client");
    expect(chat?.error).toBeUndefined();
    expect(chat?.attributes).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "scripted",
      "gen_ai.request.model": "scripted",
      "gen_ai.response.model": "scripted",
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.agent.name": "teller",
      "agent.run": "teller",
      "agent.step.number": 2,
      "restate.step.name": "teller model 2",
      "restate.invocation.id": "inv_fake",
      "restate.service": "Fake",
      "restate.handler": "run",
    });
    const run = spans.find(({ name }) => name === "invoke_agent teller");
    expect(run?.attributes).toMatchObject({ "agent.steps": 2, "gen_ai.response.finish_reasons": ["stop"] });
    expect(run?.attributes["gen_ai.usage.input_tokens"]).toBeTypeOf("number");
  });

  test("no content, unless it is asked for", async () => {
    const without = JSON.stringify((await spansOf(telling())).spans);
    for (const content of ["question", "answer", "secret", "prompted", "quiet"]) expect(without).not.toContain(content);
    const unset = JSON.stringify((await spansOf(telling({ functionId: "f" }))).spans);
    for (const content of ["question", "answer", "secret"]) expect(unset).not.toContain(content);
    const inputs = JSON.stringify((await spansOf(telling({ recordInputs: true }))).spans);
    for (const content of ["the question", "be quiet", "prompted"]) expect(inputs).toContain(content);
    expect(inputs).not.toContain("the answer");
    const outputs = JSON.stringify((await spansOf(telling({ recordOutputs: true }))).spans);
    for (const content of ["the answer", "secret prompted"]) expect(outputs).toContain(content);
    expect(outputs).not.toContain("the question");
  });

  test("nothing of an agent whose telemetry is off", async () => {
    expect((await spansOf(telling({ isEnabled: false }))).spans).toEqual([]);
  });

  test("a tool's retries are spans of their own, with their error, and not with what it says", async () => {
    let failures = 2;
    const agent = new RestateAgent({
      id: "a",
      model: scriptedModel([{ toolCalls: [call("flaky", "x")] }, { text: "ok" }]),
      tools: {
        flaky: tool({
          inputSchema: input,
          execute: async () => {
            await new Promise((resolve) => setTimeout(resolve, 2));
            if (failures-- > 0) throw new RangeError("hidden reason");
            return "ok";
          },
        }),
      },
      stopWhen: isStepCount(5),
    });
    const recorded = await spansOf(agent);
    const attempts = recorded.named("execute_tool flaky");
    expect(attempts.map(({ error }) => error?.type)).toEqual(["RangeError", "RangeError", undefined]);
    expect(new Set(attempts.map(({ spanId }) => spanId)).size).toBe(3);
    expect(JSON.stringify(recorded.spans)).not.toContain("hidden reason");
    expect(recorded.counts["invoke_agent a"]).toBe(1);
  });

  describe("a run that a transient failure stops", () => {
    const stumbling = (failures: number): Generates => {
      let left = failures;
      const flaky = contextTool({
        inputSchema: input,
        execute: async () => {
          if (left-- > 0) throw new RangeError("not yet");
          return "ok";
        },
      });
      const model = scriptedModel([{ toolCalls: [call("flaky", "x")] }, { text: "ok" }]);
      return new RestateAgent({ id: "stumbling", model, tools: { flaky }, stopWhen: isStepCount(5) });
    };

    test("has not ended", async () => {
      const recorded = await spansOf(stumbling(2));
      expect(recorded.spans.filter(({ error }) => error !== undefined)).toEqual([]);
      expect(recorded.counts).toMatchObject({ "invoke_agent stumbling": 1, "execute_tool flaky": 1 });
    });

    test("has ended for a handler that answers all the same", async () => {
      const agent = stumbling(1);
      const recorded = await spansOf({
        generate: async (parameters) => {
          const [result] = await Promise.allSettled([agent.generate(parameters)]);
          return result.status === "rejected" ? { text: "sorry" } : result.value;
        },
      });
      expect(recorded.named("invoke_agent stumbling").map(({ error }) => error?.type)).toEqual(["RangeError"]);
    });
  });

  test("a run that fails says with what", async () => {
    const agent = new RestateAgent(
      {
        id: "a",
        model: scriptedModel([{ toolCalls: [call("bad", "x")] }]),
        tools: {
          bad: tool({
            inputSchema: input,
            execute: (): Promise<string> => Promise.reject(new TerminalError("no")),
          }),
        },
      },
      { toolErrors: "fail" },
    );
    const recorded = await spansOf(agent, { mode: "request-response" });
    expect(recorded.counts).toEqual({
      "chat scripted [a model 1]": 1,
      "execute_tool bad [a tool bad x]": 1,
      "invoke_agent a": 1,
    });
    for (const name of ["execute_tool bad", "invoke_agent a"]) {
      expect(recorded.named(name)[0]?.error?.type).toBe("TerminalError");
    }
  });
});
