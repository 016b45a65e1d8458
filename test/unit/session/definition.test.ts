/** Defining a session, and what its handlers are called with. */
import { describe, expect, test } from "vitest";
import { agentSession, DefinitionError, InvalidInputError, RestateAgent, sessionInfo } from "../../../src/index.ts";
import { COMPANIONS } from "../../../src/journal/companions.ts";
import { encodeValue } from "../../../src/journal/codec.ts";
import {
  asModelMessage,
  asUserMessage,
  checkHistory,
  checkSend,
  checkSteer,
  checkUpdate,
} from "../../../src/session/session-input.ts";
import type { SessionOptions } from "../../../src/session/session-options.ts";
import { memoryStreamStore } from "../../../src/stream/memory-stream-store.ts";
import { scriptedModel } from "../../../src/testing/in-memory.ts";

const agent = new RestateAgent({ id: "support", model: scriptedModel([]) });
const names = (options?: SessionOptions): string[] =>
  agentSession("Support", agent, options)[COMPANIONS].map(({ name }) => name);

describe("agentSession()", () => {
  test("brings along what it needs, and no more", () => {
    expect(names()).toEqual(["Support.approvals", "Support.streams", "Support.inbox", "Support.calls"]);
    expect(names({ streams: false, steering: false })).toEqual(["Support.approvals"]);
    expect(names({ streams: memoryStreamStore() })).toEqual(["Support.approvals", "Support.inbox", "Support.calls"]);
  });

  test("is recognised, and leads to its stores", () => {
    const streams = memoryStreamStore();
    expect(sessionInfo(agentSession("Support", agent, { streams }))).toEqual({
      name: "Support",
      streams,
      approvals: { name: "Support.approvals" },
      clientCalls: { name: "Support.calls" },
      steering: true,
    });
    expect(sessionInfo(agent)).toBeUndefined();
  });

  test.each([
    { expiry: 0 },
    { streamRetention: { seconds: -1 } },
    { streamBatchMs: Number.NaN },
    { approvals: { timeout: 0 } },
    { clientTools: { timeout: { seconds: 0 } } },
    { compaction: { maxTokens: 0 } },
    { compaction: { maxTokens: 10, keepTurns: 0 } },
    { compaction: { maxTokens: 10, summarize: "by hand" as never } },
    { title: "Mine" as never },
    { ingressPrivate: true },
  ] satisfies SessionOptions[])("refuses %j", (options) => {
    expect(() => agentSession("Support", agent, options)).toThrow(DefinitionError);
  });
});

describe("input", () => {
  test.each([
    undefined,
    "",
    {},
    { message: "" },
    { message: "x", regenerate: true },
    { message: "x", mode: "queue" },
    { message: "x", turn: "" },
    { message: "x", turn: "a".repeat(201) },
    { message: "x", turn: "b/c" },
    { message: { role: "assistant", parts: [{ type: "text", text: "x" }] } },
    { message: { role: "user", parts: [] } },
    { message: { role: "user", parts: [{ type: "text", text: "" }] } },
    {
      message: { role: "user", parts: [{ type: "tool-look", toolCallId: "a", state: "output-available", output: 1 }] },
    },
    { regenerate: false },
    ...["x.png", "ftp://a/b", "https://", "data:", "data:text/plain,Hi", "data:image/png;base64,!!!!"].map((url) => ({
      message: { parts: [{ type: "file", mediaType: "image/png", url }] },
    })),
  ])("of send is refused: %j", (input) => {
    expect(() => checkSend("Support", input)).toThrow(InvalidInputError);
  });

  test.each(["https://example.com/a.png", "data:image/png;base64,AA==", "data:;base64,AAA"])(
    "takes a file at %s",
    (url) => {
      const message = { parts: [{ type: "file" as const, mediaType: "image/png", url }] };
      expect(checkSend("Support", { message })).toMatchObject({ message });
    },
  );

  test("of the other handlers is refused too", () => {
    expect(() => checkSteer("Support", "text")).toThrow(InvalidInputError);
    expect(() => checkHistory("Support", { limit: 201 })).toThrow(InvalidInputError);
    expect(() => checkUpdate("Support", { name: "x" })).toThrow(InvalidInputError);
  });

  test("nested so deeply that it could not be stored is refused: each attempt would fail, and hold the conversation up", () => {
    const nested = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));
    for (const levels of [400, 5_000, 200_000]) {
      expect(() => checkUpdate("Support", { metadata: { a: nested(levels) } })).toThrow(/more than 400 levels/);
      expect(() => checkSend("Support", { message: "Hi", metadata: nested(levels) })).toThrow(InvalidInputError);
      expect(() => checkSend("Support", nested(levels))).toThrow(InvalidInputError);
    }
    const { metadata } = checkUpdate("Support", { metadata: { a: nested(398) } });
    expect(() => encodeValue({ session: { head: { metadata } } })).not.toThrow();
  });

  test("becomes a message without what is not the user's to say", async () => {
    expect(checkSend("Support", "Hi")).toEqual({ kind: "message", turn: undefined, message: "Hi" });
    const parts = [{ type: "text" as const, text: "Hi" }];
    const spoofed = { id: "m1", role: "user" as const, parts, createdAt: "now", metadata: { mine: 1 } };
    const message = asUserMessage(spoofed, "t1", { other: 1 });
    expect(message).toEqual({ id: "m1", role: "user", parts, metadata: { mine: 1 } });
    expect(asUserMessage("Hi", "t1", { a: 1 })).toEqual({ id: "t1", role: "user", parts, metadata: { a: 1 } });
    expect(await asModelMessage(message)).toEqual({ role: "user", content: [{ type: "text", text: "Hi" }] });
  });
});
