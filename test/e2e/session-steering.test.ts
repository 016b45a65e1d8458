/** Messages for a running turn whose sender is gone, and ids that were used in a conversation that was deleted. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { SteerAnswer } from "../../src/session/session-types.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { call, runtimesFor } from "./lab-stack.ts";
import { type Conversation, lastUser, promptOf, SessionStack, textOf } from "./session-stack.ts";

describe.each(runtimesFor("steering"))("a message for a running turn on %s", (runtime) => {
  let stack: SessionStack;

  beforeAll(async () => {
    stack = await SessionStack.start(runtime);
  });
  afterAll(() => stack.stop());
  afterEach(() => stack.reset());

  const inbox = async (chat: Conversation): Promise<string> =>
    JSON.stringify(await stack.restate.state("Chat.inbox", chat.key));

  /** Sends it, and waits until it is in the inbox; the invocation. */
  async function steer(chat: Conversation, id: string): Promise<string> {
    const invocation = await stack.restate.send(`Chat/${chat.key}/steer`, { message: `Word ${id}`, id });
    await waitUntil("It is not in the inbox", async () => (await inbox(chat)).includes(`"Word ${id}"`));
    return invocation;
  }

  const isEmpty = async (chat: Conversation): Promise<void> =>
    waitUntil("Something is left in the inbox", async () => !(await inbox(chat)).includes("Word"));

  test.each(["cancelled", "killed"] as const)(
    "whose sender is killed becomes a turn of its own when the turn is %s",
    async (how) => {
      stack.script = () => ({ toolCalls: [call("sleepLong", "a")] });
      const chat = stack.conversation();
      const running = await chat.begin("Sleep", "m1");
      await chat.sleeps(running);
      for (const id of ["s1", "s2"]) await stack.restate.killInvocation(await steer(chat, id));
      stack.script = (request) => ({ text: `re ${lastUser(request)}` });
      await (how === "killed" ? stack.restate.killInvocation(running) : stack.restate.cancel(running));
      await waitUntil("They have not become turns", async () => (await chat.status()).turns === 3);
      await chat.say("Bye", "m2");
      const messages = await chat.messages();
      expect(messages.map(({ id }) => id).filter((id) => !id.endsWith("-answer"))).toEqual(["m1", "s1", "s2", "m2"]);
      expect(messages.map((message) => textOf(message)).slice(2)).toEqual(
        ["Word s1", "Word s2", "Bye"].flatMap((text) => [text, `re ${text}`]),
      );
      await isEmpty(chat);
    },
  );

  test("whose sender is killed is delivered all the same, once", async () => {
    stack.effectMs = 2_000;
    stack.script = (request) =>
      promptOf(request).some((line) => line.startsWith("result"))
        ? { text: `re ${lastUser(request)}` }
        : { toolCalls: [call("book", "a")] };
    const chat = stack.conversation();
    const running = await chat.begin("Book Berlin", "m1");
    await stack.effects.waitFor((effects) => effects.length === 1);
    await stack.restate.killInvocation(await steer(chat, "s1"));
    expect((await stack.restate.attach(running)).body).toMatchObject({ text: "re Word s1" });
    await isEmpty(chat);
    expect(await chat.status()).toMatchObject({ turns: 1 });
    const again = await chat.ask<SteerAnswer>("steer", { message: "Word s1", id: "s1" });
    expect(again).toEqual({ id: "s1", delivered: true, turn: "m1" });
    expect(stack.openai.count).toBe(2);
  });

  test("that its sender takes back is gone", async () => {
    stack.script = () => ({ toolCalls: [call("sleepLong", "a")] });
    const chat = stack.conversation();
    const running = await chat.begin("Sleep", "m1");
    await chat.sleeps(running);
    const steering = await steer(chat, "s1");
    await stack.restate.cancel(steering);
    expect(await stack.restate.attach(steering)).toMatchObject({ status: 409 });
    await isEmpty(chat);
    stack.script = (request) => ({ text: `re ${lastUser(request)}` });
    await stack.restate.cancel(running);
    expect((await chat.say("Bye", "m2")).text).toBe("re Bye");
    expect(stack.prompt().join()).not.toContain("Word");
  });

  test("whose id was used in a conversation that was deleted is answered anew, once", async () => {
    stack.script = (request) => ({ text: `re ${lastUser(request)}` });
    const chat = stack.conversation();
    for (const life of [1, 2, 3]) {
      const ask = () => chat.ask<SteerAnswer>("steer", { message: `Life ${life}`, id: "s1" });
      const { turn, invocationId = "", delivered } = await ask();
      expect([delivered, turn.startsWith("s1")]).toEqual([false, true]);
      expect((await stack.restate.attach(invocationId)).body).toMatchObject({ turn, text: `re Life ${life}` });
      expect(await ask()).toMatchObject({ turn });
      expect(stack.openai.count).toBe(life);
      expect((await chat.messages()).map((message) => textOf(message))).toEqual([`Life ${life}`, `re Life ${life}`]);
      await chat.ask("reset");
      expect(await chat.messages()).toEqual([]);
    }
  });
});
