/** Turns of a session on the fake of Restate: what is stored, what the next turn is given, and every way to die. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CancelledError, RestateAgent, TerminalError } from "../../../src/index.ts";
import { agentSession } from "../../../src/session/agent-session.ts";
import { headSerde, newHead } from "../../../src/session/session-head.ts";
import type { SessionOptions } from "../../../src/session/session-options.ts";
import { turnCache } from "../../../src/session/turn/turn-cache.ts";
import { memoryStreamStore } from "../../../src/stream/memory-stream-store.ts";
import type { StreamStore } from "../../../src/stream/stream-store.ts";
import { type FakeMode, type ModelScript, type ScriptedModel, scriptedModel } from "../../../src/testing/in-memory.ts";
import { FakeSession, runningState } from "./fake-session.ts";
import { messageOfStream, problemOf, promptOf } from "./prompts.ts";
import { askTool, lookTool, looks } from "./tools.ts";

let session: FakeSession;
let model: ScriptedModel;
let streams: StreamStore;

async function start(options: SessionOptions = {}, script: ModelScript = lookOnce): Promise<void> {
  model = scriptedModel(script);
  const agent = new RestateAgent({ id: "support", model, tools: { look: lookTool, ask: askTool } });
  session = new FakeSession(agentSession("Support", agent, { streams, steering: false, ...options }));
  await session.start();
}

const lookOnce: ModelScript = (_, turn) =>
  turn === 0 ? { text: "I look", toolCalls: [{ id: "t1", name: "look", input: { id: "a" } }] } : { text: "Done" };

const lastPrompt = (): string[] => promptOf(model.calls.at(-1));
const users = (): string[] => lastPrompt().filter((line) => line.startsWith("user"));
const MODES: readonly FakeMode[] = ["bidirectional", "request-response"];

beforeEach(() => {
  streams = memoryStreamStore();
  looks.length = 0;
});
afterEach(() => session.stop());

describe("a turn", () => {
  test("answers, and the next one is given it", async () => {
    await start();
    const first = await session.send({ message: "One", turn: "m1" });
    expect(first).toMatchObject({ turn: "m1", text: "Done", finishReason: "stop" });
    await session.send({ message: "Two", turn: "m2" });
    expect(lastPrompt()).toEqual([
      "user: One",
      "assistant: I look, tool-call",
      "tool: tool-result",
      "assistant: Done",
      "user: Two",
      "assistant: I look, tool-call",
      "tool: tool-result",
    ]);
  });

  test("again answers alike, and calls no model", async () => {
    await start();
    const first = await session.send({ message: "One", turn: "m1" });
    const calls = model.calls.length;
    expect(await session.send({ message: "Other", turn: "m1" })).toEqual(first);
    expect(model.calls).toHaveLength(calls);
    expect((await session.history()).messages).toHaveLength(2);
  });

  test("takes these steps, in this order", async () => {
    await start({ title: async () => "A title" });
    const { journal } = await session.run("send", { message: "One", turn: "m1" });
    expect(journal.commands).toEqual([
      "get head",
      "get id/m1",
      "run Support begin",
      "set head",
      "run support model 1",
      "run support tool look t1",
      "run support model 2",
      "run Support ended",
      "set turn/0",
      "set model/0",
      "set id/m1",
      "set head",
      "run Support end",
      "run Support title",
      "set head",
    ]);
  });

  test("is in the history as its stream tells it", async () => {
    await start();
    const { message } = await session.send({ message: "One", turn: "m1" });
    expect(await messageOfStream(streams, "Support/c1/m1")).toEqual(message);
    expect((await session.history()).messages[1]).toEqual(message);
  });
});

test("a tool that nobody runs gets a result, so that the next turn can go on", async () => {
  await start({ streams: false }, (_, turn) =>
    turn === 0 ? { toolCalls: [{ id: "t1", name: "ask", input: {} }] } : { text: "Done" },
  );
  const answer = await session.send({ message: "One", turn: "m1" });
  expect(answer.finishReason).toBe("tool-calls");
  await session.send({ message: "Two", turn: "m2" });
  expect(problemOf(model.calls.at(-1))).toBeUndefined();
  expect(lastPrompt()).toEqual(["user: One", "assistant: tool-call", "tool: tool-result", "user: Two"]);
});

describe("the past", () => {
  test("is read through the ingress by a cold isolate, and by no other", async () => {
    await start();
    await session.send("One");
    await session.send("Two");
    expect(session.calls).toEqual([]);
    turnCache.clear();
    await session.send("Three");
    expect(session.calls.map(({ target }) => target)).toEqual(["Support/c1/turns"]);
    expect(users()).toEqual(["user: One", "user: Two", "user: Three"]);
  });

  test("is waited for when the ingress refuses it for a while", async () => {
    await start();
    await session.send("One");
    turnCache.clear();
    let refusals = 0;
    session.refuse = () => (++refusals <= 2 ? [503, 404][refusals - 1] : undefined);
    const { outcome, attempts } = await session.run("send", "Two");
    expect(outcome.ok).toBe(true);
    expect(attempts).toBeGreaterThan(2);
    expect(users()).toEqual(["user: One", "user: Two"]);
  });

  test("that is not there fails the attempt, and no turn is noted", async () => {
    await start();
    await session.send("One");
    turnCache.clear();
    const { state } = session;
    session.refuse = () => (session.forgets(), undefined);
    const { outcome } = await session.run("send", "Two");
    expect(outcome).toMatchObject({ ok: false });
    expect(!outcome.ok && outcome.error instanceof TerminalError).toBe(false);
    expect(String(!outcome.ok && outcome.error)).toContain("it is not there");
    session.refuse = () => undefined;
    session.state = state;
    await session.send("Two");
    expect(users()).toEqual(["user: One", "user: Two"]);
  });

  test("of an attempt that is cold in its middle is the same", async () => {
    await start();
    await session.send("One");
    const { state } = session;
    const whole = await session.run("send", { message: "Two", turn: "m2" }, { seed: 7 });
    session.state = state;
    const onAttempt = (): void => turnCache.clear();
    const cold = await session.run("send", { message: "Two", turn: "m2" }, { seed: 7, crashAt: "every", onAttempt });
    expect(cold.journal.commands).toEqual(whole.journal.commands);
    expect(session.calls.length).toBeGreaterThan(2);
    expect(cold.outcome).toMatchObject({ ok: true, value: { text: "Done" } });
  });
});

describe.each(MODES)("in mode %s", (mode) => {
  test("a turn that dies anywhere ends alike, its tool ran at most once more", async () => {
    await start();
    await session.send({ message: "One", turn: "m1" });
    const { state } = session;
    const whole = await session.run("send", { message: "Two", turn: "m2" }, { mode });
    for (let length = 1; length <= whole.journal.events.length; length++) {
      session.state = state;
      streams = memoryStreamStore();
      looks.length = 0;
      const run = await session.run("send", { message: "Two", turn: "m2" }, { mode, crashAt: [length] });
      expect(run.outcome).toMatchObject({ ok: true, value: { text: "Done", turn: "m2" } });
      expect(looks.length).toBeLessThanOrEqual(2);
      const { messages } = await session.history();
      expect(messages.map((message) => "id" in message && message.id)).toEqual(["m1", "m1-answer", "m2", "m2-answer"]);
    }
  });

  test("a turn that is cancelled anywhere leaves a history that the next one can use", async () => {
    await start();
    await session.send({ message: "One", turn: "m1" });
    const { state } = session;
    const whole = await session.run("send", { message: "Two", turn: "m2" }, { mode });
    let cancelled = 0;
    for (let length = 1; length <= whole.journal.events.length; length++) {
      session.state = state;
      const { outcome } = await session.run("send", { message: "Two", turn: "m2" }, { mode, cancelAt: length });
      if (!outcome.ok) {
        cancelled += 1;
        expect(outcome.error).toBeInstanceOf(TerminalError);
        expect(outcome.error).toMatchObject({ code: new CancelledError().code });
      }
      const { outcome: next } = await session.run("send", { message: "Three", turn: "m3" });
      expect(next).toMatchObject({ ok: true, value: { text: "Done" } });
      expect(problemOf(model.calls.at(-1))).toBeUndefined();
      const prompt = users();
      expect(prompt.slice(0, 1)).toEqual(["user: One"]);
      expect(prompt.at(-1)).toBe("user: Three");
      // Cancelled before it had begun, it never was.
      if (prompt.length === 3) expect(prompt[1]).toBe("user: Two");
    }
    expect(cancelled).toBeGreaterThan(whole.journal.events.length / 2);
  });

  test("a turn that fails for good fails alike wherever it dies", async () => {
    await start({}, (_, turn) => {
      if (turn === 1) throw new TerminalError("No more", { errorCode: 402 });
      return { toolCalls: [{ id: "t1", name: "look", input: { id: "a" } }] };
    });
    const whole = await session.run("send", { message: "One", turn: "m1" }, { mode });
    expect(whole.outcome).toMatchObject({ ok: false, error: { message: "No more", code: 402 } });
    const failed = session.state;
    expect([...failed.keys()].sort()).toEqual(["head", "id/m1", "model/0", "turn/0"]);
    for (let length = 1; length <= whole.journal.events.length; length++) {
      session.state = new Map();
      const { outcome } = await session.run("send", { message: "One", turn: "m1" }, { mode, crashAt: [length] });
      expect(outcome).toMatchObject({ ok: false, error: { message: "No more", code: 402 } });
      expect([...session.state.keys()].sort()).toEqual([...failed.keys()].sort());
    }
    const { outcome } = await session.run("send", { message: "One", turn: "m1" });
    expect(outcome).toMatchObject({ ok: false, error: { message: "No more", code: 402 } });
  });
});

test("a store of streams that is away costs no turn", async () => {
  const away = async (): Promise<never> => {
    throw new Error("away");
  };
  streams = { append: away, end: away, read: away, stop: away, remove: away };
  await start();
  expect(await session.send("One")).toMatchObject({ text: "Done" });
  expect((await session.history()).messages).toHaveLength(2);
});

test("a turn is interrupted also when the store of its stream is away", async () => {
  const away = async (): Promise<never> => {
    throw new Error("away");
  };
  streams = { append: away, end: away, read: away, stop: away, remove: away };
  await start();
  session.state = runningState("e1");
  const { outcome, journal } = await session.run("interrupt", {}, { maxFailures: 10 });
  expect(outcome).toEqual({ ok: true, value: { turn: "m1", result: "cancelled" } });
  expect(journal.commands).toContain("cancel inv_1");
});

test("a conversation whose only turn failed is forgotten, too", async () => {
  await start({ expiry: { days: 1 } }, () => {
    throw new TerminalError("No more", { errorCode: 402 });
  });
  const { journal } = await session.run("send", { message: "One", turn: "m1" });
  expect(journal.commands.filter((command) => command.includes("expire"))).toHaveLength(1);
});

test("a timer of a version that forgot conversations leaves room for another one", async () => {
  await start();
  session.state = new Map([["head", headSerde.serialize({ ...newHead("e1"), expiryWatched: true })]]);
  expect(await session.run("expire", { epoch: "e1" })).toMatchObject({ outcome: { ok: true } });
  expect(headSerde.deserialize(session.state.get("head") ?? new Uint8Array()).expiryWatched).toBeUndefined();
});

test("after a turn that was cut off the size of the conversation is estimated", async () => {
  const summaries: string[] = [];
  const summarize = async (): Promise<string> => `Summary ${summaries.push("")}`;
  await start({ compaction: { maxTokens: 2_000, keepTurns: 1, summarize } }, () => {
    if (model.calls.length === 2) throw new TerminalError("Too long", { errorCode: 400 });
    return { text: "Done" };
  });
  await session.send("One");
  await session.run("send", "x".repeat(100_000));
  await session.send("Three");
  expect(summaries).toHaveLength(1);
});

test("a message that is steered into the turn that answers it is not there twice", async () => {
  await start({ steering: true });
  session.state = runningState("e1");
  const { outcome, journal } = await session.run("steer", { message: "One", id: "m1" });
  expect(outcome).toEqual({
    ok: true,
    value: { id: "m1", delivered: false, turn: "m1", invocationId: "inv_1" },
  });
  expect(journal.commands.filter((command) => command.startsWith("call"))).toEqual([]);
});

test("what a killed turn was about to store is not remembered: its slot is not used again", async () => {
  await start();
  await session.send({ message: "One", turn: "m1" });
  const { epoch } = headSerde.deserialize(session.state.get("head") ?? new Uint8Array());
  session.state = runningState(epoch);
  await session.send({ message: "Once more", turn: "m1" });
  expect([...session.state.keys()].filter((key) => key.startsWith("model/"))).toEqual(["model/1"]);
  session.state = runningState(epoch);
  await session.send({ message: "Two", turn: "m2" });
  expect([...session.state.keys()].filter((key) => key.startsWith("model/"))).toEqual(["model/1", "model/2"]);
  expect((await session.history()).messages).toHaveLength(4);
});
