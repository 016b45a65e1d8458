/** The queue of one request: bounded, never waited for, and over when the request is. */
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from "vitest";
import type { Span, SpanExporter } from "../../../src/index.ts";
import { EXPORT_MS, RequestSpans } from "../../../src/telemetry/request-spans.ts";
import { MAX_SPANS } from "../../../src/telemetry/span-queue.ts";

const span = (name: string): Span => ({
  traceId: "1".repeat(32),
  spanId: "1".repeat(16),
  name,
  kind: "internal",
  startMs: 0,
  endMs: 0,
  attributes: {},
});

/** An exporter whose answers the test gives. */
class Manual implements SpanExporter {
  readonly batches: string[][] = [];
  answer: (batch: readonly Span[]) => Promise<void> = async () => {};

  async export(spans: readonly Span[]): Promise<void> {
    this.batches.push(spans.map(({ name }) => name));
    await this.answer(spans);
  }
}

let exporter: Manual;
let ended: AbortController;
let kept: Promise<unknown>[];
let spans: RequestSpans;
let warn: MockInstance<typeof console.warn>;

beforeEach(() => {
  vi.useFakeTimers();
  warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  exporter = new Manual();
  ended = new AbortController();
  kept = [];
  spans = new RequestSpans({ exporter, ended: ended.signal, waitUntil: (work) => kept.push(work) });
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const isSettled = async (promise: Promise<unknown> | undefined): Promise<boolean> => {
  let settled = false;
  void promise?.then(() => (settled = true));
  await vi.advanceTimersByTimeAsync(0);
  return settled;
};

test("the first span goes out at once, further ones at growing distances, the rest at the end", async () => {
  const sentAt: number[] = [];
  const start = Date.now();
  exporter.answer = async () => void sentAt.push(Date.now() - start);
  for (let ms = 0; ms <= 100_000; ms += 100) {
    spans.add(span(`${ms}`));
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(sentAt.map((ms) => Math.round(ms / 1_000))).toEqual([0, 1, 3, 7, 15, 31, 61, 91]);
  ended.abort();
  await vi.advanceTimersByTimeAsync(0);
  expect(exporter.batches.flat()).toHaveLength(1_001);
  expect(exporter.batches).toHaveLength(9);
  expect(vi.getTimerCount()).toBe(0);
});

test("the platform is kept from the first span to the end of the last export, once", async () => {
  expect(kept).toHaveLength(0);
  const answered = Promise.withResolvers<void>();
  spans.add(span("a"));
  exporter.answer = () => answered.promise;
  spans.add(span("b"));
  expect(kept).toHaveLength(1);
  ended.abort();
  expect(await isSettled(kept[0])).toBe(false);
  answered.resolve();
  expect(await isSettled(kept[0])).toBe(true);
  expect(exporter.batches).toEqual([["a"], ["b"]]);
  expect(vi.getTimerCount()).toBe(0);
});

test("a span after the end is sent too, and the platform kept for it", async () => {
  spans.add(span("a"));
  ended.abort();
  await vi.advanceTimersByTimeAsync(0);
  spans.add(span("late"));
  expect(kept).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(0);
  expect(exporter.batches).toEqual([["a"], ["late"]]);
});

describe("a receiver that fails", () => {
  test("gets the same spans once more at the end, and is warned about once", async () => {
    exporter.answer = async () => {
      throw new Error("token=sekret");
    };
    spans.add(span("a"));
    await vi.advanceTimersByTimeAsync(0);
    spans.add(span("b"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(exporter.batches).toEqual([["a"]]);
    ended.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(exporter.batches).toEqual([["a"], ["a", "b"]]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(String(warn.mock.calls)).not.toContain("sekret");
    expect(await isSettled(kept[0])).toBe(true);
  });

  test("is warned about again once it has worked in between", async () => {
    const fail = async (): Promise<void> => Promise.reject(new Error("no"));
    const once = async (answer: Manual["answer"]): Promise<void> => {
      exporter.answer = answer;
      const end = new AbortController();
      new RequestSpans({ exporter, ended: end.signal, waitUntil: undefined }).add(span("x"));
      end.abort();
      await vi.advanceTimersByTimeAsync(0);
    };
    await once(fail);
    await once(fail);
    expect(warn).toHaveBeenCalledTimes(1);
    await once(async () => {});
    await once(fail);
    expect(warn).toHaveBeenCalledTimes(2);
  });

  test("may throw instead of rejecting", async () => {
    exporter.export = () => {
      throw new TypeError("no");
    };
    expect(() => spans.add(span("a"))).not.toThrow();
    ended.abort();
    expect(await isSettled(kept[0])).toBe(true);
  });
});

test("a receiver that never answers holds a request up for two exports at most", async () => {
  exporter.answer = () => new Promise(() => {});
  spans.add(span("a"));
  ended.abort();
  await vi.advanceTimersByTimeAsync(2 * EXPORT_MS - 1);
  expect(await isSettled(kept[0])).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await isSettled(kept[0])).toBe(true);
  expect(exporter.batches).toEqual([["a"], ["a"]]);
  expect(vi.getTimerCount()).toBe(0);
});

test("an export leaves no timer behind", async () => {
  const timeout = vi.spyOn(AbortSignal, "timeout");
  const atExport: number[] = [];
  exporter.answer = async () => void atExport.push(vi.getTimerCount());
  spans.add(span("a"));
  await vi.advanceTimersByTimeAsync(0);
  expect(atExport).toEqual([1]);
  expect(vi.getTimerCount()).toBe(0);
  expect(timeout).not.toHaveBeenCalled();
});

describe("large spans", () => {
  const large = (name: string): Span => ({ ...span(name), attributes: { content: "x".repeat(60_000) } });
  const add = (count: number): void => {
    for (let n = 0; n < count; n++) spans.add(large(`${n}`));
  };

  test("go in several exports at the end, all of them", async () => {
    const bytes: number[] = [];
    exporter.answer = async (batch) => void bytes.push(JSON.stringify(batch).length);
    add(60);
    ended.abort();
    expect(await isSettled(kept[0])).toBe(true);
    expect(exporter.batches.flat()).toEqual(Array.from({ length: 60 }, (_, n) => `${n}`));
    expect(Math.max(...bytes)).toBeLessThan(1.05 * 1024 * 1024);
    expect(bytes.length).toBeLessThan(7);
    expect(warn).not.toHaveBeenCalled();
  });

  test("more than fit are dropped, with one warning", async () => {
    add(2_000);
    add(100);
    ended.abort();
    await isSettled(kept[0]);
    expect(exporter.batches.flat().length).toBeLessThan(80);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(String(warn.mock.calls)).toContain("4 MiB");
  });

  test("a receiver that fails at the end is not asked for each of them", async () => {
    exporter.answer = () => Promise.reject(new Error("no"));
    add(60);
    ended.abort();
    expect(await isSettled(kept[0])).toBe(true);
    expect(exporter.batches).toHaveLength(2);
  });
});

test("more spans than fit are dropped", async () => {
  exporter.answer = () => new Promise(() => {});
  for (let n = 0; n < MAX_SPANS + 100; n++) spans.add(span(`${n}`));
  expect(exporter.batches).toEqual([["0"]]);
  exporter.answer = async () => {};
  expect(warn).toHaveBeenCalledTimes(1);
});
