/** The budget of a conversation: all its turns together, kept in its head, through crashes, failures and resets. */
import { isLoopFinished } from "ai";
import { afterEach, describe, expect, test } from "vitest";
import { type Budget, BudgetExceededError, RestateAgent } from "../../../src/index.ts";
import { agentSession } from "../../../src/session/agent-session.ts";
import { memoryStreamStore } from "../../../src/stream/memory-stream-store.ts";
import { type ModelScript, type ScriptedModel, scriptedModel } from "../../../src/testing/in-memory.ts";
import { FakeSession } from "./fake-session.ts";
import { promptOf } from "./prompts.ts";
import { lookTool } from "./tools.ts";

let session: FakeSession;
let model: ScriptedModel;

/** Looks once, and answers: two model calls a turn, 15 tokens each. */
const lookOnce: ModelScript = (_, turn) =>
  turn === 0 ? { text: "I look", toolCalls: [{ id: "t1", name: "look", input: { id: "a" } }] } : { text: "Done" };

async function start(budget: Budget, own?: Budget, script: ModelScript = lookOnce): Promise<void> {
  model = scriptedModel(script);
  const settings = { id: "support", model, tools: { look: lookTool }, stopWhen: isLoopFinished() };
  const agent = new RestateAgent(settings, own === undefined ? {} : { budget: own });
  session = new FakeSession(agentSession("Support", agent, { streams: memoryStreamStore(), steering: false, budget }));
  await session.start();
}

afterEach(() => session.stop());

describe("a conversation with a budget", () => {
  test("stops the turn that reaches it, and every later one before it calls the model", async () => {
    await start({ steps: 3, atLimit: "stop" });
    await session.send({ message: "One", turn: "m1" });
    const exceeded = { limit: "steps", allowed: 3, spent: { steps: 3, totalTokens: 45 } };
    const second = await session.send({ message: "Two", turn: "m2" });
    expect(second).toMatchObject({
      text: 'Stopped: the budget of conversation "Support/c1" is used up, 3 of 3 model calls.',
      finishReason: "other",
      budget: exceeded,
      message: { metadata: { finishReason: "other", budget: exceeded } },
    });
    expect(await session.send({ message: "Three", turn: "m3" })).toMatchObject({
      finishReason: "other",
      budget: exceeded,
    });
    expect(await session.send({ message: "Two", turn: "m2" })).toEqual(second);
    expect(model.calls).toHaveLength(3);
    expect(await session.status()).toMatchObject({ spent: { steps: 3, totalTokens: 45 }, turns: 3 });
    // The model is never given a call without its result, and may be told that it was stopped.
    const { messages } = await session.history();
    expect(messages).toHaveLength(6);
  });

  test("may be given more later: the next turn goes on", async () => {
    await start({ steps: 1, atLimit: "stop" });
    await session.send({ message: "One", turn: "m1" });
    const { state } = session;
    await session.stop();
    await start({ steps: 10, atLimit: "stop" });
    session.state = state;
    expect(await session.send({ message: "Two", turn: "m2" })).toMatchObject({ text: "Done" });
    expect(promptOf(model.calls[0])).toEqual([
      "user: One",
      "assistant: I look, tool-call",
      "tool: tool-result",
      'assistant: Stopped: the budget of conversation "Support/c1" is used up, 1 of 1 model calls.',
      "user: Two",
    ]);
    expect(await session.status()).toMatchObject({ spent: { steps: 3 } });
  });

  test("counts turns that failed, and the failure says whose budget it was", async () => {
    await start({ totalTokens: 40 }, undefined, (_, turn) => ({
      toolCalls: [{ id: `t${turn}`, name: "look", input: { id: "a" } }],
    }));
    const failed = session.send({ message: "One", turn: "m1" });
    await expect(failed).rejects.toSatisfy((error) => BudgetExceededError.isInstance(error));
    await expect(failed).rejects.toMatchObject({
      what: 'conversation "Support/c1"',
      spent: { steps: 3, totalTokens: 45 },
    });
    expect(await session.status()).toMatchObject({ spent: { steps: 3, totalTokens: 45 } });
    await expect(session.send({ message: "Two", turn: "m2" })).rejects.toMatchObject({ errorCode: "budget-exceeded" });
    expect(model.calls).toHaveLength(3);
    const { messages } = await session.history();
    expect(messages.at(1)).toMatchObject({ metadata: { finishReason: "error", error: { code: "budget-exceeded" } } });
  });

  test("holds besides that of the agent, which is for each turn", async () => {
    await start({ steps: 100, atLimit: "stop" }, { steps: 1, atLimit: "stop" });
    for (const turn of ["m1", "m2"]) {
      expect(await session.send({ message: "Go", turn })).toMatchObject({
        budget: { limit: "steps", allowed: 1, spent: { steps: 1 } },
      });
    }
    expect(await session.status()).toMatchObject({ spent: { steps: 2 } });
  });

  test("keeps it when it is reset, and counts the tokens of before it had one", async () => {
    await start({ steps: 100 });
    await session.send({ message: "One", turn: "m1" });
    await session.run("reset");
    expect(await session.status()).toMatchObject({ spent: { steps: 2 }, turns: 0 });
    await session.send({ message: "Two", turn: "m2" });
    expect(await session.status()).toMatchObject({ spent: { steps: 4, totalTokens: 60 }, turns: 1 });
  });

  test("counts the time of its turns", async () => {
    await start({ durationMs: 100, atLimit: "stop" }, undefined, async (call, turn) => ({
      ...(await lookOnce(call, turn)),
      delayMs: 40,
    }));
    await session.send({ message: "One", turn: "m1" });
    const { spent } = await session.status();
    expect(spent?.durationMs).toBeGreaterThanOrEqual(79);
    await session.send({ message: "Two", turn: "m2" });
    const third = await session.send({ message: "Three", turn: "m3" });
    expect(third).toMatchObject({ budget: { limit: "durationMs", allowed: 100 } });
    expect(model.calls.length).toBeLessThanOrEqual(4);
  });

  test.each(["bidirectional", "request-response"] as const)(
    "charges once, wherever the process dies, %s",
    async (mode) => {
      await start({ steps: 3, atLimit: "stop" });
      await session.send({ message: "One", turn: "m1" });
      const before = session.state;
      const whole = await session.run("send", { message: "Two", turn: "m2" }, { mode, seed: 7 });
      const after = await session.status();
      for (let length = 1; length <= whole.journal.events.length; length++) {
        session.state = before;
        const again = await session.run("send", { message: "Two", turn: "m2" }, { mode, seed: 7, crashAt: [length] });
        expect(again.outcome).toMatchObject({ ok: true, value: { budget: { spent: { steps: 3, totalTokens: 45 } } } });
        expect((await session.status()).spent).toEqual(after.spent);
        expect(again.journal.commands).toEqual(whole.journal.commands);
      }
    },
  );
});
