import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UnserializableValueError } from "../../../src/errors/unserializable-value-error.ts";
import { decodeValue, encodeValue, jsonCodec } from "../../../src/journal/codec.ts";

const text = (value: unknown): string => new TextDecoder().decode(encodeValue(value));
const roundTrip = (value: unknown): unknown => decodeValue(encodeValue(value));

describe("codec", () => {
  it("pins the stored forms", () => {
    const buffer = new Uint8Array([1, 2]).buffer;
    const stored: [unknown, string][] = [
      [undefined, ""],
      [null, "null"],
      [{ b: 1, a: undefined, c: [undefined] }, '{"b":1,"c":[{"$undefined":true}]}'],
      [new Uint8Array([0, 255]), '{"$bytes":"AP8="}'],
      [Buffer.from("hi"), '{"$bytes":"aGk="}'],
      [buffer, '{"$buffer":"AQI="}'],
      [new Date(0), '{"$date":"1970-01-01T00:00:00.000Z"}'],
      [new URL("https://a.test/b"), '{"$url":"https://a.test/b"}'],
      [12n, '{"$bigint":"12"}'],
      [
        [Number.NaN, Infinity, -Infinity, -0],
        '[{"$number":"NaN"},{"$number":"Infinity"},{"$number":"-Infinity"},{"$number":"-0"}]',
      ],
      [new Map([["k", 1n]]), '{"$map":[["k",{"$bigint":"1"}]]}'],
      [new Set([1, undefined]), '{"$set":[1,{"$undefined":true}]}'],
      [{ $date: "mine" }, '{"$object":{"$date":"mine"}}'],
      [{ $date: "mine", other: 1 }, '{"$date":"mine","other":1}'],
      [{ toJSON: () => ({ at: new Date(0) }) }, '{"at":{"$date":"1970-01-01T00:00:00.000Z"}}'],
    ];
    for (const [value, form] of stored) expect(text(value)).toBe(form);
  });

  it("gives back what was stored", () => {
    const scalar = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(null, undefined, true, false),
      fc.bigInt(),
      fc.date({ noInvalidDate: true }),
      fc.uint8Array(),
      fc.webUrl().map((url) => new URL(url)),
      fc.double(),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        scalar,
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(
          fc.oneof(
            fc.string(),
            fc.constantFrom("$date", "$object", "$bytes", "$x", "__proto__", "constructor", "toString", "0"),
          ),
          tie("value").filter((item) => item !== undefined),
          { noNullPrototype: true, maxKeys: 4 },
        ),
        fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 3 }).map((entries) => new Map(entries)),
        fc.array(tie("value"), { maxLength: 4 }).map((items) => new Set(items)),
      ),
    }));
    fc.assert(
      fc.property(value, (item) => {
        deepStrictEqual(roundTrip(item), item); // Vitest's own compares `constructor` keys by identity.
      }),
      { numRuns: 2_000 },
    );
  });

  it("keeps keys in order, and __proto__ an own key", () => {
    const value = JSON.parse('{"z":1,"__proto__":{"polluted":true},"a":2}') as object;
    const back = roundTrip(value) as object;
    expect(Object.keys(back)).toEqual(["z", "__proto__", "a"]);
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it("gives a hole back as undefined", () => {
    expect(roundTrip(Array(2).fill(1, 1))).toEqual([undefined, 1]);
  });

  it("takes the same object twice, but no circle", () => {
    const shared = { n: 1 };
    expect(roundTrip([shared, shared])).toEqual([shared, shared]);
    const circle: { self?: unknown } = {};
    circle.self = [circle];
    expect(() => encodeValue(circle)).toThrow("$.self[0] is a circular reference");
  });

  it("names the path and the kind of what it cannot store", () => {
    class Socket {}
    const prototypes = Object.create(Object.create(null) as object) as object;
    const rows: [unknown, string][] = [
      [{ items: [0, { callback: () => 1 }] }, "$.items[1].callback is a function"],
      [Symbol("s"), "$ is a symbol"],
      [{ s: new Socket() }, "$.s is an instance of Socket"],
      [[Promise.resolve()], "$[0] is an instance of Promise"],
      [new ReadableStream(), "$ is an instance of ReadableStream"],
      [new Float32Array(1), "$ is an instance of Float32Array"],
      [{ p: prototypes }, "$.p is an instance of a class"],
      [
        {
          a: {
            get b(): never {
              throw new Error("trap");
            },
          },
        },
        "$.a is not readable (trap)",
      ],
      [
        [
          {
            toJSON: (): never => {
              throw new Error("trap");
            },
          },
        ],
        "$[0] is not readable (trap)",
      ],
    ];
    for (const [value, message] of rows) {
      expect(() => encodeValue(value)).toThrow(UnserializableValueError);
      expect(() => encodeValue(value)).toThrow(message);
    }
  });

  it("leaves the value as it is", () => {
    const value = { a: [1, { at: new Date(0), n: undefined }], bytes: new Uint8Array([1]), $: { $x: 1n } };
    const before = structuredClone(value);
    const { a } = value;
    encodeValue(value);
    deepStrictEqual(value, before);
    expect(value.a).toBe(a);
  });

  it("asks an object for its JSON, but no array", () => {
    const items = Object.assign([1, 2n], { toJSON: () => "mine" });
    expect(text([{ toJSON: () => [1] }, items, Object.assign([3], { toJSON: () => "mine" })])).toBe(
      '[[1],[1,{"$bigint":"2"}],[3]]',
    );
  });

  it("refuses an object that cannot be looked at", () => {
    const trap = (): never => {
      throw new Error("trap");
    };
    const proxies = [
      new Proxy({}, { has: trap }),
      new Proxy({}, { ownKeys: trap }),
      new Proxy({ a: 1 }, { get: trap }),
    ];
    for (const proxy of proxies) expect(() => encodeValue([proxy])).toThrow("$[0] is not readable (trap)");
  });

  it("refuses deep nesting and large values with a clear error", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    expect(() => encodeValue(deep)).toThrow("nested more than 500 levels deep");
    expect(() => encodeValue("x".repeat(31 * 1024 * 1024))).toThrow("more than the limit of");
  });

  it("says that a newer version wrote an unknown tag", () => {
    expect(() => decodeValue(new TextEncoder().encode('{"$later":1}'))).toThrow("newer version");
  });

  it("is the codec of tools", () => {
    expect(jsonCodec.contentType).toBe("application/json");
    expect(jsonCodec.decode(jsonCodec.encode([1n]))).toEqual([1n]);
  });
});
