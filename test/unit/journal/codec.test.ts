import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeValue, encodeValue } from "../../../src/journal/codec.ts";

const text = (value: unknown): string => new TextDecoder().decode(encodeValue(value));

/** Anything that can be stored. */
const storable = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    fc.string(),
    fc.double(),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.webUrl().map((url) => new URL(url)),
    fc.uint8Array(),
    fc.array(fc.oneof(tie("value"), fc.constant(undefined)), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom("$bytes", "$date", "$object", "$", "__proto__")),
      tie("value"),
      {
        maxKeys: 4,
        noNullPrototype: true,
      },
    ),
    fc.array(fc.tuple(fc.string(), tie("value")), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(fc.string(), { maxLength: 3 }).map((items) => new Set(items)),
  ),
})).value;

test("whatever can be stored comes back equal", () => {
  fc.assert(
    fc.property(storable, (value) => {
      expect(decodeValue(encodeValue(value))).toEqual(value);
    }),
    { numRuns: 2_000 },
  );
});

describe("stored forms are pinned:", () => {
  test.each([
    [undefined, ""],
    [null, "null"],
    ["words", '"words"'],
    [{ a: 1, b: undefined }, '{"a":1}'],
    [[undefined], '[{"$undefined":true}]'],
    [new Uint8Array([0, 1, 255]), '{"$bytes":"AAH/"}'],
    [new Uint8Array([7]).buffer, '{"$buffer":"Bw=="}'],
    [new Date(0), '{"$date":"1970-01-01T00:00:00.000Z"}'],
    [new URL("https://a.test/b"), '{"$url":"https://a.test/b"}'],
    [Number.NaN, '{"$number":"NaN"}'],
    [-0, '{"$number":"-0"}'],
    [new Map([["a", 1]]), '{"$map":[["a",1]]}'],
    [new Set([1]), '{"$set":[1]}'],
    [{ $date: "mine" }, '{"$object":{"$date":"mine"}}'],
    [{ $a: 1, b: 2 }, '{"$a":1,"b":2}'],
  ])("%# %o", (value, stored) => {
    expect(text(value)).toBe(stored);
  });
});

test("the stored form of a bigint is pinned", () => {
  expect(text(12n)).toBe('{"$bigint":"12"}');
});

describe("what cannot be stored is named with its path:", () => {
  class Point {
    x = 1;
  }
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  test.each([
    [{ items: [{ callback: () => 1 }] }, "$.items[0].callback is a function"],
    [{ a: Symbol("s") }, "$.a is a symbol"],
    [circle, "$.self is a circular reference"],
    [new Point(), "$ is an instance of Point"],
    [{ at: new Date("no date") }, "$.at is an invalid date"],
    [Promise.resolve(1), "$ is an instance of Promise"],
    [{ stream: new ReadableStream() }, "$.stream is an instance of ReadableStream"],
  ])("%#", (value, problem) => {
    expect(() => encodeValue(value)).toThrow(problem);
  });

  test("a value that is too large", () => {
    expect(() => encodeValue("x".repeat(31 * 1024 * 1024))).toThrow("more than the limit");
  });

  test("a value that is nested too deeply", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 2_000; level++) deep = [deep];
    expect(() => encodeValue(deep)).toThrow("levels deep");
  });
});

test("a value that appears twice is no circle", () => {
  const shared = { a: 1 };
  expect(decodeValue(encodeValue([shared, shared]))).toEqual([shared, shared]);
});

test("objects with toJSON are stored as they say", () => {
  expect(text({ toJSON: () => ({ kept: 1 }) })).toBe('{"kept":1}');
});

test("a tag of a newer version is refused, not misread", () => {
  expect(() => decodeValue(new TextEncoder().encode('{"$later":1}'))).toThrow("newer version");
});
