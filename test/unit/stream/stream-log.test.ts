/** The contract of streams, L1 to L5, case by case. */
import type { UIMessageChunk } from "ai";
import { describe, expect, test } from "vitest";
import {
  appendToLog,
  emptyStreamLog,
  endLog,
  type LogChange,
  stopLog,
  type StreamLog,
  tellLog,
} from "../../../src/stream/stream-log.ts";
import type { StreamBatch, StreamEnd, StreamWriterId } from "../../../src/stream/stream-store.ts";

const a: StreamWriterId = { attempt: "a", startedMs: 10_000 };
const b: StreamWriterId = { attempt: "b", startedMs: 20_000 };
const START: UIMessageChunk = { type: "start-step" };
const text = (delta: string): UIMessageChunk => ({ type: "text-delta", id: "t", delta });
const output = (toolCallId: string): UIMessageChunk => ({ type: "tool-output-available", toolCallId, output: 1 });

const batch = (writer: StreamWriterId, own: Partial<StreamBatch>): StreamBatch => ({
  writer,
  segment: 1,
  take: 1,
  from: 0,
  chunks: [],
  ...own,
});
const end = (own: Partial<StreamEnd>): StreamEnd => ({
  writer: { attempt: "end", startedMs: 0, last: true },
  segments: 1,
  chunks: [{ type: "finish" }],
  ...own,
});

/** The log after `batches`, and what the last one brought. */
function after(...batches: readonly StreamBatch[]): LogChange {
  let log: StreamLog = emptyStreamLog();
  let last: LogChange | undefined;
  for (const one of batches) {
    last = appendToLog(log, one);
    log = last.log;
  }
  if (last === undefined) throw new Error("No batches");
  return last;
}

const types = ({ chunks }: LogChange): string => chunks.map(({ type }) => type).join(" ");
const whole = batch(a, { chunks: [START, text("a")], complete: true, digest: "1a" });
const next = batch(a, { segment: 2, take: 2, chunks: [output("x"), START, text("b")], after: "1a" });

