/** Turns of a session on the fake of Restate: what is stored, and what the next turn is given. */
import { jsonSchema, tool } from "ai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RestateAgent } from "../../../src/index.ts";
import { agentSession } from "../../../src/session/agent-session.ts";
import type { SessionOptions } from "../../../src/session/session-options.ts";
import { turnCache } from "../../../src/session/turn/turn-cache.ts";
import { type ScriptedModel, scriptedModel } from "../../../src/testing/in-memory.ts";
import { FakeSession } from "./fake-session.ts";

let session: FakeSession;
let model: ScriptedModel;

async function start(options: SessionOptions = {}): Promise<void> {
  const agent = new RestateAgent({ id: "support", model, tools: { look } });
  session = new FakeSession(agentSession("Support", agent, { streams: false, steering: false, ...options }));
  await session.start();
}

const look = tool({
  inputSchema: jsonSchema<{ id: string }>({ type: "object", properties: { id: { type: "string" } } }),
  execute: async ({ id }) => `seen ${id}`,
});

/** What the model was asked in its last call, in short. */
function lastPrompt(): string[] {
  return (model.calls.at(-1)?.prompt ?? []).map(({ role, content }) => {
    const parts =
      typeof content === "string" ? [content] : content.map((part) => ("text" in part ? part.text : part.type));
    return `${role}: ${parts.join(", ")}`;
  });
}

beforeEach(() => {
  model = scriptedModel((_, turn) =>
    turn === 0 ? { text: "I look", toolCalls: [{ id: "t1", name: "look", input: { id: "a" } }] } : { text: "Done" },
  );
});
afterEach(() => session.stop());

describe("send", () => {
  test("answers, and the next turn is given the turn before", async () => {
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

  test("the same turn again answers alike, and calls no model", async () => {
    await start();
    const first = await session.send({ message: "One", turn: "m1" });
    const calls = model.calls.length;
    expect(await session.send({ message: "Other", turn: "m1" })).toEqual(first);
    expect(model.calls).toHaveLength(calls);
    expect((await session.history()).messages).toHaveLength(2);
  });

  test("a cold isolate reads the past through the ingress, a warm one does not", async () => {
    await start();
    await session.send("One");
    await session.send("Two");
    expect(session.calls).toEqual([]);
    turnCache.clear();
    await session.send("Three");
    expect(session.calls.map(({ target }) => target)).toEqual(["Support/c1/turns"]);
    expect(lastPrompt().filter((line) => line.startsWith("user"))).toEqual(["user: One", "user: Two", "user: Three"]);
  });
});
