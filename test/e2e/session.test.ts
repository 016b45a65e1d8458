/** Sessions on a real Restate, served by workerd and by Deno. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { call, RUNTIMES } from "./lab-stack.ts";
import { lastUser, SessionStack, textOf } from "./session-stack.ts";

describe.each(RUNTIMES)("a session on %s", (runtime) => {
  let stack: SessionStack;

  beforeAll(async () => {
    stack = await SessionStack.start(runtime);
  });
  afterAll(() => stack.stop());
  afterEach(() => stack.reset());

  test("remembers, tells what it is, and counts", async () => {
    stack.script = (request) => ({ text: `re ${lastUser(request)}`, usage: { inputTokens: 10, outputTokens: 5 } });
    const chat = stack.conversation();
    expect(await chat.status()).toMatchObject({ state: "idle", turns: 0 });
    const first = await chat.say("One", "m1");
    expect(first).toMatchObject({ turn: "m1", text: "re One", finishReason: "stop", usage: { totalTokens: 15 } });
    await chat.say("Two");
    expect(stack.prompt()).toEqual(["user: One", "assistant: re One", "user: Two"]);
    expect((await chat.messages()).map((message) => [message.role, textOf(message)])).toEqual([
      ["user", "One"],
      ["assistant", "re One"],
      ["user", "Two"],
      ["assistant", "re Two"],
    ]);
    expect(await chat.status()).toMatchObject({
      state: "idle",
      turns: 2,
      usage: { inputTokens: 20, outputTokens: 10 },
    });
  });

  test("two turns at once come one after the other", async () => {
    stack.script = (request) => ({ text: `re ${lastUser(request)}`, delayMs: 200 });
    const chat = stack.conversation();
    await Promise.all([chat.say("One"), chat.say("Two")]);
    expect(stack.openai.count).toBe(2);
    const [first, second] = stack.openai.requests;
    expect(second?.startedAt).toBeGreaterThan(first?.finishedAt ?? Infinity);
    expect(stack.prompt()).toHaveLength(3);
  });

  test("the same turn twice, at once and later, is one turn", async () => {
    stack.script = (request) => ({ text: `re ${lastUser(request)}`, delayMs: 100 });
    const chat = stack.conversation();
    const [one, other] = await Promise.all([chat.say("One", "m1"), chat.say("One", "m1")]);
    expect(other).toEqual(one);
    expect(await chat.say("Something else", "m1")).toEqual(one);
    expect(stack.openai.count).toBe(1);
    expect(await chat.messages()).toHaveLength(2);
  });

  test("a turn with tools is in the next prompt with its results", async () => {
    stack.script = (request) =>
      (request.body["input"] as unknown[]).length < 3 ? { toolCalls: [call("book", "a")] } : { text: "ok" };
    const chat = stack.conversation();
    await chat.say("Book a");
    stack.script = () => ({ text: "sure" });
    await chat.say("Thanks");
    expect(stack.prompt()).toEqual(["user: Book a", "call book", "result book a", "assistant: ok", "user: Thanks"]);
    expect(stack.effects.count("book", "a")).toBe(1);
  });

  test("invalid input is 400, and no turn", async () => {
    const chat = stack.conversation();
    for (const wrong of ["", {}, { message: { role: "assistant", parts: [{ type: "text", text: "x" }] } }]) {
      expect(await chat.call("send", wrong)).toMatchObject({ status: 400 });
    }
    expect(await chat.status()).toMatchObject({ turns: 0 });
  });

  test("killed in mid-turn, the next turn goes on", async () => {
    stack.script = () => ({ toolCalls: [call("sleepLong", "a")] });
    const chat = stack.conversation();
    const id = await chat.begin("One", "m1");
    await chat.sleeps(id);
    await stack.restate.killInvocation(id);
    await chat.isIdle();
    stack.script = (request) => ({ text: `re ${lastUser(request)}` });
    await chat.say("Two");
    expect(stack.prompt()).toEqual(["user: One", "user: Two"]);
    expect((await chat.messages()).map(({ id: own }) => own)).toContain("m1-answer");
  });
});
