/** Readers that share their questions to a store that cannot wait. */
import { expect, test, vi } from "vitest";
import { memoryStreamStore } from "../../../src/stream/memory-stream-store.ts";
import { SharedReads } from "../../../src/stream/shared-reads.ts";
import type { StreamEntry, StreamPage, StreamRead, StreamStore } from "../../../src/stream/stream-store.ts";
import { batch, delta, writer } from "./contract.ts";

/** A store that is looked at; `asked` counts how often. */
function looked(answerMs = 5, times = { pollMs: 20, maxPollMs: 200 }) {
  const entries: StreamEntry[] = [];
  const state = { asked: 0, ended: false, exists: true, hang: 0 };
  const read = async (_stream: string, { after }: StreamRead): Promise<StreamPage> => {
    state.asked += 1;
    if (state.hang-- > 0) await new Promise(() => {});
    const page = { entries: entries.slice(after), ended: state.ended, exists: state.exists };
    await new Promise((resolve) => setTimeout(resolve, answerMs));
    return page;
  };
  const add = (...texts: readonly string[]): void => {
    for (const text of texts) entries.push({ offset: entries.length + 1, chunk: delta(text) });
  };
  return { state, add, reads: new SharedReads({ read, ...times }) };
}
const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test("P1: fifty readers of a stream get all of it, and ask as often as one", async () => {
  const { reads, state, add } = looked();
  const got: string[] = [];
  const one = async (): Promise<void> => {
    let after = 0;
    let text = "";
    while (after < 30) {
      const { entries } = await reads.read("s", { after, waitMs: 5_000 });
      text += entries.map(({ offset }) => `${offset} `).join("");
      after = entries.at(-1)?.offset ?? after;
    }
    got.push(text);
  };
  const readers = Array.from({ length: 50 }, one);
  for (let n = 0; n < 30; n++) {
    await later(15);
    add(String(n));
  }
  await Promise.all(readers);
  expect(new Set(got)).toEqual(new Set([Array.from({ length: 30 }, (_, n) => `${n + 1} `).join("")]));
  expect(state.asked).toBeLessThan(45);
});

test("P2: a question that is never answered holds nobody up for long", async () => {
  const { reads, state, add } = looked();
  state.hang = 1;
  void reads.read("s", { after: 0, waitMs: 10_000 });
  add("a");
  const began = performance.now();
  expect((await reads.read("s", { after: 0, waitMs: 10_000 })).entries).toHaveLength(1);
  expect(performance.now() - began).toBeLessThan(8_000);
});

test("P3: who does not wait, or is behind, asks for itself", async () => {
  const { reads, state, add } = looked();
  add("a", "b");
  expect((await reads.read("s", { after: 1, waitMs: 1_000 })).entries).toMatchObject([{ offset: 2 }]);
  expect((await reads.read("s", { after: 0, waitMs: 1_000 })).entries).toMatchObject([{ offset: 1 }, { offset: 2 }]);
  const asked = state.asked;
  add("c");
  expect((await reads.read("s", { after: 2, waitMs: 0 })).entries).toMatchObject([{ offset: 3 }]);
  expect(state.asked).toBe(asked + 1);
});

test("P3: the end is handed on, and asked for once", async () => {
  const { reads, state, add } = looked();
  add("a");
  const readers = Array.from({ length: 20 }, () => reads.read("s", { after: 1, waitMs: 5_000 }));
  await later(60);
  state.ended = true;
  const asked = state.asked;
  expect(new Set((await Promise.all(readers)).map(({ ended }) => ended))).toEqual(new Set([true]));
  expect(state.asked - asked).toBeLessThan(4);
});

test("P4: while nothing comes it is asked less and less often; when something has come, at once again", async () => {
  const { reads, state, add } = looked(0);
  add("a");
  await reads.read("s", { after: 0, waitMs: 100 });
  state.asked = 0;
  expect(await reads.read("s", { after: 1, waitMs: 1_000 })).toEqual({ entries: [], ended: false, exists: true });
  const idle = state.asked;
  expect(idle).toBeGreaterThan(3);
  expect(idle).toBeLessThan(20);
  add("b");
  await reads.read("s", { after: 1, waitMs: 1_000 });
  state.asked = 0;
  await reads.read("s", { after: 2, waitMs: 200 });
  expect(state.asked).toBeGreaterThan(3);
});

test("P5: what this isolate writes is asked for at once", async () => {
  const { reads, state, add } = looked(10, { pollMs: 5_000, maxPollMs: 5_000 });
  add("a");
  await reads.read("s", { after: 0, waitMs: 100 });
  const readers = Array.from({ length: 5 }, () => reads.read("s", { after: 1, waitMs: 9_000 }));
  await later(20);
  const began = performance.now();
  // The second time in the midst of a question.
  reads.tell("s");
  await later(2);
  add("b");
  reads.tell("s");
  for (const { entries } of await Promise.all(readers)) expect(entries).toMatchObject([{ offset: 2 }]);
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(state.asked).toBeLessThan(5);
  reads.tell("a stream that nobody reads");
});

