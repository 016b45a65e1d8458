import { expect, test } from "vitest";
import type { Span } from "../../../src/index.ts";
import { otlpTraces } from "../../../src/telemetry/otlp-json.ts";
import { MAX_EXPORT_BYTES, MAX_SPANS, MAX_WAITING_BYTES, SpanQueue } from "../../../src/telemetry/span-queue.ts";

const span = (attributes: Span["attributes"], error?: Span["error"]): Span => ({
  traceId: "1".repeat(32),
  spanId: "1".repeat(16),
  parentSpanId: "2".repeat(16),
  name: "chat m",
  kind: "internal",
  startMs: 1_764_016_880_801,
  endMs: 1_764_016_880_900,
  attributes,
  error,
});
const bodyBytes = (spans: readonly Span[]): number =>
  new TextEncoder().encode(JSON.stringify(otlpTraces(spans, {}))).length;

test.each([
  ["letters", "x"],
  ["quotes, as content has", '"\\'],
  ["line breaks", "\n"],
  ["control characters", "\0"],
  ["umlauts", "ü"],
  ["Chinese", "漢"],
  ["emoji", "😀"],
])("what waits and what is exported is bounded in bytes: %s", (_what, unit) => {
  const queue = new SpanQueue();
  const content = unit.repeat(20_000 / unit.length);
  const big = span({ a: content, list: ["x", content] }, { type: "T", message: content });
  let added = 0;
  while (queue.add(big)) added += 1;
  expect(added * bodyBytes([big])).toBeLessThan(1.05 * MAX_WAITING_BYTES);
  expect(added * bodyBytes([big])).toBeGreaterThan(0.75 * MAX_WAITING_BYTES);
  let taken = 0;
  while (queue.size > 0) {
    const batch = queue.take();
    expect(bodyBytes(batch)).toBeLessThan(1.05 * MAX_EXPORT_BYTES);
    taken += batch.length;
  }
  expect(taken).toBe(added);
  expect(queue.add(big)).toBe(true);
});

test("small spans are bounded in number", () => {
  const queue = new SpanQueue();
  for (let n = 0; n < MAX_SPANS; n++) expect(queue.add(span({ n }))).toBe(true);
  expect(queue.add(span({}))).toBe(false);
  expect(queue.take().length).toBeGreaterThan(1_000);
});

test("a span that is larger than an export goes alone", () => {
  const queue = new SpanQueue();
  const huge = span({ a: "x".repeat(2 * MAX_EXPORT_BYTES) });
  for (const one of [span({}), huge, span({})]) queue.add(one);
  expect([queue.take(), queue.take(), queue.take()].map((batch) => batch.length)).toEqual([1, 1, 1]);
});

test("a batch that comes back is first again, and counts", () => {
  const queue = new SpanQueue();
  const big = (n: number): Span => span({ n, a: "x".repeat(100_000) });
  for (let n = 0; n < 20; n++) queue.add(big(n));
  const batch = queue.take();
  for (let n = 20; queue.add(big(n)); n++);
  const waited = queue.size;
  queue.putBack(batch);
  expect(queue.size).toBe(waited);
  expect(queue.take().map(({ attributes }) => attributes["n"])).toEqual(batch.map(({ attributes }) => attributes["n"]));
});
