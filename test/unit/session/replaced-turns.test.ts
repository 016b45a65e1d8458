/** Messages that are edited, and turns that are run again, on the fake of Restate: where the conversation goes on. */
import type { UIMessage } from "ai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RestateAgent, TerminalError } from "../../../src/index.ts";
import { agentSession } from "../../../src/session/agent-session.ts";
import { headSerde } from "../../../src/session/session-head.ts";
import type { SessionOptions } from "../../../src/session/session-options.ts";
import { memoryStreamStore } from "../../../src/stream/memory-stream-store.ts";
import type { StreamStore } from "../../../src/stream/stream-store.ts";
import { type FakeMode, type ModelScript, type ScriptedModel, scriptedModel } from "../../../src/testing/in-memory.ts";
import { turnCache } from "../../../src/session/turn/turn-cache.ts";
import { FakeSession, valueOf } from "./fake-session.ts";
import { messageOfStream, promptOf } from "./prompts.ts";
import { lookTool } from "./tools.ts";

let session: FakeSession;
let model: ScriptedModel;
let streams: StreamStore;
const MODES: readonly FakeMode[] = ["bidirectional", "request-response"];
const answering: ModelScript = (call) => ({ text: `re ${lastUser(promptOf(call))}` });
const lastUser = (prompt: readonly string[]): string =>
  prompt.findLast((line) => line.startsWith("user: "))?.slice("user: ".length) ?? "";

async function start(options: SessionOptions = {}, script: ModelScript = answering): Promise<void> {
  model = scriptedModel(script);
  const agent = new RestateAgent({ id: "support", model, tools: { look: lookTool } });
  session = new FakeSession(agentSession("Support", agent, { streams, ...options }));
  await session.start();
}

const say = (text: string, turn: string) => session.send({ message: text, turn });
const lastPrompt = (): string[] => promptOf(model.calls.at(-1));
const shown = async (): Promise<string[]> =>
  ((await session.history()).messages as UIMessage[]).map(
    ({ id, parts }) => `${id}: ${parts.map((part) => ("text" in part ? part.text : part.type)).join(" ")}`,
  );
const failing = async (input: unknown): Promise<unknown> => {
  const { outcome } = await session.run("send", input);
  return outcome.ok ? outcome.value : outcome.error;
};

beforeEach(() => {
  streams = memoryStreamStore();
});
afterEach(() => session.stop());

describe("a message that takes the place of another", () => {
  test("ends the history before that: the model and people see what is left, and the usage stays", async () => {
    await start();
    for (const [index, text] of ["One", "Two", "Three", "Four"].entries()) await say(text, `m${index + 1}`);
    const { usage } = await session.status();
    const edited = await session.send({
      message: { id: "m2", parts: [{ type: "text", text: "Deux" }] },
      replaces: "m2",
      turn: "e1",
    });
    expect(edited).toMatchObject({ turn: "e1", text: "re Deux" });
    expect(lastPrompt()).toEqual(["user: One", "assistant: re One", "user: Deux"]);
    expect(await shown()).toEqual([
      "m1: One",
      "m1-answer: step-start re One",
      "m2: Deux",
      "e1-answer: step-start re Deux",
    ]);
    expect((await session.status()).turns).toBe(2);
    expect((await session.status()).usage.totalTokens).toBeGreaterThan(usage.totalTokens ?? 0);
    await say("Then", "m5");
    expect(lastPrompt()).toEqual(["user: One", "assistant: re One", "user: Deux", "assistant: re Deux", "user: Then"]);
    // Once more, by the id that it has kept.
    await session.send({ message: "Zwei", replaces: "m2", turn: "e2" });
    expect(lastPrompt()).toEqual(["user: One", "assistant: re One", "user: Zwei"]);
    expect((await session.history({ form: "model" })).messages).toHaveLength(4);
  });

  test.each([
    ["is not there", "m9"],
    ["is the assistant's", "m1-answer"],
    ["is not part of the conversation any more", "m3"],
  ])("is refused when that %s, and nothing changes", async (_, replaces) => {
    await start();
    for (const id of ["m1", "m2", "m3"]) await say(id, id);
    await session.send({ message: "Deux", replaces: "m2", turn: "e1" });
    const before = await shown();
    expect(await failing({ message: "X", replaces, turn: "e2" })).toMatchObject({
      code: 400,
      errorCode: "invalid-input",
    });
    expect(await shown()).toEqual(before);
  });

  test("before what a summary has: the summary is not used any more", async () => {
    const summaries: string[] = [];
    const summarize = async ({ messages }: { readonly messages: readonly unknown[] }): Promise<string> =>
      `Summary ${summaries.push(JSON.stringify(messages))}`;
    await start({ compaction: { maxTokens: 1, keepTurns: 1, summarize } });
    for (const id of ["m1", "m2", "m3", "m4"]) await say(id, id);
    expect(lastPrompt().join()).toContain("Summary");
    await session.send({ message: "Deux", replaces: "m2", turn: "e1" });
    expect(lastPrompt()).toEqual(["user: m1", "assistant: re m1", "user: Deux"]);
    await say("m5", "m5");
    expect(summaries.at(-1)).not.toContain("m2");
    turnCache.clear();
    await say("m6", "m6");
    expect(lastPrompt().join()).not.toContain("m3");
  });

  test("while it is answered, history has nothing of what it replaces", async () => {
    await start();
    for (const id of ["m1", "m2", "m3"]) await say(id, id);
    const head = headSerde.deserialize(session.state.get("head") ?? new Uint8Array());
    const message = { id: "m2", role: "user" as const, parts: [{ type: "text" as const, text: "Deux" }] };
    const running = { turn: "e1", slot: 3, invocationId: "inv_1", startedAt: "2026-01-01T00:00:00.000Z", message };
    const state = new Map([
      ...session.state,
      ["head", headSerde.serialize({ ...head, running: { ...running, replaces: 1 } })],
    ]);
    session.state = state;
    expect(await shown()).toEqual(["m1: m1", "m1-answer: step-start re m1"]);
    // It was killed: the next turn notes it, in that place.
    await say("m4", "m4");
    expect((await shown()).map((line) => line.split(":")[0])).toEqual([
      "m1",
      "m1-answer",
      "m2",
      "e1-answer",
      "m4",
      "m4-answer",
    ]);
  });
});

