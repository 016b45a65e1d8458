/** The past: what is read, what is remembered. */
import type { ModelMessage } from "ai";
import { describe, expect, test } from "vitest";
import { readPast, type ReadTurns, type TurnsInput } from "../../../src/session/turn/past-turns.ts";
import { TurnCache } from "../../../src/session/turn/turn-cache.ts";

const conversation = { service: "Support", key: "c1", epoch: "e1" };
const message = (slot: number): ModelMessage[] => [{ role: "user", content: `turn ${slot}` }];
const upTo = (count: number): number[] => Array.from({ length: count }, (_, slot) => slot);

/** Answers from what there is, and notes what was asked. */
function reader(has: (slot: number) => boolean = () => true): {
  readonly read: ReadTurns;
  readonly asked: TurnsInput[];
} {
  const asked: TurnsInput[] = [];
  const read: ReadTurns = async (_, wanted) => {
    asked.push(wanted);
    const turns = wanted.slots.map((slot) => (has(slot) ? message(slot) : undefined));
    return { turns, ...(wanted.summary === undefined ? {} : { summary: `summary ${wanted.summary}` }) };
  };
  return { read, asked };
}

describe("readPast()", () => {
  test("asks in pages, in order, and for the summary once", async () => {
    const { read, asked } = reader();
    const past = await readPast(conversation, { slots: upTo(120), summary: 7 }, read, new TurnCache());
    expect(past).toEqual({ summary: "summary 7", turns: upTo(120).map(message) });
    expect(asked.map(({ slots, summary }) => [slots.length, summary])).toEqual([
      [50, 7],
      [50, undefined],
      [20, undefined],
    ]);
  });

  test("asks for what it does not know, and for nothing twice", async () => {
    const { read, asked } = reader();
    const cache = new TurnCache();
    await readPast(conversation, { slots: upTo(3), summary: undefined }, read, cache);
    await readPast(conversation, { slots: upTo(5), summary: 9 }, read, cache);
    await readPast(conversation, { slots: upTo(5), summary: 9 }, read, cache);
    expect(asked.map(({ slots }) => slots)).toEqual([
      [0, 1, 2],
      [3, 4],
    ]);
  });

  test("asks for a summary alone", async () => {
    const { read, asked } = reader();
    const past = await readPast(conversation, { slots: [], summary: 3 }, read, new TurnCache());
    expect(past).toEqual({ summary: "summary 3", turns: [] });
    expect(asked).toEqual([{ epoch: "e1", slots: [], summary: 3 }]);
  });

  test("does not mix up sessions, keys and epochs", async () => {
    const { read, asked } = reader();
    const cache = new TurnCache();
    const wanted = { slots: [0], summary: 0 };
    for (const other of [{}, { service: "Other" }, { key: "c2" }, { epoch: "e2" }]) {
      await readPast({ ...conversation, ...other }, wanted, read, cache);
    }
    expect(asked.map(({ slots, summary }) => [slots, summary])).toEqual(Array.from({ length: 4 }, () => [[0], 0]));
  });

  test("fails, not for good, when something is not there", async () => {
    const { read } = reader((slot) => slot !== 1);
    await expect(readPast(conversation, { slots: upTo(3), summary: undefined }, read, new TurnCache())).rejects.toThrow(
      /turn 1 of Support\/c1: it is not there/,
    );
  });
});

describe("TurnCache", () => {
  test("forgets what was used longest ago, and keeps to its bound", () => {
    const cache = new TurnCache(100);
    const text = (length: number): string => "x".repeat(length - 2); // As JSON it has its quotes, too.
    for (const name of ["a", "b", "c"]) cache.set(name, text(30));
    expect(cache.get("a")).toBe(text(30));
    cache.set("d", text(30));
    const known = ["a", "b", "c", "d"].filter((name) => cache.get(name) !== undefined);
    expect(known).toEqual(["a", "c", "d"]);
    expect(cache.bytes).toBe(90);
    cache.set("a", text(60));
    expect(cache.bytes).toBeLessThanOrEqual(100);
    expect(cache.get("a")).toBe(text(60));
    cache.set("huge", text(101));
    expect(cache.get("huge")).toBeUndefined();
    cache.clear();
    expect(cache.bytes).toBe(0);
  });

  test("remembers what it was given, whatever becomes of that, and as it is stored", () => {
    const cache = new TurnCache();
    const given = message(0);
    cache.set("a", given);
    Object.assign(given[0] ?? {}, { content: "changed" });
    const [first] = (cache.get("a") ?? []) as ModelMessage[];
    Object.assign(first ?? {}, { content: "changed" });
    expect(cache.get("a")).toEqual(message(0));
    const data = Buffer.from([1, 2]);
    cache.set("b", [{ role: "user", content: [{ type: "file", mediaType: "image/png", data }] }]);
    expect(JSON.stringify(cache.get("b"))).toContain('{"0":1,"1":2}');
  });
});
