/** Reading a stream to its end, and as server-sent events. */
import { parseJsonEventStream } from "@ai-sdk/provider-utils";
import { type UIMessageChunk, uiMessageChunkSchema } from "ai";
import { expect, test, vi } from "vitest";
import { StreamLostError } from "../../../src/errors/stream-lost-error.ts";
import { memoryStreamStore } from "../../../src/stream/memory-stream-store.ts";
import { sseBody, sseEvents } from "../../../src/stream/sse.ts";
import { type ReadStreamOptions, readStream, readStreamPages } from "../../../src/stream/stream-reader.ts";
import type { StreamEntry, StreamStore } from "../../../src/stream/stream-store.ts";
import { batch, delta, newStream, writer } from "./contract.ts";

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const end = { writer: writer(), segments: 1, chunks: [{ type: "finish" } satisfies UIMessageChunk] };

async function write(store: StreamStore, stream: string, words: readonly string[], everyMs = 0): Promise<void> {
  for (const [at, word] of words.entries()) {
    if (everyMs > 0) await later(everyMs);
    await store.append(stream, batch(1, at, [word], { complete: at === words.length - 1 }));
  }
}

async function collect(store: StreamStore, stream: string, options?: ReadStreamOptions): Promise<StreamEntry[]> {
  const entries: StreamEntry[] = [];
  for await (const entry of readStream(store, stream, options)) entries.push(entry);
  return entries;
}
const lost = (reason: string): object => ({ errorCode: "stream-lost", reason });

test("a stream is read while it is written, and to its end", async () => {
  const [store, stream] = [memoryStreamStore(), newStream()];
  const reading = collect(store, stream);
  await write(store, stream, ["a", "b", "c"], 5);
  await store.end(stream, end);
  expect((await reading).map(({ offset }) => offset)).toEqual([1, 2, 3, 4]);
  expect((await collect(store, stream, { after: 2 })).map(({ offset }) => offset)).toEqual([3, 4]);
  expect(await collect(store, stream, { after: 4 })).toEqual([]);
});

test("one that cannot wait is asked in growing pauses", async () => {
  const [memory, stream] = [memoryStreamStore(), newStream()];
  const read = vi.fn<StreamStore["read"]>((name, { after }) => memory.read(name, { after, waitMs: 0 }));
  const reading = collect({ read } as unknown as StreamStore, stream, { checkMs: 500 });
  await later(700);
  expect(read.mock.calls.length).toBeGreaterThan(2);
  expect(read.mock.calls.length).toBeLessThan(8);
  await write(memory, stream, ["a"]);
  await memory.end(stream, end);
  expect(await reading).toHaveLength(2);
});

test("a store that fails for a while is asked again; one that fails for long is lost", async () => {
  const [memory, stream] = [memoryStreamStore(), newStream()];
  await write(memory, stream, ["a", "b"]);
  await memory.end(stream, end);
  let failures = 3;
  const store = {
    read: async (name, read) => {
      if (failures-- > 0) throw new Error("The store is away");
      return memory.read(name, read);
    },
  } as StreamStore;
  expect(await collect(store, stream)).toHaveLength(3);
  failures = Number.POSITIVE_INFINITY;
  await expect(collect(store, stream, { toleranceMs: 200 })).rejects.toMatchObject(lost("unreachable"));
});

test("a stream whose writer is gone is lost, and what it had written comes first", async () => {
  const [store, stream] = [memoryStreamStore(), newStream()];
  await write(store, stream, ["a", "b"]);
  const entries: StreamEntry[] = [];
  let isOver = false;
  const reading = (async () => {
    for await (const entry of readStream(store, stream, { checkMs: 30, isOver: async () => isOver }))
      entries.push(entry);
  })();
  await later(150);
  await store.append(stream, batch(1, 2, ["c"]));
  isOver = true;
  await expect(reading).rejects.toMatchObject(lost("over"));
  expect(entries).toHaveLength(2);
  const began = performance.now();
  const isGone = { checkMs: 400, isOver: async () => true };
  await expect(collect(store, newStream(), isGone)).rejects.toThrow(StreamLostError);
  // Once told, it does not wait for more.
  expect(performance.now() - began).toBeLessThan(750);
});

test("what is written before the writer goes is read, also when it is told gone first", async () => {
  const [memory, stream] = [memoryStreamStore(), newStream()];
  const isOver = async (): Promise<boolean> => {
    await write(memory, stream, ["last words"]);
    await memory.end(stream, end);
    return true;
  };
  expect(await collect(memory, stream, { checkMs: 20, isOver })).toHaveLength(2);
});

