import type { UIMessage, UIMessageChunk } from "ai";
import fc from "fast-check";
import { expect, test } from "vitest";
import { chunksOf } from "../../../../routes/chat/message-chunks.ts";
import { propertyRuns, seedOf } from "../../../thorough.ts";
import { fold, plain } from "./fold.ts";

type Part = UIMessage["parts"][number];

const providerMetadata = { openai: { itemId: "msg_1" } };
const text = fc.record({
  type: fc.constant("text" as const),
  text: fc.string(),
  state: fc.constant("done" as const),
  providerMetadata: fc.option(fc.constant(providerMetadata), { nil: undefined }),
});
const reasoning = fc.record({
  type: fc.constant("reasoning" as const),
  id: fc.uuid(),
  text: fc.string(),
  state: fc.constant("done" as const),
});
const source = fc.record({
  type: fc.constant("source-url" as const),
  sourceId: fc.uuid(),
  url: fc.webUrl(),
  title: fc.option(fc.string(), { nil: undefined }),
});
const file = fc.record({
  type: fc.constant("file" as const),
  mediaType: fc.constant("image/png"),
  url: fc.constant("data:image/png;base64,AA=="),
});
const steering = fc.record({
  type: fc.constant("steering-message" as const),
  id: fc.uuid(),
  parts: fc.constant([{ type: "text" as const, text: "and be quick" }]),
});
const approvalOf = (approved: boolean) =>
  fc.record({ id: fc.uuid(), approved: fc.constant(approved), reason: fc.string() });
const outcome = fc.oneof(
  fc.constant({ state: "input-available" }),
  fc.record({ state: fc.constant("approval-requested"), approval: fc.record({ id: fc.uuid() }) }),
  fc.record({ state: fc.constant("approval-responded"), approval: approvalOf(true) }),
  fc.record({
    state: fc.constant("output-available"),
    output: fc.jsonValue(),
    approval: fc.option(approvalOf(true), { nil: undefined }),
  }),
  fc.record({ state: fc.constant("output-available"), output: fc.jsonValue(), preliminary: fc.constant(true) }),
  fc.record({ state: fc.constant("output-error"), errorText: fc.string() }),
  fc.record({ state: fc.constant("output-denied"), approval: approvalOf(false) }),
);
const tool = fc
  .record({ toolCallId: fc.uuid(), input: fc.jsonValue(), isDynamic: fc.boolean(), outcome })
  .map(({ toolCallId, input, isDynamic, outcome: rest }) => {
    const kind = isDynamic ? { type: "dynamic-tool", toolName: "look" } : { type: "tool-look" };
    return { ...kind, toolCallId, input, ...rest } as Part;
  });
/** Never empty: a client shows a step with its first part. */
const step = fc.array(fc.oneof(text, reasoning, source, file, tool), { minLength: 1, maxLength: 6 });
const message = fc
  .record({
    id: fc.uuid(),
    metadata: fc.option(fc.record({ turn: fc.uuid() }), { nil: undefined }),
    steps: fc.array(fc.tuple(fc.option(steering, { nil: undefined }), step), { minLength: 1, maxLength: 4 }),
  })
  .map(({ id, metadata, steps }): UIMessage => {
    const parts = steps.flatMap(([before, of]): object[] => [
      { type: "step-start" },
      ...(before === undefined ? [] : [before]),
      ...of,
    ]);
    return plain({ id, role: "assistant", metadata, parts: parts as Part[] });
  });

const runs = { numRuns: propertyRuns(2_000, 200), seed: seedOf("chunks of a message") };

test("a message's chunks make the same message at a client", async () => {
  await fc.assert(
    fc.asyncProperty(message, async (whole) => {
      expect(await fold(chunksOf(whole))).toEqual(whole);
    }),
    runs,
  );
});

test("a reader that was cut off anywhere gets what it has not, and nothing twice", async () => {
  await fc.assert(
    fc.asyncProperty(message, fc.nat(), async (whole, at) => {
      const all = [...chunksOf(whole)];
      const had = all.slice(0, at % (all.length + 1));
      const known = had.filter(({ type }) => type === "start-step").length;
      expect(await fold([...had, ...chunksOf(whole, known)])).toEqual(whole);
    }),
    runs,
  );
});

test("text that was cut in its middle is dropped and comes whole", async () => {
  const whole: UIMessage = {
    id: "a",
    role: "assistant",
    parts: [
      { type: "step-start" },
      { type: "text", text: "One.", state: "done" },
      { type: "step-start" },
      { type: "text", text: "Two and three.", state: "done" },
    ],
  };
  const had: UIMessageChunk[] = [
    { type: "start", messageId: "a" },
    { type: "start-step" },
    { type: "text-start", id: "0" },
    { type: "text-delta", id: "0", delta: "One." },
    { type: "text-end", id: "0" },
    { type: "finish-step" },
    { type: "start-step" },
    { type: "text-start", id: "1" },
    { type: "text-delta", id: "1", delta: "Two and" },
  ];
  expect(await fold([...had, ...chunksOf(whole, 2)])).toEqual(whole);
});
