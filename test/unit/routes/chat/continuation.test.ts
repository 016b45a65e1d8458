import type { UIMessage, UIMessageChunk } from "ai";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Continuation } from "../../../../routes/chat/continuation.ts";
import { Repeats } from "../../../../routes/chat/repeats.ts";
import { TurnWatch } from "../../../../routes/chat/turn-watch.ts";
import { propertyRuns, seedOf } from "../../../thorough.ts";
import { fold } from "./fold.ts";

const text = (id: string, ...deltas: string[]): UIMessageChunk[] => [
  { type: "text-start", id },
  ...deltas.map((delta) => ({ type: "text-delta" as const, id, delta })),
  { type: "text-end", id },
];
const call = (toolCallId: string): UIMessageChunk => ({
  type: "tool-input-available",
  toolCallId,
  toolName: "book",
  input: { to: toolCallId },
});
const ask = (toolCallId: string): UIMessageChunk => ({
  type: "tool-approval-request",
  approvalId: `a-${toolCallId}`,
  toolCallId,
});
const decide = (toolCallId: string, approved: boolean): UIMessageChunk => ({
  type: "tool-approval-response",
  approvalId: `a-${toolCallId}`,
  approved,
});
const output = (toolCallId: string): UIMessageChunk => ({
  type: "tool-output-available",
  toolCallId,
  output: { booked: toolCallId },
});
const denied = (toolCallId: string): UIMessageChunk => ({ type: "tool-output-denied", toolCallId });
const start: UIMessageChunk = { type: "start", messageId: "t-answer" };
const [startStep, finishStep, reset] = [
  { type: "start-step" },
  { type: "finish-step" },
  { type: "reset-step" },
] as const satisfies UIMessageChunk[];

function watching(chunks: readonly UIMessageChunk[], answered: string[] = []): TurnWatch {
  const watch = new TurnWatch({ ids: answered, steps: 1 });
  for (const chunk of chunks) watch.see(chunk);
  return watch;
}

const asked = [start, startStep, ...text("0", "Shall I?"), call("x"), call("y"), finishStep, ask("x"), ask("y")];

test.each<[string, readonly UIMessageChunk[], boolean]>([
  ["nothing was said", [start], false],
  ["two people are asked", asked, true],
  ["a tool runs beside the one that waits", asked.slice(0, -1), false],
  ["that tool has ended", [...asked.slice(0, -1), output("y")], true],
  [
    "its result is preliminary",
    [...asked.slice(0, -1), { ...output("y"), preliminary: true } as UIMessageChunk],
    false,
  ],
  ["one has been answered, and runs", [...asked, decide("x", true)], false],
  ["it has run, the other one waits", [...asked, decide("x", true), output("x")], true],
  ["the other one was denied", [...asked, decide("x", true), output("x"), decide("y", false), denied("y")], false],
  ["the model answers", [...asked.slice(0, -3), ask("x")], false],
  ["the next step has begun", [...asked, startStep], false],
  ["the turn is over", [...asked, { type: "abort" }], false],
  ["the step was tried again", [...asked.slice(0, 4), reset, call("x"), finishStep, ask("x")], true],
])("a turn pauses when it waits for people alone: %s", (_what, chunks, isPaused) => {
  expect(watching(chunks).isPaused).toBe(isPaused);
});

test("a turn does not wait for an answer that has been given, before it is in the stream", () => {
  expect(watching(asked, ["a-x"]).isPaused).toBe(false);
  expect(watching([...asked, decide("x", true), output("x")], ["a-x"]).isPaused).toBe(true);
  expect(watching(asked, ["a-x", "a-y"]).isPaused).toBe(false);
});

test("steps are counted, repeated ones once", () => {
  expect(watching([start, startStep, ...text("0", "a"), reset, ...text("0", "b"), finishStep, startStep]).steps).toBe(
    2,
  );
});

