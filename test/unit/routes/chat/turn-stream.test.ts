import type { UIMessage, UIMessageChunk } from "ai";
import { describe, expect, test } from "vitest";
import type { TurnResult } from "../../../../routes/chat/turn-result.ts";
import { readTurn, type TurnReading } from "../../../../routes/chat/turn-stream.ts";
import type { SseEntry } from "../../../../src/stream/sse.ts";
import { memoryStreamStore } from "../../../../src/stream/memory-stream-store.ts";
import type { StreamPage, StreamStore } from "../../../../src/stream/stream-store.ts";
import { fold } from "./fold.ts";

const STREAM = "Assistant/c/t";
const writer = { attempt: "1", startedMs: 1 };
const whole: UIMessage = {
  id: "t-answer",
  role: "assistant",
  parts: [
    { type: "step-start" },
    { type: "text", text: "Let me see.", state: "done" },
    { type: "tool-look", toolCallId: "c1", state: "output-available", input: { at: "x" }, output: "y" },
    { type: "step-start" },
    { type: "text", text: "It is y.", state: "done" },
  ],
};
const first: UIMessageChunk[] = [
  { type: "start", messageId: "t-answer" },
  { type: "start-step" },
  { type: "text-start", id: "0" },
  { type: "text-delta", id: "0", delta: "Let me see." },
  { type: "text-end", id: "0" },
  { type: "tool-input-available", toolCallId: "c1", toolName: "look", input: { at: "x" } },
  { type: "finish-step" },
];
const output: UIMessageChunk = { type: "tool-output-available", toolCallId: "c1", output: "y" };
const second: UIMessageChunk[] = [
  output,
  { type: "start-step" },
  { type: "text-start", id: "0" },
  { type: "text-delta", id: "0", delta: "It is y." },
  { type: "text-end", id: "0" },
  { type: "finish-step" },
];
const finish: UIMessageChunk = { type: "finish", finishReason: "stop" };

async function written(store: StreamStore, ...segments: UIMessageChunk[][]): Promise<void> {
  for (const [index, chunks] of segments.entries()) {
    const complete = index < segments.length - 1;
    await store.append(STREAM, { writer, take: 1, segment: index + 1, from: 0, chunks, complete });
  }
}

/** A stream with all that is said. */
async function complete(): Promise<StreamStore> {
  const store = memoryStreamStore();
  await written(store, first, second);
  await store.append(STREAM, { writer, take: 1, segment: 2, from: second.length, chunks: [], complete: true });
  const { result } = await store.end(STREAM, { writer, segments: 2, chunks: [finish] });
  expect(result).toBe("written");
  return store;
}

interface Read {
  readonly entries: SseEntry[];
  readonly types: string[];
  readonly message: UIMessage | undefined;
}

async function read(reading: Partial<TurnReading>): Promise<Read> {
  const entries: SseEntry[] = [];
  const all: TurnReading = {
    store: undefined,
    stream: STREAM,
    after: 0,
    until: "pause",
    result: async () => undefined,
    signal: AbortSignal.timeout(20_000),
    ...reading,
  };
  for await (const page of readTurn(all)) entries.push(...page);
  const chunks = entries.map(({ chunk }) => chunk);
  return { entries, types: chunks.map(({ type }) => type), message: await fold(chunks, reading.message) };
}

const said = (message: UIMessage | undefined): (() => Promise<TurnResult>) => {
  return async () => ({ message, errorText: undefined, isCancelled: false });
};

test.concurrent("a stream that has ended is told to its end, with offsets", async () => {
  const store = await complete();
  const { entries, message, types } = await read({ store });
  expect(message).toEqual(whole);
  expect(types.at(-1)).toBe("finish");
  expect(entries.map(({ offset }) => offset)).toEqual(entries.map((_, index) => index + 1));
});

test.concurrent("a reader that comes back gets what follows its offset", async () => {
  const store = await complete();
  const all = await read({ store });
  for (const after of [1, 4, 7, 8, 12]) {
    const { entries } = await read({ store, after });
    expect(entries).toEqual(all.entries.slice(after));
  }
});

