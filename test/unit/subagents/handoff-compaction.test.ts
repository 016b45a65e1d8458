/** Who has the conversation when messages of it are dropped, on the in-memory fake. */
import { type ModelMessage, tool, type ToolSet } from "ai";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { keepMark, markerOf } from "../../../src/agent/conversation-mark.ts";
import { headSerde } from "../../../src/session/session-head.ts";
import {
  agentService,
  agentSession,
  dropOldToolResults,
  handoffAgent,
  keepLastMessages,
  RestateAgent,
  withRestateContext,
} from "../../../src/index.ts";
import { turnCache } from "../../../src/session/turn/turn-cache.ts";
import { runFake, type ScriptedModel, scriptedModel } from "../../../src/testing/in-memory.ts";
import { runChain } from "../agent/continue-as-new-chain.ts";
import { FakeSession } from "../session/fake-session.ts";

const transfer = (to: string) => ({ toolCalls: [{ id: `to-${to}`, name: `transfer_to_${to}`, input: {} }] });
const look = tool({ inputSchema: z.object({ n: z.number() }), execute: ({ n }) => `seen ${n}` });
/** Looks `times` times, and answers: it knows of the last look alone. */
function looking(times: number, text: string): ScriptedModel {
  return scriptedModel(({ prompt }) => {
    const seen = seenIn(prompt);
    return seen === times ? { text } : { toolCalls: [{ id: `look-${seen}`, name: "look", input: { n: seen + 1 } }] };
  });
}

const seenIn = (messages: unknown): number =>
  Math.max(0, ...[...JSON.stringify(messages).matchAll(/seen (\d)/g)].map(([, n]) => Number(n)));

type PrepareStep = (step: { messages: ModelMessage[] }) => { messages: ModelMessage[] } | undefined;

function desk({ looks = 4, prepareStep }: { readonly looks?: number; readonly prepareStep?: PrepareStep } = {}) {
  const models = {
    triage: scriptedModel(({ prompt }) =>
      JSON.stringify(prompt.at(-1)).includes("refund me") ? transfer("refunds") : { text: "triage answers" },
    ),
    refunds: looking(looks, "refunds answers"),
  };
  const triage = new RestateAgent({ id: "triage", model: models.triage });
  const refunds = new RestateAgent<never, ToolSet>({
    id: "refunds",
    model: models.refunds,
    tools: { look },
    ...(prepareStep === undefined ? {} : { prepareStep }),
  });
  return { agent: handoffAgent({ id: "desk", agents: { triage, refunds } }), models };
}

const summary = (messages: ModelMessage[]): ModelMessage[] => [
  { role: "user", content: `In short: refund me, seen ${seenIn(messages)}` },
];
const lastRound = (messages: ModelMessage[]): ModelMessage[] => [...summary(messages), ...messages.slice(-2)];

describe("in a long run", () => {
  test.each([
    ["a summary", summary],
    ["a summary and the last step", lastRound],
    ["the last messages", keepLastMessages(2)],
  ])("%s keeps who has the conversation, segment after segment", async (_, compact) => {
    const { agent, models } = desk();
    const service = agentService("Desk", agent, { continueAsNew: { steps: 1, compact } });
    const links = await runChain(service, "refund me");
    expect(links[0]?.result.outcome).toEqual({ ok: true, value: "refunds answers" });
    expect(links.length).toBe(6);
    expect(models.triage.calls).toHaveLength(1);
    // Wherever a link dies, its replay goes the same way.
    for (let crashAt = 1; crashAt <= 6; crashAt++) {
      const again = desk();
      const dying = agentService("Desk", again.agent, { continueAsNew: { steps: 1, compact } });
      const dead = await runChain(dying, "refund me", () => ({ crashAt: [crashAt] }));
      expect(dead[0]?.result.outcome).toEqual(links[0]?.result.outcome);
      expect(dead.map(({ result }) => result.journal.commands)).toEqual(
        links.map(({ result }) => result.journal.commands),
      );
    }
  });

  test("what an agent's own prepareStep drops does not give the conversation back", async () => {
    const prepareStep: PrepareStep = ({ messages }) =>
      messages.length < 5 ? undefined : { messages: keepLastMessages(2)(messages) };
    const { agent, models } = desk({ prepareStep });
    const run = async () => (await agent.generate({ prompt: "refund me" })).text;
    const { outcome } = await runFake((context) => withRestateContext(context, run));
    expect(outcome).toEqual({ ok: true, value: "refunds answers" });
    expect(models.triage.calls).toHaveLength(1);
    expect(JSON.stringify(models.refunds.calls.at(-1)?.prompt)).not.toContain("transfer_to_refunds");
  });
});