test("a reader that gives up is let go at once", async () => {
  const { reads } = looked();
  await reads.read("s", { after: 0, waitMs: 30 });
  const left = new AbortController();
  const began = performance.now();
  setTimeout(() => left.abort(), 50);
  await reads.read("s", { after: 0, waitMs: 10_000, signal: left.signal });
  expect(performance.now() - began).toBeLessThan(5_000);
});

test("readers of a store that waits share one question, which it answers when something has come", async () => {
  const store = memoryStreamStore();
  const read = vi.fn<StreamStore["read"]>((stream, options) => store.read(stream, options));
  const reads = new SharedReads({ read, pollMs: 0, maxPollMs: 0, waitMs: 2_000 });
  const all = Array.from({ length: 30 }, async () => {
    let after = 0;
    for (;;) {
      const { entries, ended } = await reads.read("s", { after, waitMs: 3_000 });
      after = entries.at(-1)?.offset ?? after;
      if (ended) return after;
    }
  });
  for (let at = 0; at < 20; at++) {
    await later(15);
    await store.append("s", batch(1, at, [String(at)], { complete: at === 19 }));
  }
  await store.end("s", { writer: writer(), segments: 1, chunks: [{ type: "finish" }] });
  expect(new Set(await Promise.all(all))).toEqual(new Set([21]));
  expect(read.mock.calls.length).toBeLessThan(30);
});

/** Streams whose entries have `length` characters of text each. */
function large(maxLength: number, maxTotalLength: number, length: number, count: number) {
  const entries = Array.from({ length: count }, (_, n) => ({ offset: n + 1, chunk: delta("x".repeat(length)) }));
  const state = { asked: 0 };
  const read = async (_stream: string, { after }: StreamRead): Promise<StreamPage> => {
    state.asked += 1;
    return Promise.resolve({ entries: entries.slice(after, after + 3), ended: after + 3 >= count, exists: true });
  };
  const reads = new SharedReads({ read, pollMs: 1, maxPollMs: 5, maxLength, maxTotalLength });
  const all = async (stream: string): Promise<readonly number[]> => {
    const offsets: number[] = [];
    for (let ended = false; !ended;) {
      const page = await reads.read(stream, { after: offsets.at(-1) ?? 0, waitMs: 2_000 });
      offsets.push(...page.entries.map(({ offset }) => offset));
      ({ ended } = page);
      expect(reads.keptLength).toBeLessThanOrEqual(maxTotalLength);
    }
    return offsets;
  };
  return { reads, state, all };
}

test("P6: what is kept is bounded in characters, all streams together, and nobody misses anything", async () => {
  for (const [maxLength, maxTotalLength] of [
    [100_000, 250_000],
    [5_000, 250_000],
    [250_000, 250_000],
  ] as const) {
    const { reads, all } = large(maxLength, maxTotalLength, 10_000, 40);
    const whole = Array.from({ length: 40 }, (_, n) => n + 1);
    const streams = Array.from({ length: 100 }, (_, n) => `s${n % 80}`);
    expect(await Promise.all(streams.map(all))).toEqual(streams.map(() => whole));
    // Each alone, too, after all of them.
    for (const stream of ["s1", "s79"]) expect(await all(stream)).toEqual(whole);
    expect(reads.keptLength).toBeLessThanOrEqual(maxTotalLength);
    expect(reads.keptLength > 0).toBe(maxLength > 10_000);
  }
});

test("P6: of streams that are forgotten nothing is kept, and nothing is counted", async () => {
  const { reads, all } = large(1_000_000, 100_000_000, 1_000, 10);
  await all("s0");
  const one = reads.keptLength;
  for (let n = 1; n < 200; n++) await all(`s${n}`);
  expect([one > 0, reads.keptLength]).toEqual([true, 64 * one]);
});

test("P6: small entries are kept, so readers still share", async () => {
  const { state, all } = large(100_000, 100_000, 10, 300);
  await all("s");
  const asked = state.asked;
  const more = await Promise.all(Array.from({ length: 20 }, () => all("s")));
  expect(new Set(more.map(({ length }) => length))).toEqual(new Set([300]));
  expect(state.asked - asked).toBeLessThanOrEqual(asked);
});

test("P6: a store that has lost what was known is not asked again and again", async () => {
  const state = { asked: 0, isLost: false };
  const read = async (): Promise<StreamPage> => {
    state.asked += 1;
    const entries = state.isLost ? [] : [{ offset: 1, chunk: delta("x".repeat(100)) }];
    return Promise.resolve({ entries, ended: false, exists: !state.isLost });
  };
  const reads = new SharedReads({ read, pollMs: 1, maxPollMs: 5, maxLength: 10 });
  await reads.read("s", { after: 0, waitMs: 100 });
  state.isLost = true;
  const pages = await Promise.all(Array.from({ length: 10 }, () => reads.read("s", { after: 0, waitMs: 2_000 })));
  expect(pages).toEqual(pages.map(() => ({ entries: [], ended: false, exists: false })));
  expect(state.asked).toBeLessThanOrEqual(12);
});
