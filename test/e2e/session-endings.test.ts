/** However a turn of a session ends, the next one can go on: interrupted, cancelled, failed, killed, reset. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { InterruptAnswer, SessionAnswer } from "../../src/session/session-types.ts";
import { IngressClient } from "../../src/ingress/ingress-client.ts";
import { messageOf } from "../../src/stream/message-of.ts";
import { restateStreamStore } from "../../src/stream/restate-stream-store.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { call, runtimesFor } from "./lab-stack.ts";
import { lastUser, SessionStack, textOf } from "./session-stack.ts";

const LONG = Array.from({ length: 200 }, (_, n) => `w${n}`).join(" ");

describe.each(runtimesFor("endings of turns"))("a turn on %s", (runtime) => {
  let stack: SessionStack;

  beforeAll(async () => {
    stack = await SessionStack.start(runtime);
  });
  afterAll(() => stack.stop());
  afterEach(() => stack.reset());

  test("interrupted in mid-text ends with what was said, and the next turn knows it", async () => {
    stack.script = () => ({ text: LONG, chunkDelayMs: 20 });
    const chat = stack.conversation();
    const id = await chat.begin("Talk", "m1");
    await stack.openai.waitFor(1);
    await chat.runs("m1");
    expect(await chat.ask<InterruptAnswer>("interrupt")).toEqual({ turn: "m1", result: "ended" });
    const { status, body } = await stack.restate.attach(id);
    const answer = body as SessionAnswer;
    expect(status).toBe(200);
    expect(answer).toMatchObject({ turn: "m1", interrupted: true, finishReason: "interrupted" });
    expect(answer.text).not.toBe("");
    expect(LONG.startsWith(answer.text)).toBe(true);
    expect(answer.text.length).toBeLessThan(LONG.length);
    expect(textOf((await chat.messages()).at(-1))).toBe(answer.text);
    stack.script = () => ({ text: "ok" });
    await chat.say("Go on");
    expect(stack.prompt()).toEqual(["user: Talk", `assistant: ${answer.text}`, "user: Go on"]);
  });

  test("interrupted in a tool is cancelled, and leaves no tool call without a result", async () => {
    stack.script = () => ({ text: "I sleep", toolCalls: [call("book", "a"), call("sleepLong", "b")] });
    const chat = stack.conversation();
    const id = await chat.begin("Sleep", "m1");
    await chat.sleeps(id);
    await stack.effects.waitFor((all) => all.some(({ finishedAt }) => finishedAt !== undefined));
    expect(await chat.ask<InterruptAnswer>("interrupt", { turn: "m1" })).toEqual({ turn: "m1", result: "cancelled" });
    expect(await stack.restate.attach(id)).toMatchObject({ status: 409 });
    const [, answer] = await chat.messages();
    expect(answer?.metadata).toMatchObject({ turn: "m1", interrupted: true });
    expect(textOf(answer)).toBe("I sleep");
    stack.script = () => ({ text: "ok" });
    await chat.say("Go on");
    const prompt = stack.prompt();
    expect(prompt.slice(0, 5)).toEqual([
      "user: Sleep",
      "assistant: I sleep",
      "call book",
      "call sleepLong",
      "result book a",
    ]);
    expect(prompt[5]).toMatch(/^result .*Interrupted/);
    expect(prompt[6]).toBe("user: Go on");
  });

  test("interrupted while it is queued ends as soon as it begins", async () => {
    stack.script = (request) =>
      lastUser(request) === "One" ? { toolCalls: [call("sleepLong", "a")] } : { text: LONG, chunkDelayMs: 20 };
    const chat = stack.conversation();
    const first = await chat.begin("One", "m1");
    await chat.sleeps(first);
    const second = await chat.begin("Two", "m2");
    expect(await chat.ask<InterruptAnswer>("interrupt", { turn: "m2" })).toEqual({ turn: "m2", result: "queued" });
    await stack.restate.cancel(first);
    const { status, body } = await stack.restate.attach(second);
    expect(status).toBe(200);
    expect(body).toMatchObject({ turn: "m2", interrupted: true });
    expect(LONG.startsWith((body as SessionAnswer).text)).toBe(true);
    expect((body as SessionAnswer).text.length).toBeLessThan(LONG.length);
    stack.script = () => ({ text: "ok" });
    await chat.say("Three");
    expect(stack.prompt().filter((line) => line.startsWith("user"))).toEqual(["user: One", "user: Two", "user: Three"]);
  });

  test("interrupt says when there is nothing to do", async () => {
    stack.script = () => ({ text: "ok" });
    const chat = stack.conversation();
    expect(await chat.ask("interrupt")).toEqual({ result: "idle" });
    await chat.say("One", "m1");
    expect(await chat.ask("interrupt")).toEqual({ result: "idle" });
    expect(await chat.ask("interrupt", { turn: "m1" })).toEqual({ result: "idle" });
  });

  test("interrupt and send: both messages reach the model", async () => {
    stack.script = () => ({ text: LONG, chunkDelayMs: 20 });
    const chat = stack.conversation();
    await chat.begin("Berlin", "m1");
    await stack.openai.waitFor(1);
    await chat.runs("m1");
    await chat.ask("interrupt");
    stack.script = () => ({ text: "ok" });
    await chat.say("No, Paris");
    expect(stack.prompt().filter((line) => line.startsWith("user"))).toEqual(["user: Berlin", "user: No, Paris"]);
  });

  test("that fails for good fails alike when it is sent again, and the next turn goes on", async () => {
    stack.script = (request) =>
      lastUser(request) !== "One"
        ? { text: "ok" }
        : stack.openai.count === 1
          ? { toolCalls: [call("book", "a")] }
          : { error: { status: 400, message: "secret detail" } };
    const chat = stack.conversation();
    const failed = await chat.call("send", { message: "One", turn: "m1" });
    expect(failed).toMatchObject({ status: 500 });
    expect(await chat.call("send", { message: "One", turn: "m1" })).toEqual(failed);
    const [, answer] = await chat.messages();
    expect(answer?.metadata).toMatchObject({ error: { message: "An error occurred.", code: "model-call-failed" } });
    expect(JSON.stringify(await chat.messages())).not.toContain("secret detail");
    await chat.say("Two");
    expect(stack.prompt()).toEqual(["user: One", "call book", "result book a", "user: Two"]);
    expect(stack.effects.count("book", "a")).toBe(1);
  });

  test("whose tool fails for good tells the model, and the next turn too", async () => {
    stack.script = (request) =>
      stack.prompt().at(-1)?.startsWith("result") === true
        ? { text: `sorry ${lastUser(request)}` }
        : { toolCalls: [call("refuse", "a")] };
    const chat = stack.conversation();
    expect(await chat.say("One")).toMatchObject({ text: "sorry One" });
    stack.script = () => ({ text: "ok" });
    await chat.say("Two");
    expect(stack.prompt().find((line) => line.startsWith("result"))).toContain("refused a");
  });

  test("that is cancelled fails with 409, and the next turn goes on", async () => {
    stack.script = () => ({ toolCalls: [call("sleepLong", "a")] });
    const chat = stack.conversation("Plain");
    const id = await chat.begin("One", "m1");
    await chat.sleeps(id);
    await stack.restate.cancel(id);
    expect(await stack.restate.attach(id)).toMatchObject({ status: 409 });
    stack.script = () => ({ text: "ok" });
    await chat.say("Two");
    expect(stack.prompt().map((line) => line.split(":")[0])).toEqual([
      "user",
      "call sleepLong",
      expect.stringMatching(/^result/),
      "user",
    ]);
  });

  /** A turn, m1, that has said a part of what it will say. */
  const inMidText = async () => {
    stack.script = () => ({ text: LONG, chunkDelayMs: 20 });
    const chat = stack.conversation();
    const id = await chat.begin("Talk", "m1");
    const ingress = new IngressClient({ url: stack.restate.ingressUrl });
    const store = restateStreamStore("Chat.streams", { ingress: () => ingress });
    const read = async () => store.read(`Chat/${chat.key}/m1`, { after: 0, waitMs: 0 });
    await waitUntil("Nothing is said", async () => JSON.stringify(await read()).includes("w3"));
    return { chat, id, read };
  };

  test("that is cancelled in mid-text keeps what was said, in its stream and for the next turn", async () => {
    const { chat, id, read } = await inMidText();
    await stack.restate.cancel(id);
    expect(await stack.restate.attach(id)).toMatchObject({ status: 409 });
    const [, answer] = await chat.messages();
    expect(answer?.metadata).toMatchObject({ interrupted: true });
    const text = textOf(answer);
    expect([text.includes("w3"), LONG.startsWith(text)]).toEqual([true, true]);
    const { entries, ended } = await read();
    expect(ended).toBe(true);
    expect(textOf(await messageOf(entries.map(({ chunk }) => chunk)))).toBe(text);
    stack.script = () => ({ text: "ok" });
    await chat.say("Go on");
    expect(stack.prompt()).toEqual(["user: Talk", `assistant: ${text}`, "user: Go on"]);
  });

  test("that is killed has a stream that ends when the next turn notices", async () => {
    const { chat, id, read } = await inMidText();
    await stack.restate.killInvocation(id);
    expect((await read()).ended).toBe(false);
    stack.script = () => ({ text: "ok" });
    await chat.say("Go on", "m2");
    expect(stack.prompt()).toEqual(["user: Talk", "user: Go on"]);
    const { entries, ended } = await read();
    expect([ended, entries.at(-1)?.chunk.type]).toEqual([true, "error"]);
    const [, answer] = await chat.messages();
    const { parts, metadata } = await messageOf(entries.map(({ chunk }) => chunk));
    // Readers cannot take back that a step has begun.
    expect([parts, metadata]).toEqual([[{ type: "step-start" }], answer?.metadata]);
    expect(answer?.parts).toEqual([]);
  });

  test("reset while a turn runs waits for it, and what comes after knows nothing", async () => {
    stack.script = (request) => ({ text: `re ${lastUser(request)}`, delayMs: 300 });
    const chat = stack.conversation();
    const id = await chat.begin("One", "m1");
    await chat.runs("m1");
    const reset = chat.ask("reset");
    expect((await stack.restate.attach(id)).status).toBe(200);
    await reset;
    expect(await chat.messages()).toEqual([]);
    expect(await chat.status()).toMatchObject({ state: "idle", turns: 0, usage: {} });
    await chat.say("Two");
    expect(stack.prompt()).toEqual(["user: Two"]);
    expect(await stack.restate.state("Chat", chat.key)).not.toHaveProperty("turn/1");
  });

  test("the Worker dies in mid-turn: the turn goes on, its tool ran once", async () => {
    stack.effectMs = 100;
    stack.script = (request) =>
      stack.prompt().at(-1)?.startsWith("result") === true
        ? { text: `re ${lastUser(request)}`, delayMs: 300 }
        : { toolCalls: [call("book", "a")] };
    const chat = stack.conversation();
    const id = await chat.begin("One", "m1");
    await stack.openai.waitFor(2);
    await stack.endpoint.restart();
    expect(await stack.restate.attach(id)).toMatchObject({ status: 200, body: { text: "re One" } });
    expect(stack.effects.count("book", "a")).toBe(1);
    stack.script = () => ({ text: "ok" });
    await chat.say("Two");
    expect(stack.prompt()).toEqual(["user: One", "call book", "result book a", "assistant: re One", "user: Two"]);
  });

  test("regenerated takes the place of the last one", async () => {
    let n = 0;
    stack.script = (request) => ({ text: `${++n} ${lastUser(request)}` });
    const chat = stack.conversation();
    expect(await chat.call("send", { regenerate: true })).toMatchObject({ status: 400 });
    await chat.say("One", "m1");
    await chat.say("Two", "m2");
    expect(await chat.call("send", { regenerate: true, of: "m9-answer" })).toMatchObject({ status: 400 });
    const again = await chat.ask<SessionAnswer>("send", { regenerate: true, of: "m2-answer", turn: "m3" });
    expect(again).toMatchObject({ turn: "m3", text: "3 Two" });
    expect(stack.prompt()).toEqual(["user: One", "assistant: 1 One", "user: Two"]);
    await chat.say("Three", "m4");
    expect(stack.prompt()).toEqual(["user: One", "assistant: 1 One", "user: Two", "assistant: 3 Two", "user: Three"]);
    expect((await chat.messages()).map(({ id }) => id)).toEqual([
      "m1",
      "m1-answer",
      "m2",
      "m3-answer",
      "m4",
      "m4-answer",
    ]);
    expect(await chat.status()).toMatchObject({ turns: 3 });
    expect(await chat.say("Two", "m2")).toMatchObject({ turn: "m2", text: "2 Two" });
  });
});
