/** What sessions do besides turns: steering, compaction, titles, expiry, paging. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { HistoryAnswer, SessionAnswer, SteerAnswer } from "../../src/session/session-types.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { call, runtimesFor } from "./lab-stack.ts";
import { lastUser, promptOf, SessionStack, textOf } from "./session-stack.ts";

describe.each(runtimesFor("more of sessions"))("a session on %s", (runtime) => {
  let stack: SessionStack;

  beforeAll(async () => {
    stack = await SessionStack.start(runtime);
  });
  afterAll(() => stack.stop());
  afterEach(() => stack.reset());

  /** First a booking, and an answer when there is a result. */
  const bookFirst = (): void => {
    stack.script = (request) =>
      promptOf(request).some((line) => line.startsWith("result"))
        ? { text: `re ${lastUser(request)}` }
        : { toolCalls: [call("book", "a")] };
  };

  test("steered during a tool gives the message to the model with the next step", async () => {
    stack.effectMs = 700;
    bookFirst();
    const chat = stack.conversation();
    const id = await chat.begin("Book Berlin", "m1");
    await stack.effects.waitFor((effects) => effects.length === 1);
    const [steered, again] = await Promise.all(
      [0, 1].map(() => chat.ask<SteerAnswer>("steer", { message: "No, Paris", id: "s1" })),
    );
    expect(steered).toEqual({ id: "s1", delivered: true, turn: "m1" });
    expect(again).toEqual(steered);
    expect((await stack.restate.attach(id)).body).toMatchObject({ turn: "m1", text: "re No, Paris" });
    expect(stack.prompt()).toEqual(["user: Book Berlin", "call book", "result book a", "user: No, Paris"]);
    expect(stack.openai.count).toBe(2);
    stack.script = () => ({ text: "ok" });
    await chat.say("Thanks");
    expect(stack.prompt()).toEqual([
      "user: Book Berlin",
      "call book",
      "result book a",
      "user: No, Paris",
      "assistant: re No, Paris",
      "user: Thanks",
    ]);
    expect(await chat.ask<SteerAnswer>("steer", { message: "No, Paris", id: "s1" })).toEqual(steered);
    expect(await chat.status()).toMatchObject({ turns: 2 });
    const [, answer] = await chat.messages();
    expect(answer?.parts.map(({ type }) => type)).toContain("steering-message");
  });

  test("steered during the last answer makes the turn go on", async () => {
    stack.script = (request) => ({ text: `re ${lastUser(request)}`, delayMs: 700 });
    const chat = stack.conversation();
    const id = await chat.begin("One", "m1");
    await stack.openai.waitFor(1);
    await chat.runs("m1");
    expect(await chat.ask("steer", { message: "And two" })).toMatchObject({ delivered: true, turn: "m1" });
    expect((await stack.restate.attach(id)).body).toMatchObject({ text: "re And two" });
    expect(stack.prompt()).toEqual(["user: One", "assistant: re One", "user: And two"]);
    expect(await chat.status()).toMatchObject({ turns: 1 });
  });

  test("steered when nothing runs makes a turn of its own", async () => {
    stack.script = (request) => ({ text: `re ${lastUser(request)}` });
    const chat = stack.conversation();
    const idle = await chat.ask<SteerAnswer>("steer", { message: "One", id: "s1" });
    expect(idle).toMatchObject({ id: "s1", delivered: false, turn: "s1" });
    expect((await stack.restate.attach(idle.invocationId ?? "")).body).toMatchObject({ turn: "s1", text: "re One" });
    expect(await chat.ask("steer", { message: "One", id: "s1" })).toEqual({ id: "s1", delivered: false, turn: "s1" });
    expect(stack.openai.count).toBe(1);
  });

  test.each(["cancelled", "killed"] as const)(
    "steered into a turn that is %s before it takes the message makes a turn of its own",
    async (how) => {
      stack.script = () => ({ toolCalls: [call("sleepLong", "a")] });
      const chat = stack.conversation();
      const running = await chat.begin("Sleep", "m1");
      await chat.sleeps(running);
      const steering = chat.ask<SteerAnswer>("steer", { message: "Two", id: "s2" });
      await waitUntil("Nobody waits in the inbox", async () =>
        JSON.stringify(await stack.restate.state("Chat.inbox", chat.key)).includes("s2"),
      );
      stack.script = (request) => ({ text: `re ${lastUser(request)}` });
      await (how === "killed" ? stack.restate.killInvocation(running) : stack.restate.cancel(running));
      expect(await steering).toMatchObject({ id: "s2", delivered: false, turn: "s2" });
      await waitUntil("It has not become a turn", async () => (await chat.status()).turns === 2);
      expect(stack.prompt().at(-1)).toBe("user: Two");
      expect((await chat.messages()).filter(({ id }) => id === "s2")).toHaveLength(1);
    },
  );

  test("many steered at any moment reach the model once each", async () => {
    stack.effectMs = 30;
    let calls = 0;
    stack.script = (request) => {
      calls += 1;
      return calls < 6
        ? { toolCalls: [call("book", `${calls}`)], delayMs: 20 }
        : { text: `re ${lastUser(request)}`, delayMs: 20 };
    };
    const chat = stack.conversation();
    await chat.begin("Zero", "m0");
    await chat.runs("m0");
    const ids = Array.from({ length: 8 }, (_, n) => `s${n}`);
    const answers = await Promise.all(
      ids.map(async (id, n) => {
        await new Promise((resolve) => setTimeout(resolve, n * 150));
        return chat.ask<SteerAnswer>("steer", { message: `Word ${id}`, id });
      }),
    );
    expect(answers.map(({ id }) => id)).toEqual(ids);
    expect(answers.filter(({ delivered }) => delivered).length).toBeGreaterThan(0);
    await chat.isIdle();
    await waitUntil("Not all have been told", async () => {
      const history = await chat.ask<HistoryAnswer>("history", { form: "model" });
      const users = JSON.stringify(history.messages.filter(({ role }) => role === "user"));
      return ids.every((id) => users.split(`"Word ${id}"`).length === 2);
    });
  });

  test.each(["Short", "Brief"])("%s: what is older than its budget is summarised", async (service) => {
    stack.script = (request) => {
      const last = lastUser(request);
      if (last.includes("<conversation>")) return { text: `SUMMARY of ${last.length > 0}` };
      return { text: `re ${last}`, usage: { inputTokens: 200, outputTokens: 5 } };
    };
    const chat = stack.conversation(service);
    await chat.say("One");
    await chat.say("Two");
    expect(stack.openai.count).toBe(2);
    await chat.say("Three");
    const [summary, ...rest] = stack.prompt();
    expect(summary).toContain(service === "Short" ? "SUMMARY of true" : "start + 2 messages");
    expect(rest).toEqual(["user: Two", "assistant: re Two", "user: Three"]);
    await chat.say("Four");
    const [second, ...later] = stack.prompt();
    expect(second).toContain(service === "Short" ? "SUMMARY of true" : "start + 2 messages + 2 messages");
    expect(later).toEqual(["user: Three", "assistant: re Three", "user: Four"]);
    expect((await chat.messages()).filter(({ role }) => role === "user").map(textOf)).toEqual([
      "One",
      "Two",
      "Three",
      "Four",
    ]);
    const model = await chat.ask<HistoryAnswer>("history", { form: "model" });
    expect(model.messages).toHaveLength(5);
    if (service === "Brief") expect(stack.effects.count("summarize")).toBe(2);
    await stack.endpoint.restart();
    await chat.say("Five");
    expect(stack.prompt()[0]).toContain("Summary of our conversation");
  });

  test("a session that was left forgets itself, one in use does not", async () => {
    stack.script = (request) => ({ text: `re ${lastUser(request)}` });
    const chat = stack.conversation("Fleeting");
    await chat.say("One");
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    await chat.say("Two");
    expect(stack.prompt()).toHaveLength(3);
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    expect(await chat.messages()).toHaveLength(4);
    await waitUntil("It has not forgotten", async () => (await chat.messages()).length === 0, { timeoutMs: 10_000 });
    expect(await stack.restate.state("Fleeting", chat.key)).toEqual({});
    await chat.say("Three");
    expect(stack.prompt()).toEqual(["user: Three"]);
  });

  test("gets a title after its first turn; one that was given stays", async () => {
    stack.script = (request) => ({ text: `re ${lastUser(request)}` });
    const chat = stack.conversation("Titled");
    await chat.say("One");
    expect(await chat.status()).toMatchObject({ title: "About re One" });
    await chat.say("Two");
    expect(await chat.status()).toMatchObject({ title: "About re One" });
    await chat.ask("update", { title: "Mine", metadata: { colour: "red" } });
    await chat.say("Three");
    expect(await chat.status()).toMatchObject({ title: "Mine", metadata: { colour: "red" }, turns: 3 });
    await chat.ask("update", { title: null, metadata: null });
    expect(await chat.status()).not.toHaveProperty("title");
    const other = stack.conversation("Titled");
    await other.ask("update", { title: "Before" });
    await other.say("One");
    expect(await other.status()).toMatchObject({ title: "Before" });
  });

  test("answers with the agent's structured output", async () => {
    stack.script = () => ({ text: '{"city":"Berlin"}' });
    const chat = stack.conversation("Typed");
    expect(await chat.ask<SessionAnswer>("send", "Where?")).toMatchObject({ output: { city: "Berlin" } });
  });

  test("history comes in pages, and files in messages reach the model", async () => {
    stack.script = (request) => ({ text: `re ${lastUser(request)}` });
    const chat = stack.conversation();
    for (const text of ["One", "Two", "Three"]) await chat.say(text);
    const last = await chat.ask<HistoryAnswer>("history", { limit: 2 });
    expect(last).toMatchObject({ before: 1 });
    expect(last.messages).toHaveLength(4);
    const first = await chat.ask<HistoryAnswer>("history", { limit: 2, before: last.before });
    expect(first.messages).toHaveLength(2);
    expect(first).not.toHaveProperty("before");
    const url = "data:image/png;base64,iVBORw0KGgo=";
    const parts = [
      { type: "text", text: "What is it?" },
      { type: "file", mediaType: "image/png", url },
    ];
    await chat.ask("send", { message: { id: "m4", role: "user", parts } });
    await chat.say("And now?");
    expect(JSON.stringify(stack.openai.requests.at(-1)?.body["input"])).toContain("iVBORw0KGgo=");
    expect((await chat.messages()).find(({ id }) => id === "m4")?.parts).toEqual(parts);
  });
});
