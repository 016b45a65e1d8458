/** Compaction helpers: whatever the conversation, what comes out is one that a model can go on with. */
import type { ModelMessage } from "ai";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { conversationProblem, dropOldToolResults, keepLastMessages } from "../../../src/agent/compaction.ts";
import { DefinitionError } from "../../../src/index.ts";

const user = (content: string): ModelMessage => ({ role: "user", content });
const said = (content: string): ModelMessage => ({ role: "assistant", content });
const result = (id: string) => ({
  type: "tool-result" as const,
  toolCallId: id,
  toolName: "work",
  output: { type: "text" as const, value: `long result of ${id}` },
});

/** A step with tool calls: what the model said, and the results. */
function step(...ids: readonly string[]): ModelMessage[] {
  const calls = ids.map((id) => ({ type: "tool-call" as const, toolCallId: id, toolName: "work", input: { id } }));
  return [
    { role: "assistant", content: calls },
    { role: "tool", content: ids.map(result) },
  ];
}

/** A step whose tool the user had to approve. */
function approvedStep(id: string): ModelMessage[] {
  const [asked, answered] = step(id) as [ModelMessage & { role: "assistant" }, ModelMessage & { role: "tool" }];
  const request = { type: "tool-approval-request" as const, approvalId: `approve ${id}`, toolCallId: id };
  const response = { type: "tool-approval-response" as const, approvalId: `approve ${id}`, approved: true };
  const content = [...(asked.content as Exclude<typeof asked.content, string>), request];
  return [{ ...asked, content }, { role: "tool", content: [response] }, answered];
}

/** Ids are few, so providers that use one twice are among them. */
const ids = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 1, maxLength: 4 });
const conversations = fc
  .array(
    fc.oneof(
      ids.map((some) => step(...some)),
      fc.constantFrom("x", "y").map(approvedStep),
      fc.constant([user("and then?")]),
      fc.constant([said("well")]),
    ),
    { maxLength: 12 },
  )
  .map((steps): ModelMessage[] => [{ role: "system", content: "Be brief." }, user("the task"), ...steps.flat()]);

describe("keepLastMessages", () => {
  test("keeps what the conversation starts with, and the last ones", () => {
    const messages = [user("task"), said("ok"), user("more"), ...step("a"), ...step("b"), said("done")];
    expect(keepLastMessages(3)(messages)).toEqual([user("task"), ...step("b"), said("done")]);
    expect(keepLastMessages(50)(messages)).toEqual(messages);
  });

  test("keeps more where a result would lose its call", () => {
    const messages = [user("task"), ...step("a", "b"), ...step("c")];
    expect(keepLastMessages(1)(messages)).toEqual([user("task"), ...step("c")]);
    expect(keepLastMessages(3)(messages)).toEqual(messages);
    const approved = [user("task"), said("hm"), ...approvedStep("x")];
    expect(keepLastMessages(1)(approved)).toEqual([user("task"), ...approvedStep("x")]);
    expect(keepLastMessages(2)(approved)).toEqual([user("task"), ...approvedStep("x")]);
  });

  test("never separates what belongs together, whatever the conversation", () => {
    fc.assert(
      fc.property(conversations, fc.integer({ min: 1, max: 15 }), (messages, count) => {
        const kept = keepLastMessages(count)(messages);
        expect(conversationProblem(kept)).toBeUndefined();
        expect(kept.slice(0, 2)).toEqual(messages.slice(0, 2));
        expect(kept.slice(-Math.min(count, messages.length))).toEqual(messages.slice(-count));
        expect(kept.length).toBeLessThanOrEqual(count + 4);
        expect(approvals(kept).every((id) => requests(kept).includes(id))).toBe(true);
      }),
    );
  });

  test("is refused without a sensible number", () => {
    for (const count of [0, -1, 1.5, Number.NaN]) expect(() => keepLastMessages(count)).toThrow(DefinitionError);
  });
});

describe("dropOldToolResults", () => {
  test("replaces old outputs, and leaves everything else", () => {
    const messages = [user("task"), ...step("a", "b"), ...step("c")];
    const dropped = dropOldToolResults({ keep: 2 })(messages);
    const text = JSON.stringify(dropped);
    expect(dropped).toHaveLength(messages.length);
    expect(text).not.toContain("long result of a");
    expect(text).toContain("long result of b");
    expect(text).toContain("long result of c");
    expect(messages).toEqual([user("task"), ...step("a", "b"), ...step("c")]);
  });

  test("keeps every call and result, whatever the conversation", () => {
    fc.assert(
      fc.property(conversations, fc.integer({ min: 1, max: 9 }), (messages, keep) => {
        const dropped = dropOldToolResults({ keep })(messages);
        expect(conversationProblem(dropped)).toBeUndefined();
        expect(shape(dropped)).toEqual(shape(messages));
        expect(JSON.stringify(dropped).split("long result").length - 1).toBeLessThanOrEqual(keep);
      }),
    );
  });

  test("is refused without a sensible number", () => {
    expect(() => dropOldToolResults({ keep: 0 })).toThrow(DefinitionError);
  });
});

describe("a conversation", () => {
  test.each<[string, unknown, string | undefined]>([
    ["with all its results", [user("task"), ...step("a", "b")], undefined],
    ["whose id was used twice", [user("task"), ...step("a"), ...step("a")], undefined],
    ["whose second use of an id has no result", [user("task"), ...step("a"), step("a")[0]], "has lost its result"],
    ["whose result came before its call", [user("task"), ...step("a").reverse()], "has lost its call"],
    ["that is empty", [], "not a list of messages"],
  ])("%s", (_, messages, problem) => {
    const found = conversationProblem(messages);
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(problem);
  });

  test("may leave the provider's own calls open", () => {
    const call = { type: "tool-call", toolCallId: "p", toolName: "search", input: {}, providerExecuted: true };
    expect(conversationProblem([user("task"), { role: "assistant", content: [call] }])).toBeUndefined();
  });
});

function parts(messages: readonly ModelMessage[]) {
  return messages.flatMap(({ content }) => (typeof content === "string" ? [] : [...content]));
}

function approvals(messages: readonly ModelMessage[]): string[] {
  return parts(messages).flatMap((part) => (part.type === "tool-approval-response" ? [part.approvalId] : []));
}

function requests(messages: readonly ModelMessage[]): string[] {
  return parts(messages).flatMap((part) => (part.type === "tool-approval-request" ? [part.approvalId] : []));
}

function shape(messages: readonly ModelMessage[]): string[] {
  return parts(messages).map((part) => ("toolCallId" in part ? `${part.type} ${part.toolCallId}` : part.type));
}