describe("a mark", () => {
  const transferred = (type: "text" | "error-text"): ModelMessage[] => [
    { role: "user", content: "refund me" },
    {
      role: "assistant",
      content: [{ type: "tool-call", toolCallId: "t", toolName: "transfer_to_refunds", input: {} }],
    },
    {
      role: "tool",
      content: [
        { type: "tool-result", toolCallId: "t", toolName: "transfer_to_refunds", output: { type, value: "x" } },
      ],
    },
  ];
  const other: ModelMessage[] = [
    { role: "assistant", content: [{ type: "tool-call", toolCallId: "l", toolName: "look", input: { n: 0 } }] },
    {
      role: "tool",
      content: [{ type: "tool-result", toolCallId: "l", toolName: "look", output: { type: "text", value: "x" } }],
    },
  ];

  test("is left only where one is missing, and what comes after it counts", () => {
    const { agent } = desk();
    const marker = markerOf(agent);
    const before = [...transferred("text"), ...other];
    expect(marker?.(before)).toEqual({ desk: "refunds" });
    expect(keepMark(marker, before, before)).toBe(before);
    const kept = keepMark(marker, before, other);
    expect(kept).toMatchObject([{}, { providerOptions: { "restate-edge-agents": { desk: "refunds" } } }]);
    expect(kept.map(({ content }) => content)).toEqual(other.map(({ content }) => content));
    expect(marker?.([...kept, { role: "user", content: "and then?" }])).toEqual({ desk: "refunds" });
    const back = JSON.parse(JSON.stringify(transferred("text")).replaceAll("refunds", "triage")) as ModelMessage[];
    expect(marker?.([...kept, ...back])).toEqual({ desk: "triage" });
  });

  test("a transfer that failed is none, also when its result is dropped", () => {
    const marker = markerOf(desk().agent);
    const before = [...transferred("error-text"), ...other];
    const after = dropOldToolResults({ keep: 1 })(before);
    expect(marker?.(before)).toEqual({ desk: "triage" });
    expect(marker?.(after)).toEqual({ desk: "refunds" });
    expect(marker?.(keepMark(marker, before, after))).toEqual({ desk: "triage" });
  });

  test("is of an agent that is made of it, and of several inside several, too", () => {
    const { agent } = desk();
    const other = new RestateAgent({ id: "boss", model: scriptedModel([{ text: "x" }]) });
    const outer = handoffAgent({ id: "house", agents: { boss: other, refund_desk: agent } });
    const before = [...transferred("text")];
    expect(markerOf(new RestateAgent(agent))?.(before)).toEqual({ desk: "refunds" });
    expect(markerOf(outer)?.(before)).toEqual({ desk: "refunds", house: "boss" });
    expect(markerOf(other)).toBeUndefined();
  });
});

describe("in a session", () => {
  let session: FakeSession;
  afterEach(() => session.stop());

  async function start() {
    const made = desk({ looks: 0 });
    session = new FakeSession(
      agentSession("Desk", made.agent, {
        streams: false,
        steering: false,
        compaction: { maxTokens: 1, keepTurns: 1, summarize: async () => "Something was said" },
      }),
    );
    await session.start();
    return made.models;
  }
  const text = async (message: string) => (await session.send({ message, turn: message })).text;
  const texts = async (...messages: readonly string[]) => {
    const answers: string[] = [];
    for (const message of messages) answers.push(await text(message));
    return answers;
  };
  const head = () => headSerde.deserialize(session.state.get("head") ?? new Uint8Array());

  test("a summary of the turn that passed it on keeps who has the conversation, summary after summary", async () => {
    const models = await start();
    expect(await texts("hello", "refund me", "a", "b", "c", "d")).toEqual([
      "triage answers",
      ...Array.from({ length: 5 }, () => "refunds answers"),
    ]);
    expect(JSON.stringify(models.refunds.calls.at(-1)?.prompt)).not.toContain("transfer_to_refunds");
    expect(head().compaction).toMatchObject({ mark: { desk: "refunds" } });
    turnCache.clear();
    expect(await text("e")).toBe("refunds answers");
    expect(models.triage.calls).toHaveLength(2);
    const [first] = (await session.history({ form: "model" })).messages;
    expect(first).toMatchObject({ providerOptions: { "restate-edge-agents": { desk: "refunds" } } });
  });

  test("a turn that dies anywhere goes on with the same agent", async () => {
    await start();
    await texts("hello", "refund me", "a", "b");
    const { state } = session;
    const whole = await session.run("send", { message: "c", turn: "c" });
    expect(whole.outcome).toMatchObject({ ok: true, value: { text: "refunds answers" } });
    for (let crashAt = 1; crashAt <= whole.journal.events.length; crashAt++) {
      session.state = state;
      turnCache.clear();
      const again = await session.run("send", { message: "c", turn: "c" }, { crashAt: [crashAt] });
      expect(again.outcome).toMatchObject({ ok: true, value: { text: "refunds answers" } });
      expect(again.journal.commands).toEqual(whole.journal.commands);
    }
  });

  test("a conversation that a version without marks has summarised is read once more", async () => {
    const models = await start();
    await texts("hello", "refund me", "a", "b");
    const { compaction, ...rest } = head();
    if (compaction === undefined) throw new Error("Nothing was summarised");
    const old = headSerde.serialize({ ...rest, compaction: { upTo: compaction.upTo } });
    session.state = new Map([...session.state, ["head", old]]);
    turnCache.clear();
    expect(await text("c")).toBe("refunds answers");
    expect(models.triage.calls).toHaveLength(2);
    expect(head().compaction).toMatchObject({ mark: { desk: "refunds" } });
  });

  test("an edit of a message before the transfer takes it back", async () => {
    await start();
    await texts("hello", "refund me", "a", "b");
    const answer = await session.send({ message: "nothing, thanks", replaces: "refund me", turn: "edit" });
    expect(answer.text).toBe("triage answers");
    expect(await text("again")).toBe("triage answers");
  });
});