describe("a stream's log", () => {
  test("L2: what is there already is skipped, also when it is brought with more", () => {
    const more = after(batch(a, { chunks: [START] }), batch(a, { chunks: [START, text("a")] }));
    expect({ types: types(more), tail: more.log.tail.count }).toEqual({ types: "text-delta", tail: 2 });
    const again = appendToLog(more.log, batch(a, { chunks: [START, text("a")] }));
    expect({ types: types(again), result: again.answer.result }).toEqual({ types: "", result: "written" });
  });

  test("L2: another take resets the step, and does not begin it again, nor says before it what a reader would add", () => {
    const input: UIMessageChunk = { type: "tool-input-available", toolCallId: "x", toolName: "t", input: {} };
    const anew = batch(b, { segment: 2, chunks: [input, output("x")], after: "1a" });
    const first = after(whole, next, anew);
    expect(types(first)).toBe("reset-step tool-output-available");
    const goesOn = appendToLog(first.log, batch(b, { segment: 2, from: 2, chunks: [START, text("c")] }));
    expect(types(goesOn)).toBe("text-delta");
  });

  test("L2: a segment whose step has not begun is begun anew without a reset", () => {
    const tools = batch(a, { segment: 2, take: 2, chunks: [output("x")], after: "1a" });
    expect(types(after(whole, tools, batch(b, { segment: 2, chunks: [output("x"), START], after: "1a" })))).toBe(
      "tool-output-available start-step",
    );
  });

  test("L2: the segment before is begun anew as long as no later step has begun", () => {
    const tools = batch(a, { segment: 2, take: 2, chunks: [output("x")], after: "1a" });
    const anew = batch(b, { chunks: [START, text("c")], complete: true, digest: "1b" });
    expect(types(after(whole, tools, anew))).toBe("reset-step text-delta");
    expect(after(whole, next, anew).answer.result).toBe("refused");
  });

  test("L2: an earlier take of the same attempt comes too late", () => {
    const late = after(batch(a, { take: 2, chunks: [START] }), batch(a, { take: 1, chunks: [START, text("old")] }));
    expect({ result: late.answer.result, types: types(late) }).toEqual({ result: "refused", types: "" });
  });

  test("L3: what does not follow is a gap, and changes nothing but who writes", () => {
    const gaps = [
      after(batch(a, { chunks: [START] }), batch(a, { from: 2, chunks: [text("a")] })),
      after(batch(a, { chunks: [START] }), batch(b, { from: 1, chunks: [text("a")] })),
      after(batch(a, { chunks: [START] }), batch(a, { segment: 2, take: 2, chunks: [START] })),
      after(whole, batch(a, { segment: 3, take: 2, chunks: [START] })),
      after(whole, batch(b, { segment: 2, chunks: [START], after: "other" })),
      after(whole, next, batch(b, { segment: 2, chunks: [START], after: "other" })),
    ];
    for (const { answer, chunks } of gaps) expect({ ...answer, chunks }).toMatchObject({ result: "gap", chunks: [] });
  });

  test("L4: an attempt that is dead is refused, one of nearly the same time is not, and the last step never is", () => {
    expect(after(batch(b, { chunks: [START] }), whole).answer.result).toBe("refused");
    expect(after(whole, batch(b, { take: 2, chunks: [START] }), batch(a, { take: 9 })).answer.result).toBe("refused");
    const near: StreamWriterId = { attempt: "near", startedMs: b.startedMs - 999 };
    expect(after(batch(b, { chunks: [START] }), batch(near, { chunks: [START] })).answer.result).toBe("written");
    const last: StreamWriterId = { attempt: "last", startedMs: 0, last: true };
    const ending = after(batch(b, { chunks: [START] }), batch(last, { chunks: [START] }));
    expect(ending.answer.result).toBe("written");
    expect(appendToLog(ending.log, batch({ attempt: "c", startedMs: 99_999 }, { chunks: [START] })).answer.result).toBe(
      "refused",
    );
  });

  test("L5: the end needs what the journal has, and resets a step that it does not have", () => {
    expect(endLog(emptyStreamLog(), end({})).answer.result).toBe("gap");
    expect(endLog(after(batch(a, { chunks: [START] })).log, end({})).answer.result).toBe("gap");
    expect(endLog(after(whole).log, end({ after: "other" })).answer.result).toBe("gap");
    expect(types(endLog(after(whole).log, end({ after: "1a" })))).toBe("finish");
    expect(types(endLog(after(whole, next).log, end({ after: "1a" })))).toBe("reset-step finish");
    const tools = batch(a, { segment: 2, take: 2, chunks: [output("x")], after: "1a" });
    expect(types(endLog(after(whole, tools).log, end({ after: "1a" })))).toBe("finish");
    expect(endLog(after(whole, tools).log, end({ after: "other" })).answer.result).toBe("gap");
  });

  test("L6: who knows the grant tells of an open call, and nobody else of anything", () => {
    const granted: StreamWriterId = { ...a, grant: "secret" };
    const input: UIMessageChunk = { type: "tool-input-available", toolCallId: "x", toolName: "t", input: {} };
    const asked = batch(granted, { chunks: [START, input], complete: true, digest: "1" });
    const { log } = after(asked);
    const word = { grant: "secret", toolCallId: "x", output: "so far" };
    const told = tellLog(log, word);
    expect(told.chunks).toEqual([
      { type: "tool-output-available", toolCallId: "x", output: "so far", preliminary: true },
    ]);
    expect(told.log).toEqual({ ...log, offset: log.offset + 1, told: true });
    // The writer goes on as if nothing had been said.
    const goesOn = appendToLog(told.log, batch(granted, { segment: 2, take: 2, chunks: [output("x")], after: "1" }));
    expect(goesOn.answer.result).toBe("written");
    const refused = [
      tellLog(log, { ...word, grant: "guess" }),
      tellLog(log, { ...word, toolCallId: "y" }),
      tellLog(goesOn.log, word),
      tellLog(endLog(log, end({ writer: { ...granted, last: true } })).log, word),
      tellLog(after(batch(a, { chunks: [START, input] })).log, { ...word, grant: undefined as unknown as string }),
    ];
    for (const { answer, chunks } of refused) expect([answer.result, chunks]).toEqual(["refused", []]);
    const preliminary: UIMessageChunk = {
      type: "tool-output-available",
      toolCallId: "x",
      output: 0,
      preliminary: true,
    };
    const shown = appendToLog(log, batch(granted, { segment: 2, take: 2, chunks: [preliminary], after: "1" }));
    expect(tellLog(shown.log, word).answer.result).toBe("written");
  });

  test("takes nothing after its end, which comes once", () => {
    const { log } = endLog(after(whole).log, end({}));
    expect(endLog(log, end({}))).toMatchObject({ answer: { result: "refused" }, chunks: [] });
    expect(appendToLog(log, next)).toMatchObject({ answer: { result: "refused" }, chunks: [] });
    expect(stopLog(log).log).toBe(log);
  });

  describe("L6: what would break a reader is not told", () => {
    const granted: StreamWriterId = { ...a, grant: "g" };
    const input: UIMessageChunk = { type: "tool-input-available", toolCallId: "x", toolName: "t", input: {} };
    const word = { grant: "g", toolCallId: "x", output: 1 };
    const told = (log: StreamLog): string => tellLog(log, word).answer.result;

    test("of a step that was reset nothing is told until its calls were said again", () => {
      const other: StreamWriterId = { ...b, grant: "g" };
      const reset = after(batch(granted, { chunks: [START, input] }), batch(other, { chunks: [START] }));
      expect([types(reset), told(reset.log)]).toEqual(["reset-step", "refused"]);
      expect(told(appendToLog(reset.log, batch(other, { from: 1, chunks: [input] })).log)).toBe("written");
    });

    test("an output does not take the place of a question that a person has not answered", () => {
      const question: UIMessageChunk = { type: "tool-approval-request", approvalId: "q", toolCallId: "x" };
      const answer: UIMessageChunk = { type: "tool-approval-response", approvalId: "q", approved: true };
      const said = [START, input, question];
      const asked = after(batch(granted, { chunks: said }));
      expect(told(asked.log)).toBe("refused");
      const answered = appendToLog(asked.log, batch(granted, { chunks: [...said, answer] }));
      expect(told(answered.log)).toBe("written");
      const ended = appendToLog(asked.log, batch(granted, { chunks: [...said, output("x")] }));
      expect([told(ended.log), ended.log.asked]).toEqual(["refused", []]);
    });
  });

  test("tells a writer to stop, also one that only asks, and also before anything was written", () => {
    const { log } = stopLog(emptyStreamLog());
    expect(appendToLog(log, batch(a, {})).answer).toMatchObject({ result: "written", stop: true });
    expect(appendToLog(log, batch(a, {})).log).toMatchObject({ offset: 0, tail: { segment: 0 } });
    expect(stopLog(log).log).toBe(log);
  });
});
