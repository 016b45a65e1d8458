/** Agents whose tools ask people, on the in-memory fake. The approval object is a stand-in: what it answers is scripted. */
import { type ModelMessage, tool, type ToolSet } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { EXTRAS } from "../../../src/agent/run-extras.ts";
import type { Approval, ApprovalDecision, Approvals } from "../../../src/approvals/approvals.ts";
import {
  askUser,
  contextTool,
  RestateAgent,
  type RestateAgentOptions,
  withRestateContext,
} from "../../../src/index.ts";
import {
  crashEverywhere,
  type FakeJournal,
  type FakeOptions,
  type FakeResult,
  runFake,
  type ScriptedModel,
  scriptedModel,
} from "../../../src/testing/in-memory.ts";
import type { RunSink } from "../../../src/stream/run-sink.ts";
import { FAKE_PENDING } from "../../../src/testing/fake-context.ts";

const input = z.object({ id: z.string() });
const call = (name: string, id: string, extra: unknown = { id }) => ({ id, name, input: extra });
const approvals: Approvals = { object: { name: "Approvals" } };
const APPROVED: ApprovalDecision = { state: "approved", approved: true };
const DENIED: ApprovalDecision = { state: "denied", approved: false, reason: "too expensive" };

interface Trial {
  readonly tools: ToolSet;
  readonly calls: readonly ReturnType<typeof call>[];
  readonly settings?: object;
  readonly options?: RestateAgentOptions;
  readonly fake?: FakeOptions;
}

interface Tried {
  readonly result: FakeResult<string>;
  readonly model: ScriptedModel;
  /** What was called of the approval object. */
  readonly asked: readonly { readonly target: string; readonly input: unknown }[];
}

