/** What every stream store does: one suite, run over each of them. */
import type { UIMessageChunk } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type {
  StreamBatch,
  StreamEntry,
  StreamPage,
  StreamStore,
  StreamWriterId,
} from "../../../src/stream/stream-store.ts";

/** A store under test. */
export interface OpenStore {
  readonly store: StreamStore;
  /** Kills what keeps the streams and starts it again. Absent: what it keeps dies with it. */
  readonly restart?: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** A store whose limits are small. */
export interface SmallLimits {
  readonly store: StreamStore;
  readonly retentionMs: number;
  readonly idleMs: number;
  readonly maxBytes: number;
}

export const writer = (attempt = "a1", startedMs = 1_000): StreamWriterId => ({ attempt, startedMs });
export const delta = (text: string): UIMessageChunk => ({ type: "text-delta", id: "t", delta: text });
/** The word for a chunk that begins a step. */
const STEP = "start-step";
export const batch = (
  segment: number,
  from: number,
  texts: readonly string[],
  more: Partial<StreamBatch> = {},
): StreamBatch => ({
  writer: writer(),
  segment,
  take: 1,
  from,
  chunks: texts.map((text) => (text === STEP ? { type: STEP } : delta(text))),
  ...more,
});
const FINISH: UIMessageChunk = { type: "finish" };
const written = (segment: number, count: number, complete = false, stop = false): object => ({
  result: "written",
  tail: { segment, count, complete },
  stop,
});

/** All of a stream, page by page. */
export async function readAll(store: StreamStore, stream: string, after = 0): Promise<StreamPage> {
  const entries: StreamEntry[] = [];
  let place = after;
  for (;;) {
    const page = await store.read(stream, { after: place, waitMs: 0 });
    entries.push(...page.entries);
    const last = page.entries.at(-1);
    if (page.ended || last === undefined) return { ...page, entries };
    place = last.offset;
  }
}

const shown = ({ chunk }: StreamEntry): string => (chunk.type === "text-delta" ? chunk.delta : chunk.type);
const texts = async (store: StreamStore, stream: string): Promise<string> =>
  (await readAll(store, stream)).entries.map(shown).join(" ");
const offsets = (entries: readonly StreamEntry[]): readonly number[] => entries.map(({ offset }) => offset);

let streams = 0;
/** A name that no test of this run has used; it has what makes names difficult. */
export const newStream = (): string => `Support/user/Zoë & co/t${process.pid}-${(streams += 1)}`;

/** Eventually. */
export async function until<T>(read: () => Promise<T>, holds: (value: T) => boolean, timeoutMs = 15_000): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (performance.now() > end) throw new Error(`Not within ${timeoutMs} ms: ${JSON.stringify(value).slice(0, 500)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function describeStreamStore(name: string, open: () => Promise<OpenStore>): void {
  describe(name, () => {
    let opened: OpenStore;
    let store: StreamStore;
    beforeAll(async () => {
      opened = await open();
      ({ store } = opened);
    });
    afterAll(() => opened?.close());

    test("a stream that nobody has written to does not exist", async () => {
      expect(await store.read(newStream(), { after: 0, waitMs: 0 })).toEqual({
        entries: [],
        ended: false,
        exists: false,
      });
    });

    test("batches are appended, and read in order from any place", async () => {
      const stream = newStream();
      expect(await store.append(stream, batch(1, 0, ["a", "b"]))).toEqual(written(1, 2));
      expect(await store.append(stream, batch(1, 2, ["c"], { complete: true }))).toEqual(written(1, 3, true));
      expect(await store.append(stream, batch(2, 0, ["d"]))).toEqual(written(2, 1));
      const { entries, ended, exists } = await readAll(store, stream);
      expect(entries.map(shown)).toEqual(["a", "b", "c", "d"]);
      expect(offsets(entries)).toEqual([1, 2, 3, 4]);
      expect({ ended, exists }).toEqual({ ended: false, exists: true });
      expect(offsets((await store.read(stream, { after: 2, waitMs: 0 })).entries)).toEqual([3, 4]);
      expect((await store.read(stream, { after: 4, waitMs: 0 })).entries).toEqual([]);
    });

    test("L2: a batch whose answer was lost is taken once, and what of it is new is added", async () => {
      const stream = newStream();
      await store.append(stream, batch(1, 0, ["a"]));
      await store.append(stream, batch(1, 1, ["b", "c"]));
      expect(await store.append(stream, batch(1, 1, ["b", "c"]))).toEqual(written(1, 3));
      expect(await store.append(stream, batch(1, 2, ["c", "d"]))).toEqual(written(1, 4));
      expect(await texts(store, stream)).toBe("a b c d");
    });

    test("L2: a segment that begins again is reset, and nothing of it is taken away", async () => {
      const stream = newStream();
      await store.append(stream, batch(1, 0, [STEP, "a", "b"]));
      const second = { writer: writer("a2", 9_000) };
      expect(await store.append(stream, batch(1, 0, [STEP, "x"], second))).toEqual(written(1, 2));
      expect(await store.append(stream, batch(1, 0, [STEP, "y"], { ...second, take: 2 }))).toEqual(written(1, 2));
      const { entries } = await readAll(store, stream);
      expect(entries.map(shown)).toEqual([STEP, "a", "b", "reset-step", "x", "reset-step", "y"]);
      expect(offsets(entries)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    });

    test("L3: what does not follow is not written", async () => {
      const stream = newStream();
      await store.append(stream, batch(1, 0, ["a"]));
      expect(await store.append(stream, batch(1, 2, ["c"]))).toMatchObject({
        result: "gap",
        tail: { segment: 1, count: 1 },
      });
      expect(await store.append(stream, batch(3, 0, ["d"]))).toMatchObject({ result: "gap" });
      expect(await store.append(newStream(), batch(2, 0, ["d"]))).toMatchObject({
        result: "gap",
        tail: { segment: 0 },
      });
      expect(await texts(store, stream)).toBe("a");
    });

    test("L4: an attempt that began before another one that has written is refused", async () => {
      const stream = newStream();
      await store.append(stream, batch(1, 0, [STEP, "old"]));
      await store.append(stream, batch(1, 0, [STEP, "new"], { writer: writer("a2", 9_000) }));
      expect(await store.append(stream, batch(1, 2, ["dead"]))).toMatchObject({ result: "refused" });
      const end = { writer: writer(), segments: 1, chunks: [FINISH] };
      expect(await store.end(stream, end)).toMatchObject({ result: "refused" });
      expect(await texts(store, stream)).toBe("start-step old reset-step new");
    });

    test("an ended stream takes nothing more, and is read after its end", async () => {
      const stream = newStream();
      await store.append(stream, batch(1, 0, ["a"], { complete: true }));
      expect(await store.end(stream, { writer: writer(), segments: 1, chunks: [FINISH] })).toMatchObject({
        result: "written",
      });
      expect(await store.append(stream, batch(1, 1, ["b"]))).toMatchObject({ result: "refused" });
      const page = await store.read(stream, { after: 0, waitMs: 0 });
      expect(page.entries.map(shown)).toEqual(["a", "finish"]);
      expect(page.ended).toBe(true);
      expect(await store.read(stream, { after: 2, waitMs: 0 })).toEqual({ entries: [], ended: true, exists: true });
    });

    test("the end of a stream that lacks something is a gap", async () => {
      const stream = newStream();
      await store.append(stream, batch(1, 0, ["a"], { complete: true }));
      expect(await store.end(stream, { writer: writer(), segments: 2, chunks: [FINISH] })).toMatchObject({
        result: "gap",
      });
      expect((await readAll(store, stream)).ended).toBe(false);
    });

    test("a writer hears with its next batch that it is to stop, also when nothing was written before", async () => {
      const stream = newStream();
      await store.append(stream, batch(1, 0, ["a"]));
      await store.stop(stream);
      expect(await store.append(stream, batch(1, 1, ["b"]))).toEqual(written(1, 2, false, true));
      const early = newStream();
      await store.stop(early);
      await store.stop(early);
      expect(await store.read(early, { after: 0, waitMs: 0 })).toEqual({ entries: [], ended: false, exists: false });
      expect(await store.append(early, batch(1, 0, ["a"]))).toEqual(written(1, 1, false, true));
      expect(await texts(store, early)).toBe("a");
    });

    test("a removed stream is gone", async () => {
      const stream = newStream();
      await store.append(stream, batch(1, 0, ["a".repeat(20_000)]));
      await store.append(stream, batch(1, 1, ["b"]));
      await store.remove(stream);
      expect(await store.read(stream, { after: 0, waitMs: 0 })).toEqual({ entries: [], ended: false, exists: false });
      await store.remove(stream);
    });

    test("a reader that waits gets what comes, at once", async () => {
      const stream = newStream();
      await store.append(stream, batch(1, 0, ["a"]));
      const began = performance.now();
      const waiting = store.read(stream, { after: 1, waitMs: 10_000 });
      await new Promise((resolve) => setTimeout(resolve, 100));
      await store.append(stream, batch(1, 1, ["b"]));
      expect((await waiting).entries.map(shown)).toEqual(["b"]);
      expect(performance.now() - began).toBeLessThan(3_000);
    });

    test("a reader that waits for nothing is told so in time", async () => {
      const stream = newStream();
      await store.append(stream, batch(1, 0, ["a"]));
      const began = performance.now();
      expect(await store.read(stream, { after: 1, waitMs: 150 })).toEqual({ entries: [], ended: false, exists: true });
      expect(performance.now() - began).toBeGreaterThan(90);
      expect(await store.read(newStream(), { after: 0, waitMs: 50 })).toMatchObject({ exists: false });
    });

    test("a long stream comes page by page, whole, from any place", async () => {
      const stream = newStream();
      const all: string[] = [];
      for (let n = 0; n < 30; n++) {
        const some = Array.from({ length: 40 }, (_, at) => `${n}.${at} ${"é".repeat(20)}`);
        await store.append(stream, batch(1, all.length, some));
        all.push(...some);
      }
      const read = (after: number): Promise<StreamPage> =>
        until(
          () => readAll(store, stream, after),
          ({ entries }) => entries.length === all.length - after,
        );
      for (const after of [0, 1, 39, 40, 617, 1_100, 1_199]) {
        const { entries } = await read(after);
        expect(entries.map(shown)).toEqual(all.slice(after));
        expect(offsets(entries)).toEqual(all.slice(after).map((_, at) => after + at + 1));
      }
    });

    test("a huge chunk, and a batch of many large ones, come back as they were", async () => {
      const stream = newStream();
      const huge = `${"😀é".repeat(400_000)}!`;
      const large = Array.from({ length: 12 }, (_, n) => `${n}${"x".repeat(60_000)}`);
      expect(await store.append(stream, batch(1, 0, ["a", huge, "b"]))).toEqual(written(1, 3));
      expect(await store.append(stream, batch(1, 3, large, { complete: true }))).toEqual(written(1, 15, true));
      const { entries } = await until(
        () => readAll(store, stream),
        (page) => page.entries.length === 15,
      );
      expect(entries.map(shown).join("|") === ["a", huge, "b", ...large].join("|")).toBe(true);
    });

    test("two writers at once: entries have no gap, and the newer one's segment is what is left", async () => {
      const stream = newStream();
      const write = async (id: StreamWriterId, word: string): Promise<void> => {
        for (let at = 0; at < 15; at++) {
          const some = at === 0 ? [STEP, `${word}0`] : [`${word}${at}`];
          const { result } = await store.append(stream, batch(1, at === 0 ? 0 : at + 1, some, { writer: id }));
          if (result === "refused") return;
        }
      };
      await Promise.all([write(writer("old", 1_000), "old"), write(writer("new", 9_000), "new")]);
      const { entries } = await readAll(store, stream);
      expect(offsets(entries)).toEqual(entries.map((_, at) => at + 1));
      const last = entries
        .map(shown)
        .join(" ")
        .split(/start-step|reset-step/)
        .at(-1)
        ?.trim();
      expect(last).toBe(Array.from({ length: 15 }, (_, at) => `new${at}`).join(" "));
    });

    test.skipIf(name.includes("memory"))(
      "what was answered is there after the store was killed",
      async () => {
        const stream = newStream();
        const all: string[] = [];
        let killed: Promise<void> | undefined;
        for (let at = 0; at < 60; at++) {
          all.push(`${at} ${"y".repeat(500)}`);
          if (at === 30) killed = opened.restart?.();
          await until(
            () =>
              store.append(stream, batch(1, at, all.slice(at))).catch((error: unknown) => ({ result: String(error) })),
            ({ result }) => result === "written",
            60_000,
          );
        }
        expect(killed).toBeDefined();
        await killed;
        const { entries } = await until(
          () => readAll(store, stream).catch(() => ({ entries: [] as readonly StreamEntry[] })),
          (page) => page.entries.length >= all.length,
          60_000,
        );
        expect(entries.map(shown)).toEqual(all);
      },
      120_000,
    );
  });
}

/** Retention and size, over a store whose limits are small. */
export function describeLimits(name: string, open: () => Promise<SmallLimits>): void {
  describe(`${name}: limits`, () => {
    let limits: SmallLimits;
    beforeAll(async () => {
      limits = await open();
    });
    const isGone = ({ exists }: StreamPage): boolean => !exists;

    test("a stream is forgotten some time after its end, and not before", async () => {
      const { store, retentionMs } = limits;
      const stream = newStream();
      await store.append(stream, batch(1, 0, ["a".repeat(5_000)], { complete: true }));
      await store.end(stream, { writer: writer(), segments: 1, chunks: [FINISH] });
      const ended = performance.now();
      const read = (): Promise<StreamPage> => store.read(stream, { after: 0, waitMs: 0 });
      expect((await read()).exists).toBe(true);
      await until(read, isGone);
      expect(performance.now() - ended).toBeGreaterThan(retentionMs * 0.8);
    });

    test("one that never ends is forgotten some time after it was last written to", async () => {
      const { store, idleMs } = limits;
      const stream = newStream();
      await store.append(stream, batch(1, 0, ["a"]));
      await new Promise((resolve) => setTimeout(resolve, idleMs * 0.6));
      await store.append(stream, batch(1, 1, ["b"]));
      const last = performance.now();
      await until(() => store.read(stream, { after: 0, waitMs: 0 }), isGone);
      expect(performance.now() - last).toBeGreaterThan(idleMs * 0.8);
    });

    test("a full stream refuses what is more, says so, and can be ended", async () => {
      const { store, maxBytes } = limits;
      const stream = newStream();
      await store.append(stream, batch(1, 0, ["a"], { complete: true }));
      const tooLarge = store.append(stream, batch(2, 0, ["b".repeat(maxBytes)]));
      await expect(tooLarge).rejects.toMatchObject({ errorCode: "stream-too-large", fields: { maxBytes } });
      expect(await texts(store, stream)).toBe("a");
      expect(await store.end(stream, { writer: writer(), segments: 1, chunks: [FINISH] })).toMatchObject({
        result: "written",
      });
      expect(await texts(store, stream)).toBe("a finish");
    });
  });
}
