/** Whoever writes to a log, in whatever order, dead or alive: readers are left with what the last one has ended it with. */
import type { UIMessageChunk } from "ai";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chunkDigest } from "../../../src/stream/chunk-digest.ts";
import { memoryStreamStore } from "../../../src/stream/memory-stream-store.ts";
import type { SegmentText } from "../../../src/stream/settled-segments.ts";
import { StreamSender, type Take } from "../../../src/stream/stream-sender.ts";
import type { StreamStore } from "../../../src/stream/stream-store.ts";
import { propertyRuns, seedOf } from "../../thorough.ts";
import { chunksOf, fold, withoutEmptyStep } from "./fold.ts";

const STREAM = "s";
const never = new AbortController().signal;

/** What segment `segment` says in version `version`: the ends of the calls before it, and a step with two calls. */
function segmentText(segment: number, version: string, isLast = false): SegmentText {
  const step: UIMessageChunk[] = [
    { type: "start-step" },
    { type: "text-start", id: `${segment}` },
    ...["a", "b", "c"].map((word): UIMessageChunk => ({
      type: "text-delta",
      id: `${segment}`,
      delta: `${version}${word} `,
    })),
    { type: "text-end", id: `${segment}` },
    ...["x", "y"].map((call): UIMessageChunk => {
      const toolCallId = `${segment}${call}`;
      return { type: "tool-input-available", toolCallId, toolName: "tool", input: { version } };
    }),
    { type: "finish-step" },
  ];
  const before: UIMessageChunk[] =
    segment === 1
      ? [{ type: "start", messageId: "m" }]
      : ["x", "y"].map((call) => ({
          type: "tool-output-available",
          toolCallId: `${segment - 1}${call}`,
          output: version,
        }));
  const chunks = isLast ? before : [...before, ...step];
  return { chunks, digest: chunkDigest(chunks) };
}

interface Attempt {
  readonly sender: StreamSender;
  readonly take: Take;
  /** What it will say of its segment. */
  readonly text: SegmentText;
  says: number;
}

/** How one attempt goes. */
const attempt = fc.record({
  /** How many segments more than the attempt before the journal has when it begins. */
  more: fc.nat({ max: 2 }),
  /** When it began, after the one before; clocks differ. */
  laterMs: fc.integer({ min: -900, max: 3_000 }),
});
const act = fc.record({
  who: fc.nat(),
  says: fc.nat({ max: 6 }),
  fate: fc.constantFrom("sent", "sent", "sent", "lost", "answer lost", "twice", "sent late"),
});

async function write(
  attempts: readonly { more: number; laterMs: number }[],
  acts: readonly (typeof actType)[],
): Promise<void> {
  const store = memoryStreamStore();
  const late: (() => Promise<unknown>)[] = [];
  let fate: string = "sent";
  const network: StreamStore = {
    ...store,
    append: async (stream, batch) => {
      const own = structuredClone(batch);
      if (fate === "lost") throw new Error("lost");
      if (fate === "sent late") late.push(() => store.append(stream, own));
      const answer = await store.append(stream, own);
      if (fate === "twice") await store.append(stream, own);
      if (fate === "answer lost") throw new Error("answer lost");
      return answer;
    },
    end: (stream, end) => store.end(stream, end),
  };
  let known = 0;
  let startedMs = 10_000;
  const running = attempts.map(({ more, laterMs }, index): Attempt => {
    known += more;
    startedMs += laterMs;
    const writer = { attempt: `attempt ${index}`, startedMs };
    const sender = new StreamSender({
      store: network,
      stream: STREAM,
      writer,
      truth: async (segment) => segmentText(segment, "journal"),
    });
    return { sender, take: sender.take(known + 1), text: segmentText(known + 1, `attempt${index}`), says: 0 };
  });
  // Attempts begin one after the other, and none before the one before has done something; the dead go on.
  let alive = 1;
  for (const { who, says, fate: next } of acts) {
    alive = Math.min(running.length, alive + (who % 4 === 0 ? 1 : 0));
    const one = running[who % alive];
    if (one === undefined) continue;
    const { take, text, sender } = one;
    if (take.digest === undefined) {
      const chunks = text.chunks.slice(one.says, one.says + says);
      take.chunks.push(...chunks);
      one.says += chunks.length;
      if (one.says === text.chunks.length) take.digest = text.digest;
    }
    fate = next;
    if (sender.lacks(take)) await sender.advance(take, never).catch(() => {});
    if (who % 5 === 0) await late.pop()?.();
  }
  fate = "sent";
  const segments = known + 1;
  const truth = async (segment: number): Promise<SegmentText> =>
    segmentText(segment, "journal", segment === segments && segments > 1);
  const last = new StreamSender({ store, stream: STREAM, writer: { attempt: "end", startedMs: 0, last: true }, truth });
  const finish: UIMessageChunk[] = [{ type: "finish", finishReason: "stop" }];
  const { result } = await last.end({ segments, chunks: finish }, never);
  expect(result).toBe("written");
  for (const again of late) expect(await again()).toMatchObject({ result: "refused" });

  const { entries } = await store.read(STREAM, { after: 0, waitMs: 0 });
  expect(entries.map(({ offset }) => offset)).toEqual(entries.map((_, at) => at + 1));
  const whole: UIMessageChunk[] = [];
  for (let segment = 1; segment <= segments; segment += 1) whole.push(...(await truth(segment)).chunks);
  const [read, wanted] = [await fold(await chunksOf(store, STREAM)), await fold([...whole, ...finish])];
  expect(withoutEmptyStep(read)).toEqual(withoutEmptyStep(wanted));
}
const actType = { who: 0, says: 0, fate: "" };

describe("a stream's log", () => {
  test("ends with what the journal says, whoever has written before", async () => {
    const property = fc.asyncProperty(
      fc.array(attempt, { minLength: 1, maxLength: 5 }),
      fc.array(act, { maxLength: 60 }),
      write,
    );
    await fc.assert(property, { numRuns: propertyRuns(20_000, 300), seed: seedOf("stream-log") });
  });
});
