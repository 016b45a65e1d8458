import { expect, test } from "vitest";
import { splitBatch } from "../../../src/stream/split-batch.ts";
import { batch } from "./contract.ts";

const KIB = 1_024;

test("a batch of usual size is one part, also when it has no chunks", () => {
  const small = batch(2, 5, ["a", "b"], { complete: true, digest: "d", after: "c" });
  expect(splitBatch(small)).toEqual([small]);
  expect(splitBatch(batch(1, 3, [], { complete: true }))).toEqual([batch(1, 3, [], { complete: true })]);
});

test("a large one is parts that follow each other, and the last one completes the segment", () => {
  const whole = batch(
    1,
    7,
    Array.from({ length: 10 }, (_, n) => `${n}`.repeat(100 * KIB)),
    { complete: true, digest: "d" },
  );
  const parts = splitBatch(whole);
  expect(parts.map(({ from, chunks, complete, digest }) => [from, chunks.length, complete, digest])).toEqual([
    [7, 2, undefined, undefined],
    [9, 2, undefined, undefined],
    [11, 2, undefined, undefined],
    [13, 2, undefined, undefined],
    [15, 2, true, "d"],
  ]);
  expect(parts.flatMap(({ chunks }) => chunks)).toEqual(whole.chunks);
});

test("a chunk that is larger than a part goes alone", () => {
  const sizes = ["a", "b".repeat(600 * KIB), "c"];
  expect(splitBatch(batch(1, 0, sizes)).map(({ chunks }) => chunks.length)).toEqual([1, 1, 1]);
});