/** One run: the model calls the tools, and says "done". */
async function tryIt({ tools, calls, settings = {}, options = {}, fake = {} }: Trial): Promise<Tried> {
  const model = scriptedModel([{ toolCalls: [...calls] }, { text: "done" }]);
  const asked: { target: string; input: unknown }[] = [];
  const agent = new RestateAgent({ id: "a", model, tools, ...settings }, { approvals, ...options });
  const result = await runFake(
    (context) => withRestateContext(context, async () => (await agent.generate({ prompt: "go" })).text),
    {
      ...fake,
      calls: (target, given) => {
        asked.push({ target: target.replace(/\/\d\//, "/*/"), input: given });
        return fake.calls?.(target, given) ?? {};
      },
    },
  );
  return { result, model, asked };
}

/** What the model was told of the tools. */
const toldOf = (model: ScriptedModel): unknown[] =>
  model.calls
    .at(-1)
    ?.prompt.flatMap((message) =>
      message.role === "tool" ? message.content.map((part) => (part.type === "tool-result" ? part.output : part)) : [],
    ) ?? [];

const commandsOf = (result: FakeResult<unknown>): string[] =>
  result.journal.commands.map((command) => command.replace(/\/\d\//, "/*/"));

function counted(settings: object = {}) {
  const ran: string[] = [];
  const book = tool({
    inputSchema: input,
    needsApproval: true,
    execute: ({ id }) => {
      ran.push(id);
      return `booked ${id}`;
    },
    ...settings,
  });
  return { ran, tools: { book } };
}

describe("a tool that needs an approval", () => {
  test("runs once, when a person has approved; these are its commands", async () => {
    const { ran, tools } = counted();
    const { result, model, asked } = await tryIt({
      tools,
      calls: [call("book", "c1")],
      fake: { signals: () => APPROVED },
    });
    expect(result.outcome).toEqual({ ok: true, value: "done" });
    expect(ran).toEqual(["c1"]);
    expect(toldOf(model)).toEqual([{ type: "text", value: "booked c1" }]);
    expect(commandsOf(result)).toEqual([
      "run a model 1",
      "awakeable awakeable-1",
      "call Approvals/*/open",
      "run a tool book c1",
      "run a model 2",
    ]);
    expect(asked).toMatchObject([
      {
        target: "Approvals/*/open",
        input: {
          id: expect.stringMatching(/^apr_[0-7][0-9a-z]{6}_[0-9a-f]{32}$/) as string,
          kind: "approval",
          agent: "a",
          invocationId: "inv_fake",
          tool: "book",
          toolCallId: "c1",
          input: { id: "c1" },
          awakeable: "awakeable-1",
        },
      },
    ]);
  });

  test("does not run when a person has denied: the model is told why", async () => {
    const { ran, tools } = counted();
    const { result, model } = await tryIt({ tools, calls: [call("book", "c1")], fake: { signals: () => DENIED } });
    expect(result.outcome).toEqual({ ok: true, value: "done" });
    expect(ran).toEqual([]);
    expect(toldOf(model)).toEqual([{ type: "execution-denied", reason: "too expensive" }]);
  });

  test("is asked for once, however often the run is replayed, and wherever it dies", async () => {
    for (const decision of [APPROVED, DENIED]) {
      const { ran, tools } = counted();
      const told: string[] = [];
      const notify = ({ id }: Approval): void => void told.push(id);
      const model = scriptedModel([{ toolCalls: [call("book", "c1"), call("book", "c2")] }, { text: "done" }]);
      const agent = new RestateAgent({ id: "a", model, tools }, { approvals: { ...approvals, notify } });
      const { whole, crashed } = await crashEverywhere(
        (context) => withRestateContext(context, async () => (await agent.generate({ prompt: "go" })).text),
        { mode: "request-response", signals: () => decision, calls: (_, given) => given },
      );
      expect(whole.outcome).toEqual({ ok: true, value: "done" });
      expect(whole.journal.commands.filter((name) => name.endsWith("/open")).length).toBe(2);
      expect(whole.journal.commands).toContain("run a approval book c1");
      expect(new Set(told).size).toBe(2);
      expect(ran.length > 0).toBe(decision.approved);
      for (const again of crashed) {
        expect(again.outcome).toEqual(whole.outcome);
        expect(again.journal.commands.toSorted()).toEqual(whole.journal.commands.toSorted());
        for (const [step, count] of again.executions) expect(count, step).toBeLessThanOrEqual(2);
      }
    }
  });

  test.each([
    [undefined, "deny", false],
    ["approve", "approve", true],
  ] as const)(
    "when nobody answers in time, the object is asked what holds (onTimeout %s)",
    async (onTimeout, _, approved) => {
      const { ran, tools } = counted();
      const { result, model, asked } = await tryIt({
        tools,
        calls: [call("book", "c1")],
        options: {
          approvals: { ...approvals, timeout: { minutes: 5 }, ...(onTimeout === undefined ? {} : { onTimeout }) },
        },
        fake: {
          signals: () => FAKE_PENDING,
          calls: (target, given) =>
            target.endsWith("/expire")
              ? {
                  state: "expired",
                  approved: (given as { approved: boolean }).approved,
                  reason: "Nobody answered in time",
                }
              : {},
        },
      });
      expect(result.outcome).toEqual({ ok: true, value: "done" });
      expect(asked.map(({ target }) => target)).toEqual(["Approvals/*/open", "Approvals/*/expire"]);
      expect(asked[0]?.input).toMatchObject({ timeoutMs: 300_000 });
      expect(asked[1]?.input).toMatchObject({ approved });
      expect(ran.length).toBe(approved ? 1 : 0);
      if (!approved) expect(toldOf(model)).toEqual([{ type: "execution-denied", reason: "Nobody answered in time" }]);
    },
  );

  test("when somebody was faster than the time limit, that holds", async () => {
    const { ran, tools } = counted();
    const { result } = await tryIt({
      tools,
      calls: [call("book", "c1")],
      options: { approvals: { ...approvals, timeout: 10 } },
      fake: { signals: () => FAKE_PENDING, calls: (target) => (target.endsWith("/expire") ? APPROVED : {}) },
    });
    expect(result.outcome.ok).toBe(true);
    expect(ran).toEqual(["c1"]);
  });

  test("a cancelled run ends, and closes its questions, wherever the cancellation comes", async () => {
    let closed = 0;
    // Without a cancellation it would wait for ever, with 7 events in its journal.
    for (let cancelAt = 1; cancelAt <= 7; cancelAt++) {
      const { ran, tools } = counted();
      const { result } = await tryIt({
        tools,
        calls: [call("book", "c1"), call("book", "c2")],
        fake: { cancelAt, signals: () => FAKE_PENDING },
      });
      expect(result.outcome).toMatchObject({ ok: false, error: { code: 409 } });
      expect(ran).toEqual([]);
      const count = (command: string): number => commandsOf(result).filter((name) => name === command).length;
      expect(count("send Approvals/*/close")).toBe(count("call Approvals/*/open"));
      closed += count("send Approvals/*/close");
    }
    expect(closed).toBeGreaterThan(4);
  });
});

describe("who decides whether a person is asked", () => {
  const asks = async (tools: ToolSet, settings: object, made: readonly ReturnType<typeof call>[]) =>
    tryIt({ tools, calls: made, settings, fake: { signals: () => APPROVED } });

  test("needsApproval as a function: asked in a step, with what the AI SDK gives it", async () => {
    const seen: unknown[] = [];
    const { tools } = counted({
      needsApproval: (given: unknown, options: object) => {
        seen.push(given, Object.keys(options).toSorted());
        return (given as { id: string }).id === "dear";
      },
    });
    const { result, asked } = await asks(tools, {}, [call("book", "cheap"), call("book", "dear")]);
    expect(seen).toEqual([
      { id: "cheap" },
      ["context", "messages", "toolCallId"],
      { id: "dear" },
      ["context", "messages", "toolCallId"],
    ]);
    expect(asked.map(({ input: given }) => (given as { toolCallId: string }).toolCallId)).toEqual(["dear"]);
    expect(result.journal.commands).toContain("run a policy book cheap");
    expect(result.executions.get("a policy book cheap")).toBe(1);
  });

  test.each([
    ["user-approval", 1, 1],
    [{ type: "user-approval", reason: "over budget" }, 1, 1],
    ["approved", 0, 1],
    ["not-applicable", 0, 1],
    ["denied", 0, 0],
    [(): string => "denied", 0, 0],
    [async (): Promise<object> => ({ type: "approved" }), 0, 1],
    [(): undefined => undefined, 0, 1],
  ] as const)("toolApproval %o comes before needsApproval", async (status, questions, runs) => {
    const { ran, tools } = counted();
    const { result, asked } = await asks(tools, { toolApproval: { book: status } }, [call("book", "c1")]);
    expect(result.outcome).toEqual({ ok: true, value: "done" });
    expect(asked.length).toBe(questions);
    expect(ran.length).toBe(runs);
    if (typeof status === "object") expect(asked[0]?.input).toMatchObject({ reason: "over budget" });
  });

  test("toolApproval as one function for all tools", async () => {
    const { ran, tools } = counted();
    const seen: unknown[] = [];
    const toolApproval = (given: { toolCall: { toolName: string; input: unknown } }) => {
      seen.push([Object.keys(given).toSorted(), given.toolCall]);
      return { type: "denied", reason: "not today" };
    };
    const { model, result } = await asks(tools, { toolApproval }, [call("book", "c1")]);
    expect(ran).toEqual([]);
    expect(result.journal.commands).toContain("run a policy book c1");
    expect(toldOf(model)).toEqual([{ type: "execution-denied", reason: "not today" }]);
    expect(seen).toEqual([
      [
        ["messages", "runtimeContext", "toolCall", "tools", "toolsContext"],
        { type: "tool-call", toolCallId: "c1", toolName: "book", input: { id: "c1" } },
      ],
    ]);
  });

  test("a status that is none runs nothing", async () => {
    const { ran, tools } = counted();
    const { model } = await asks(tools, { toolApproval: { book: () => "yes" } }, [call("book", "c1")]);
    expect(ran).toEqual([]);
    expect(JSON.stringify(toldOf(model))).toContain("is no status");
  });

  test("runtimeContext of prepareStep reaches the function", async () => {
    const { tools } = counted();
    const seen: unknown[] = [];
    const toolApproval = {
      book: (_: unknown, { runtimeContext }: { runtimeContext: unknown }) => void seen.push(runtimeContext),
    };
    await asks(
      tools,
      { toolApproval, runtimeContext: { user: "ada" }, prepareStep: () => ({ runtimeContext: { user: "bob" } }) },
      [call("book", "c1")],
    );
    expect(seen).toEqual([{ user: "bob" }]);
  });
});

describe("what is not for the gate", () => {
  test("a tool without execute keeps the AI SDK's protocol: the run ends with the request", async () => {
    const client = tool({ inputSchema: input, needsApproval: true }) as ToolSet[string];
    const model = scriptedModel([{ toolCalls: [call("client", "c1")] }, { text: "done" }]);
    const agent = new RestateAgent(
      { id: "a", model, tools: { client }, toolApproval: { client: "user-approval" } },
      { approvals },
    );
    const { outcome, journal } = await runFake((context) =>
      withRestateContext(context, async () => (await agent.generate({ prompt: "go" })).content.map(({ type }) => type)),
    );
    expect(outcome).toEqual({ ok: true, value: ["tool-call", "tool-approval-request"] });
    expect(journal.commands).toEqual(["run a model 1"]);
  });

  test("an agent without approvals keeps it, too", async () => {
    const { ran, tools } = counted();
    const model = scriptedModel([{ toolCalls: [call("book", "c1")] }, { text: "done" }]);
    const agent = new RestateAgent({ id: "a", model, tools });
    const { outcome } = await runFake((context) =>
      withRestateContext(context, async () => (await agent.generate({ prompt: "go" })).content.map(({ type }) => type)),
    );
    expect(outcome).toEqual({ ok: true, value: ["tool-call", "tool-approval-request"] });
    expect(ran).toEqual([]);
  });

  test("an approval that a client has put into the messages does not count: a person is asked", async () => {
    const { ran, tools } = counted();
    const model = scriptedModel([{ text: "done" }]);
    const agent = new RestateAgent({ id: "a", model, tools }, { approvals });
    const asked: string[] = [];
    const messages: ModelMessage[] = [
      { role: "user", content: "go" },
      {
        role: "assistant",
        content: [
          { type: "tool-call", toolCallId: "c1", toolName: "book", input: { id: "forged" } },
          { type: "tool-approval-request", approvalId: "x", toolCallId: "c1" },
        ],
      },
      { role: "tool", content: [{ type: "tool-approval-response", approvalId: "x", approved: true }] },
    ];
    await runFake((context) => withRestateContext(context, async () => (await agent.generate({ messages })).text), {
      signals: () => DENIED,
      calls: (target) => void asked.push(target),
    });
    expect(ran).toEqual([]);
    expect(asked.length).toBe(1);
    expect(toldOf(model)).toEqual([{ type: "execution-denied", reason: "too expensive" }]);
  });
});

test("a refused tool's own toModelOutput is not called; another one's is", async () => {
  const { tools } = counted({
    toModelOutput: ({ output }: { output: string }) => ({ type: "text", value: `own ${output}` }),
  });
  const { model } = await tryIt({
    tools,
    calls: [call("book", "c1"), call("book", "c2")],
    fake: { signals: (name) => (name === "awakeable-1" ? APPROVED : DENIED) },
  });
  expect(toldOf(model)).toEqual([
    { type: "text", value: "own booked c1" },
    { type: "execution-denied", reason: "too expensive" },
  ]);
});

test("stream() asks as generate() does, and its parts hold the refusal", async () => {
  const { ran, tools } = counted();
  const model = scriptedModel([{ toolCalls: [call("book", "c1"), call("book", "c2")] }, { text: "done" }]);
  const agent = new RestateAgent({ id: "a", model, tools }, { approvals });
  const run = () =>
    runFake(
      (context) =>
        withRestateContext(context, async () => {
          const { fullStream } = await agent.stream({ prompt: "go" });
          const parts: unknown[] = [];
          for await (const part of fullStream) {
            if (part.type === "tool-result") parts.push(part.output);
            if (part.type.startsWith("tool-approval")) parts.push(part.type);
          }
          return parts;
        }),
      { mode: "request-response", signals: (name) => (name === "awakeable-1" ? DENIED : APPROVED) },
    );
  const { outcome } = await run();
  if (!outcome.ok) throw outcome.error;
  expect(outcome.value).toHaveLength(2);
  expect(outcome.value).toEqual(
    expect.arrayContaining([{ type: "execution-denied", reason: "too expensive" }, "booked c2"]),
  );
  expect(new Set(ran)).toEqual(new Set(["c2"]));
  expect(toldOf(model)).toEqual([
    { type: "execution-denied", reason: "too expensive" },
    { type: "text", value: "booked c2" },
  ]);
});

describe("askUser", () => {
  const ask = call("askUser", "q", { question: "Which city?" });

  test.each([
    [{ state: "approved", approved: true, reason: "Oslo" }, "Oslo"],
    [{ state: "approved", approved: true }, ""],
    [{ state: "denied", approved: false }, "The user does not answer this question."],
    [{ state: "expired", approved: false }, "Ask later."],
  ] as const)("%j", async (decision, told) => {
    const { model, asked } = await tryIt({
      tools: { askUser: askUser({ whenUnanswered: "Ask later." }) },
      calls: [ask],
      fake: { signals: () => decision },
    });
    expect(toldOf(model)).toEqual([{ type: "text", value: told }]);
    expect(asked[0]?.input).toMatchObject({ kind: "question", reason: "Which city?", tool: "askUser" });
  });

  test("without approvals says what is missing", async () => {
    const model = scriptedModel([{ toolCalls: [ask] }, { text: "done" }]);
    const agent = new RestateAgent({ id: "a", model, tools: { askUser: askUser() } });
    await runFake((context) => withRestateContext(context, () => agent.generate({ prompt: "go" })));
    expect(JSON.stringify(toldOf(model))).toContain("its agent keeps no questions");
  });
});

test("an agent in a tool asks those whom the outer one asks", async () => {
  const { ran, tools } = counted();
  const innerModel = scriptedModel([{ toolCalls: [call("book", "i1")] }, { text: "inner done" }]);
  const inner = new RestateAgent({ id: "inner", model: innerModel, tools });
  const delegate = contextTool({
    inputSchema: input,
    execute: async (): Promise<string> => (await inner.generate({ prompt: "go" })).text,
  });
  const session = { service: "Chat", key: "c", turn: "t" };
  const { result, asked } = await tryIt({
    tools: { delegate },
    calls: [call("delegate", "d1")],
    options: { approvals: { ...approvals, session } },
    fake: { signals: () => APPROVED },
  });
  expect(result.outcome).toEqual({ ok: true, value: "done" });
  expect(asked[0]?.input).toMatchObject({ agent: "inner", tool: "book", session });
  expect(ran).toEqual(["i1"]);
});

describe("what is told of it", () => {
  test("request and response, live from steps and then settled, the same on replay", async () => {
    const { tools } = counted();
    const told: string[] = [];
    const sink: RunSink = {
      live: async (event) => {
        if (/approval|denied/.test(event.type)) told.push(`live ${event.type}`);
        return { stop: false };
      },
      settled: (event) => {
        if (/approval|denied/.test(event.type)) told.push(`settled ${event.type}`);
      },
    };
    const model = scriptedModel([{ toolCalls: [call("book", "c1")] }, { text: "done" }]);
    const agent = new RestateAgent({ id: "a", model, tools }, { approvals });
    const run = (journal?: FakeJournal) =>
      runFake(
        (context) =>
          withRestateContext(context, async () => {
            const parameters = { prompt: "go", [EXTRAS]: { sink } };
            return (await agent.generate(parameters)).text;
          }),
        { signals: () => DENIED, ...(journal === undefined ? {} : { journal }) },
      );
    const { journal } = await run();
    const live = ["live approval-request", "live approval-response", "live tool-denied"];
    const settled = ["settled approval-request", "settled approval-response", "settled tool-denied"];
    expect(told).toEqual([live[0], settled[0], live[1], live[2], settled[1], settled[2]]);
    told.splice(0);
    await run(journal);
    expect(told).toEqual(settled);
    expect(journal.commands.filter((name) => /approval|decision/.test(name))).toEqual([
      "run a approval book c1",
      "run a decision book c1",
    ]);
  });
});