describe.each(MODES)("%s", (mode) => {
  test("wherever it dies, the message takes the place once", async () => {
    let length = 1;
    for (let at = 0; at < length; at += 1) {
      streams = memoryStreamStore();
      await start();
      for (const id of ["m1", "m2", "m3"]) await say(id, id);
      const again = await session.run("send", { message: "Deux", replaces: "m2", turn: "e1" }, { mode, crashAt: [at] });
      length = again.journal.events.length;
      expect(again.outcome, `died at ${at}`).toMatchObject({ ok: true, value: { text: "re Deux" } });
      expect(await shown()).toEqual([
        "m1: m1",
        "m1-answer: step-start re m1",
        "m2: Deux",
        "e1-answer: step-start re Deux",
      ]);
      expect(lastPrompt()).toEqual(["user: m1", "assistant: re m1", "user: Deux"]);
      await session.stop();
    }
    expect(length).toBeGreaterThan(8);
    await start();
  });

  test("when it fails, the history still ends with it", async () => {
    await start({}, (call) => {
      if (lastUser(promptOf(call)) === "Deux") throw new TerminalError("No", { errorCode: 402 });
      return { text: "ok" };
    });
    for (const id of ["m1", "m2", "m3"]) await say(id, id);
    const { outcome } = await session.run("send", { message: "Deux", replaces: "m2", turn: "e1" }, { mode });
    expect(outcome).toMatchObject({ ok: false });
    expect(await shown()).toEqual(["m1: m1", "m1-answer: step-start ok", "m2: Deux", "e1-answer: "]);
  });
});

describe("a turn that is run again", () => {
  test.each(["m2", "m2-answer"])("by %s: what came after it is gone", async (of) => {
    await start();
    for (const id of ["m1", "m2", "m3"]) await say(id, id);
    const again = await session.send({ regenerate: true, of, turn: "r1" });
    expect(again.text).toBe("re m2");
    expect(await shown()).toEqual(["m1: m1", "m1-answer: step-start re m1", "m2: m2", "r1-answer: step-start re m2"]);
    // What it was asked first, it still answers.
    expect((await say("m2", "m2")).turn).toBe("m2");
    expect(await session.send({ regenerate: true, of: "r1-answer", turn: "r2" })).toMatchObject({ turn: "r2" });
  });

  test("keeps the messages that were added to it, with their files", async () => {
    const file = { type: "file" as const, mediaType: "text/plain", url: "data:text/plain;base64,SGk=" };
    await start({}, (_, n) =>
      n === 0 ? { toolCalls: [{ id: "t1", name: "look", input: { id: "a" } }] } : { text: "Done" },
    );
    await session.runOn("Support.inbox", "add", {
      turn: "m1",
      message: { id: "s1", role: "user", parts: [{ type: "text", text: "And quickly" }, file] },
      awakeable: "a1",
    });
    await say("Go", "m1");
    const [, before] = (await session.history()).messages as UIMessage[];
    const steering = { type: "steering-message", id: "s1", parts: [{ type: "text", text: "And quickly" }, file] };
    expect(before?.parts).toContainEqual(steering);
    const again = await session.send({ regenerate: true, turn: "r1" });
    expect(promptOf(model.calls.at(-2))).toEqual(["user: Go", "user: And quickly, file"]);
    expect(again.message.parts).toContainEqual(steering);
    expect(await messageOfStream(streams, "Support/c1/r1")).toEqual(again.message);
    await say("Next", "m2");
    expect(lastPrompt().slice(0, 2)).toEqual(["user: Go", "user: And quickly, file"]);
    const found = valueOf(await session.run("find", { message: "s1" }));
    expect(found).toMatchObject({ turn: "r1" });
  });
});
