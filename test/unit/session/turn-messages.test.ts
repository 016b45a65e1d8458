/** What a model is given of a turn: no tool call without its result. */
import type { ModelMessage } from "ai";
import { describe, expect, test } from "vitest";
import type { ModelStep } from "../../../src/model/model-step.ts";
import { messagesOfOpenStep, type ToolEnd, withoutOpenCalls } from "../../../src/session/turn/turn-messages.ts";
import { transcriptOf } from "../../../src/session/turn/transcript.ts";

const toolCall = (toolCallId: string) => ({
  type: "tool-call" as const,
  toolCallId,
  toolName: "look",
  input: { id: toolCallId },
});
const result = (toolCallId: string) => ({
  type: "tool-result" as const,
  toolCallId,
  toolName: "look",
  output: { type: "text" as const, value: "seen" },
});
const user: ModelMessage = { role: "user", content: "Hi" };

/** Ids of tool calls and results, in order. */
function idsOf(messages: readonly ModelMessage[]): string[] {
  return messages.flatMap(({ role, content }) =>
    typeof content === "string"
      ? [role]
      : content.map((part) => ("toolCallId" in part ? `${part.type} ${part.toolCallId}` : part.type)),
  );
}

describe("withoutOpenCalls()", () => {
  test("leaves what is whole as it is", () => {
    const whole: ModelMessage[] = [
      user,
      { role: "assistant", content: [toolCall("a")] },
      { role: "tool", content: [result("a")] },
      { role: "assistant", content: "Done" },
    ];
    expect(withoutOpenCalls(whole)).toEqual(whole);
  });

  test("adds a result where it belongs, behind those that are there", () => {
    const open: ModelMessage[] = [
      { role: "assistant", content: [toolCall("a"), toolCall("b")] },
      { role: "tool", content: [result("a")] },
      { role: "assistant", content: [toolCall("c")] },
      user,
      { role: "assistant", content: [toolCall("d")] },
    ];
    const closed = withoutOpenCalls(open);
    expect(idsOf(closed)).toEqual([
      ..."tool-call a,tool-call b,tool-result a,tool-result b,tool-call c,tool-result c".split(","),
      "user",
      "tool-call d",
      "tool-result d",
    ]);
    expect(JSON.stringify(closed)).toContain("Interrupted");
  });

  test("tells apart calls of several steps that have the same id", () => {
    const again: ModelMessage[] = [
      { role: "assistant", content: [toolCall("a")] },
      { role: "tool", content: [result("a")] },
      { role: "assistant", content: [toolCall("a")] },
    ];
    const closed = withoutOpenCalls(again);
    expect(idsOf(closed)).toEqual("tool-call a,tool-result a,tool-call a,tool-result a".split(","));
    expect(JSON.stringify(closed.slice(0, 2))).not.toContain("Interrupted");
    const failed = withoutOpenCalls([...again, { role: "tool", content: [result("a")] }], new Set(["a"]));
    expect(failed).toEqual(closed);
  });

  test("leaves calls to the provider that runs them", () => {
    const own: ModelMessage[] = [{ role: "assistant", content: [{ ...toolCall("a"), providerExecuted: true }] }];
    expect(withoutOpenCalls(own)).toEqual(own);
  });

  test("drops questions that nobody answered, and results that are none", () => {
    const asked: ModelMessage[] = [
      {
        role: "assistant",
        content: [toolCall("a"), { type: "tool-approval-request", approvalId: "q", toolCallId: "a" }],
      },
    ];
    expect(idsOf(withoutOpenCalls(asked))).toEqual(["tool-call a", "tool-result a"]);
    const cancelled: ModelMessage[] = [
      { role: "assistant", content: [toolCall("a")] },
      { role: "tool", content: [result("a")] },
    ];
    expect(JSON.stringify(withoutOpenCalls(cancelled, new Set(["a"])))).toContain("Interrupted");
  });
});

describe("messagesOfOpenStep()", () => {
  const stepWith = (content: ModelStep["content"]): ModelStep => ({ content }) as ModelStep;

  test("has text, reasoning and calls with the results that there are", () => {
    const step = stepWith([
      { type: "reasoning", text: "Hm", providerMetadata: { openai: { itemId: "r1" } } },
      { type: "text", text: "I look" },
      { type: "source", sourceType: "url", id: "s", url: "https://example.com" },
      { type: "tool-call", toolCallId: "a", toolName: "look", input: '{"id":"a"}' },
      { type: "tool-call", toolCallId: "b", toolName: "look", input: "not JSON" },
      { type: "tool-call", toolCallId: "c", toolName: "look", input: "{}" },
      { type: "tool-call", toolCallId: "d", toolName: "look", input: "{}" },
    ]);
    const ends = new Map<string, ToolEnd>([
      ["a", { type: "tool-result", toolCallId: "a", toolName: "look", output: { seen: 1 } }],
      ["b", { type: "tool-error", toolCallId: "b", toolName: "look", error: new Error("broken") }],
      ["c", { type: "tool-denied", toolCallId: "c", toolName: "look", reason: "no" }],
    ]);
    const [assistant, tool] = messagesOfOpenStep(step, ends);
    expect(assistant?.content).toMatchObject([
      { type: "reasoning", text: "Hm", providerOptions: { openai: { itemId: "r1" } } },
      { type: "text", text: "I look" },
      { toolCallId: "a", input: { id: "a" } },
      { toolCallId: "b", input: {} },
      { toolCallId: "c" },
      { toolCallId: "d" },
    ]);
    expect(tool?.content).toMatchObject([
      { toolCallId: "a", output: { type: "json", value: { seen: 1 } } },
      { toolCallId: "b", output: { type: "error-text", value: "broken" } },
      { toolCallId: "c", output: { type: "execution-denied", reason: "no" } },
      { toolCallId: "d", output: { type: "error-text" } },
    ]);
  });

  test("is nothing when nothing was said", () => {
    expect(messagesOfOpenStep(stepWith([{ type: "text", text: "" }]), new Map())).toEqual([]);
  });
});

test("a transcript has what was said and done, and cuts what is long", () => {
  const text = transcriptOf([
    user,
    { role: "assistant", content: [{ type: "text", text: "I look" }, toolCall("a")] },
    { role: "tool", content: [{ ...result("a"), output: { type: "text", value: "x".repeat(10_000) } }] },
  ]);
  expect(text).toContain('user: Hi\n\nassistant: I look\n\nassistant called look: {"id":"a"}\n\nlook answered: ');
  expect(text.length).toBeLessThan(5_000);
});