test("a question that fails counts as no", async () => {
  const [store, stream] = [memoryStreamStore(), newStream()];
  const isOver = vi.fn<() => Promise<boolean>>().mockRejectedValueOnce(new Error("not now")).mockResolvedValue(true);
  await expect(collect(store, stream, { checkMs: 20, isOver })).rejects.toMatchObject(lost("over"));
  expect(isOver).toHaveBeenCalledTimes(2);
});

test("nothing for too long is a loss; so is a stream that is forgotten", async () => {
  const [store, stream] = [memoryStreamStore(), newStream()];
  await write(store, stream, ["a"]);
  await expect(collect(store, stream, { checkMs: 20, idleMs: 100 })).rejects.toMatchObject(lost("idle"));
  const reading = collect(store, stream, { checkMs: 20 });
  await later(60);
  await store.remove(stream);
  await expect(reading).rejects.toMatchObject(lost("forgotten"));
});

test("a reader that is aborted ends without an error", async () => {
  const [store, stream] = [memoryStreamStore(), newStream()];
  await write(store, stream, ["a"]);
  const left = new AbortController();
  setTimeout(() => left.abort(), 30);
  expect(await collect(store, stream, { signal: left.signal })).toHaveLength(1);
});

test("a slow reader holds at most a page, and nothing is read before it asks", async () => {
  const [memory, stream] = [memoryStreamStore(), newStream()];
  const read = vi.fn<StreamStore["read"]>((name, options) => memory.read(name, options));
  await write(memory, stream, ["a"]);
  const body = sseBody((signal) => readStreamPages({ read } as unknown as StreamStore, stream, { signal }));
  await later(20);
  expect(read).not.toHaveBeenCalled();
  const reader = body.getReader();
  await reader.read();
  await later(20);
  expect(read).toHaveBeenCalledTimes(1);
  await reader.cancel();
});

test("events have their offset as id, and the AI SDK reads them", async () => {
  const [store, stream] = [memoryStreamStore(), newStream()];
  await write(store, stream, ["a", "b\n\nc"]);
  await store.end(stream, end);
  const body = (): ReadableStream<Uint8Array> =>
    sseBody((signal) => readStreamPages(store, stream, { signal, after: 1 }));
  expect(await new Response(body()).text()).toBe(
    'id: 2\ndata: {"type":"text-delta","id":"t","delta":"b\\n\\nc"}\n\nid: 3\ndata: {"type":"finish"}\n\ndata: [DONE]\n\n',
  );
  const chunks: unknown[] = [];
  const parsed = parseJsonEventStream({ stream: body(), schema: uiMessageChunkSchema });
  for await (const chunk of parsed as unknown as AsyncIterable<{ readonly value: unknown }>) chunks.push(chunk.value);
  expect(chunks).toEqual([delta("b\n\nc"), { type: "finish" }]);
});

test("while nothing comes, comments keep the connection open; the AI SDK does not see them", async () => {
  const [store, stream] = [memoryStreamStore(), newStream()];
  let text = "";
  let comments = 0;
  for await (const events of sseEvents(readStreamPages(store, stream), { keepAliveMs: 20 })) {
    text += events;
    if (events === ":\n\n" && ++comments === 3) void write(store, stream, ["a"]).then(() => store.end(stream, end));
  }
  expect(text.match(/^:\n\n/gm)?.length).toBeGreaterThan(2);
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
});

test("a stream that is lost ends with a masked error, or with what the caller says", async () => {
  const [store, stream] = [memoryStreamStore(), newStream()];
  const options = { checkMs: 10, isOver: async () => true };
  const text = (onError?: (error: unknown) => UIMessageChunk[]): Promise<string> =>
    new Response(
      sseBody(() => readStreamPages(store, stream, options), onError === undefined ? {} : { onError }),
    ).text();
  expect(await text()).toBe('data: {"type":"error","errorText":"An error occurred."}\n\ndata: [DONE]\n\n');
  const told = await text((error) => [{ type: "abort", reason: (error as StreamLostError).reason }]);
  expect(told).toBe('data: {"type":"abort","reason":"over"}\n\ndata: [DONE]\n\n');
});

test("a client that leaves ends the reading", async () => {
  const [memory, stream] = [memoryStreamStore(), newStream()];
  await write(memory, stream, ["a"]);
  let aborted = false;
  const store = {
    read: (name, read) => {
      read.signal?.addEventListener("abort", () => (aborted = true));
      return memory.read(name, read);
    },
  } as StreamStore;
  const reader = sseBody((signal) => readStreamPages(store, stream, { signal })).getReader();
  await reader.read();
  const waiting = reader.read();
  await later(20);
  await reader.cancel();
  expect(aborted).toBe(true);
  expect((await waiting).done).toBe(true);
});