/** Turns of several steps with tools that need an answer or not, in any order, and model answers that are tried again. */
const step = fc
  .record({
    says: fc.array(fc.string({ minLength: 1 }), { maxLength: 3 }),
    tries: fc.nat({ max: 2 }),
    tools: fc.array(fc.constantFrom("approved", "denied", "free"), { minLength: 1, maxLength: 3 }),
    order: fc.infiniteStream(fc.nat()),
  })
  .map(({ says, tries, tools, order }) => (n: number): UIMessageChunk[] => {
    const ids = tools.map((kind, index) => [`${n}.${index}`, kind] as const);
    const model = [...text(String(n), ...says), ...ids.map(([id]) => call(id))];
    const events = ids.map(([id, kind]): UIMessageChunk[] => {
      if (kind === "free") return [output(id)];
      return kind === "approved" ? [ask(id), decide(id, true), output(id)] : [ask(id), decide(id, false), denied(id)];
    });
    const mixed: UIMessageChunk[] = [];
    while (events.some((queue) => queue.length > 0)) {
      const open = events.filter((queue) => queue.length > 0);
      const next = open[(order.next().value ?? 0) % open.length]?.shift();
      if (next !== undefined) mixed.push(next);
    }
    const tried = Array.from({ length: tries }, () => [...model.slice(0, 1), reset]).flat();
    return [startStep, ...tried, ...model, finishStep, ...mixed];
  });
const turn = fc
  .array(step, { minLength: 1, maxLength: 4 })
  .map((steps): UIMessageChunk[] => [
    start,
    ...steps.flatMap((make, n) => make(n)),
    startStep,
    ...text("last", "Done", "."),
    finishStep,
    { type: "finish", finishReason: "stop" },
  ]);

test("a client that comes back after a pause gets all that it has not, and nothing twice", async () => {
  await fc.assert(
    fc.asyncProperty(turn, fc.infiniteStream(fc.boolean()), async (chunks, lets) => {
      const whole = await fold(chunks);
      let message: UIMessage | undefined;
      let sent: UIMessageChunk[] = [];
      const watch = new TurnWatch();
      let skip = (_chunk: UIMessageChunk): boolean => false;
      // As routes do: at some pauses the client is let go, and comes back with what it has.
      for (const [index, chunk] of chunks.entries()) {
        watch.see(chunk);
        if (!skip(chunk)) sent.push(chunk);
        if (!watch.isPaused || lets.next().value !== true) continue;
        message = locallyAnswered(await fold(sent, message));
        sent = [];
        const continuation = new Continuation(message as UIMessage);
        for (const before of chunks.slice(0, index + 1))
          expect(continuation.has(before), JSON.stringify(before)).toBe(true);
        skip = (next) => continuation.has(next);
      }
      expect(await fold(sent, message)).toEqual(whole);
    }),
    { numRuns: propertyRuns(2_000, 200), seed: seedOf("continuation") },
  );
});

test("what each attempt tells again of the tools is left out, and the message is the same", async () => {
  await fc.assert(
    fc.asyncProperty(turn, fc.infiniteStream(fc.nat({ max: 4 })), async (chunks, back) => {
      // An attempt dies now and then: the next one tells the tools' part of the step from its beginning.
      const told: UIMessageChunk[] = [];
      let tools: UIMessageChunk[] = [];
      for (const chunk of chunks) {
        told.push(chunk);
        if (!chunk.type.startsWith("tool-") || chunk.type === "tool-input-available") tools = [];
        else tools.push(chunk);
        if (tools.length > 0 && back.next().value === 0) told.push(...tools);
      }
      const repeats = new Repeats();
      const left = told.filter((chunk) => !repeats.has(chunk));
      expect(left).toEqual(chunks);
      expect(await fold(left)).toEqual(await fold(told));
    }),
    { numRuns: propertyRuns(2_000, 200), seed: seedOf("repeats") },
  );
});

test("a tool that is called anew, or gives another result, is told again", () => {
  const repeats = new Repeats();
  const other: UIMessageChunk = { type: "tool-output-available", toolCallId: "x", output: "another" };
  const chunks = [call("x"), output("x"), other, output("x"), call("x"), output("x"), output("x")];
  expect(chunks.map((chunk) => repeats.has(chunk))).toEqual([false, false, false, false, false, false, true]);
});

/** What `addToolApprovalResponse` does at the client. */
function locallyAnswered(message: UIMessage | undefined): UIMessage | undefined {
  if (message === undefined) return undefined;
  const parts = message.parts.map((part) =>
    "state" in part && part.state === "approval-requested"
      ? { ...part, state: "approval-responded", approval: { ...part.approval, approved: true } }
      : part,
  );
  return { ...message, parts: parts as UIMessage["parts"] };
}
