/** What a stream's object keeps, and what leaves it. */
import type { UIMessageChunk } from "ai";
import fc from "fast-check";
import { expect, test } from "vitest";
import { emptyStreamLog } from "../../../src/stream/stream-log.ts";
import {
  bytesOf,
  entriesFrom,
  growStream,
  newStreamState,
  type StreamObjectState,
  streamPage,
} from "../../../src/stream/stream-object-state.ts";
import type { StreamEntry } from "../../../src/stream/stream-store.ts";
import { delta } from "./contract.ts";

const log = emptyStreamLog();

/** An object, and the objects of its blocks. */
function grown(batches: readonly (readonly UIMessageChunk[])[], blockBytes: number) {
  let state: StreamObjectState = newStreamState(log);
  const blocks: (readonly UIMessageChunk[])[] = [];
  for (const [nowMs, chunks] of batches.entries()) {
    const change = growStream(state, { log, chunks, blockBytes, nowMs });
    ({ state } = change);
    if (change.block === undefined) continue;
    expect(change.block.index).toBe(blocks.length);
    blocks.push(change.block.chunks);
  }
  return { state, blocks };
}

/** As a store reads: page by page. */
function readAll({ state, blocks }: ReturnType<typeof grown>, after: number): StreamEntry[] {
  const entries: StreamEntry[] = [];
  for (let place = after; ; place = entries.at(-1)?.offset ?? place) {
    const page = streamPage(state, place, true);
    for (const { index, first } of page.blocks) entries.push(...entriesFrom(first, blocks[index] ?? [], place));
    entries.push(...entriesFrom(page.first, page.chunks, place));
    if (!page.more) return entries;
  }
}

const words = fc.array(fc.array(fc.string({ maxLength: 120, unit: "grapheme" }).map(delta), { maxLength: 12 }), {
  maxLength: 60,
});

test("whatever is added in whatever batches comes back from any place, in order, once", () => {
  fc.assert(
    fc.property(words, fc.integer({ min: 40, max: 4_000 }), fc.nat(), (batches, blockBytes, some) => {
      const all = batches.flat();
      const object = grown(batches, blockBytes);
      const after = some % (all.length + 1);
      expect(readAll(object, after)).toEqual(
        all.slice(after).map((chunk, at): StreamEntry => ({ offset: after + at + 1, chunk })),
      );
      expect(object.state.bytes).toBe(bytesOf(all));
    }),
  );
});

test("O2: the tail is never larger than a block, and who reads along finds what is next in it", () => {
  fc.assert(
    fc.property(words, fc.integer({ min: 2_000, max: 8_000 }), (batches, blockBytes) => {
      const { state } = grown(batches, blockBytes);
      expect(state.tailBytes).toBe(bytesOf(state.tail));
      expect(state.tailBytes).toBeLessThanOrEqual(blockBytes);
    }),
  );
  const object = grown(
    Array.from({ length: 400 }, (_, n) => [delta(`word ${n} `)]),
    2_000,
  );
  expect(object.blocks.length).toBeGreaterThan(8);
  const count = 400;
  for (const behind of [0, 1, 5]) {
    expect(streamPage(object.state, count - behind, false)).toMatchObject({ blocks: [], more: false });
  }
});

test("a chunk that is larger than a block leaves at once, with what came before it", () => {
  const { state, blocks } = grown([[delta("a")], [delta("b".repeat(9_000)), delta("c")]], 8_192);
  expect(blocks.map((chunks) => chunks.length)).toEqual([2]);
  expect(state.tail).toEqual([delta("c")]);
});

test("a long stream is read a bounded number of blocks at a time", () => {
  const object = grown(
    Array.from({ length: 600 }, (_, n) => [delta(`word ${n} `)]),
    400,
  );
  expect(object.blocks.length).toBeGreaterThan(30);
  expect(streamPage(object.state, 0, true)).toMatchObject({
    blocks: { length: 8 },
    chunks: [],
    ended: false,
    more: true,
  });
  expect(readAll(object, 0).map(({ offset }) => offset)).toEqual(Array.from({ length: 600 }, (_, n) => n + 1));
});