describe("a turn that has ended, and its stream has not", () => {
  test.concurrent.each([
    ["in the middle of the first text", first.slice(0, 4)],
    ["before the tool's result", first],
  ])("cut %s: the whole message all the same", async (_what, chunks) => {
    const store = memoryStreamStore();
    await written(store, chunks);
    const { message, types } = await read({ store, result: said(whole) });
    expect(message).toEqual(whole);
    expect(types.at(-1)).toBe("finish");
  });

  test.concurrent("cut in the second step", async () => {
    const store = memoryStreamStore();
    await written(store, first, second.slice(0, 4));
    expect((await read({ store, result: said(whole) })).message).toEqual(whole);
  });

  test.concurrent("nothing was ever written", async () => {
    expect((await read({ store: memoryStreamStore(), result: said(whole) })).message).toEqual(whole);
  });

  test.concurrent("the invocation failed: what was said, and a masked error", async () => {
    const store = memoryStreamStore();
    await written(store, first.slice(0, 4));
    const failed: TurnResult = { message: undefined, errorText: "An error occurred.", isCancelled: false };
    const { entries } = await read({ store, result: async () => failed });
    expect(entries.at(-1)).toEqual({ chunk: { type: "error", errorText: "An error occurred." } });
  });

  test.concurrent("it was cancelled", async () => {
    const store = memoryStreamStore();
    await written(store, first);
    const cancelled: TurnResult = { message: undefined, errorText: "An error occurred.", isCancelled: true };
    expect((await read({ store, result: async () => cancelled })).types.at(-1)).toBe("abort");
  });

  test.concurrent("it is one that waited for a person", async () => {
    const store = memoryStreamStore();
    await written(store, [...first, { type: "tool-approval-request", approvalId: "a1", toolCallId: "c1" }]);
    const killed: TurnResult = { message: undefined, errorText: "An error occurred.", isCancelled: false };
    const { types } = await read({ store, until: "end", result: async () => killed });
    expect(types.at(-1)).toBe("error");
  });
});

test.concurrent("a session without streams tells everything at the end", async () => {
  let asked = 0;
  const result = async (): Promise<TurnResult | undefined> => (++asked < 2 ? undefined : said(whole)());
  const { message } = await read({ result });
  expect([message, asked]).toEqual([whole, 2]);
});

/** A store whose reads go through `onRead`. */
function watched(store: StreamStore, onRead: (read: () => Promise<StreamPage>) => Promise<StreamPage>): StreamStore {
  return {
    append: (...args) => store.append(...args),
    end: (...args) => store.end(...args),
    stop: (stream) => store.stop(stream),
    remove: (stream) => store.remove(stream),
    read: (...args) => onRead(() => store.read(...args)),
  };
}

test.concurrent("a store that stays away costs the live parts, not the answer", async () => {
  const store = watched(memoryStreamStore(), () => Promise.reject(new Error("away")));
  const { message } = await read({ store, result: said(whole) });
  expect(message).toEqual(whole);
});

test.concurrent("a store that comes back is read on where it was", async () => {
  let reads = 0;
  const startedAt = performance.now();
  const isAway = (): boolean => reads > 1 && performance.now() - startedAt < 6_000;
  const store = watched(await complete(), async (readOn) => {
    reads += 1;
    if (isAway()) throw new Error("away");
    const page = await readOn();
    return reads > 1 ? page : { ...page, entries: page.entries.slice(0, 3), ended: false };
  });
  const { entries, message } = await read({ store });
  expect(message).toEqual(whole);
  expect(entries.map(({ offset }) => offset)).toEqual(entries.map((_, index) => index + 1));
});

const paused: UIMessageChunk[] = [...first, { type: "tool-approval-request", approvalId: "a1", toolCallId: "c1" }];

test.concurrent("an answer ends when the turn waits for people, without saying that it is finished", async () => {
  const store = memoryStreamStore();
  await written(store, first, paused.slice(first.length));
  const { types } = await read({ store });
  expect(types).toEqual(paused.map(({ type }) => type));
});

test.concurrent("asked to, it stays open until the end", async () => {
  const store = memoryStreamStore();
  await written(store, first, paused.slice(first.length));
  const reading = read({ store, until: "end" });
  const timeout = Symbol("open");
  expect(await Promise.race([reading, new Promise((resolve) => setTimeout(() => resolve(timeout), 700))])).toBe(
    timeout,
  );
  await store.append(STREAM, { writer, take: 1, segment: 2, from: 1, chunks: second, complete: true });
  await store.end(STREAM, { writer, segments: 2, chunks: [finish] });
  expect((await reading).types.at(-1)).toBe("finish");
});

test.concurrent("who has answered goes on from there", async () => {
  const store = memoryStreamStore();
  await written(store, first, paused.slice(first.length));
  const before = await read({ store });
  const reading = read({ store, message: before.message, answered: { ids: ["a1"], steps: 1 } });
  const response: UIMessageChunk = { type: "tool-approval-response", approvalId: "a1", approved: true };
  await store.append(STREAM, { writer, take: 1, segment: 2, from: 1, chunks: [response, ...second], complete: true });
  await store.end(STREAM, { writer, segments: 2, chunks: [finish] });
  const { types, message } = await reading;
  expect(types).toEqual([response, ...second, finish].map(({ type }) => type));
  expect(message?.parts.map(({ type }) => type)).toEqual(whole.parts.map(({ type }) => type));
});

test.concurrent("a client that has gone is not read for any more", async () => {
  const gone = new AbortController();
  let reads = 0;
  const store = watched(memoryStreamStore(), (readOn) => {
    reads += 1;
    return readOn();
  });
  const reading = read({ store, signal: gone.signal });
  await expect.poll(() => reads).toBeGreaterThan(0);
  gone.abort();
  await reading;
  const then = reads;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(reads).toBe(then);
});
