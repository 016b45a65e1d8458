import fc from "fast-check";
import { expect, test } from "vitest";
import { packFloats, unpackFloats } from "../../../../src/model/kinds/pack-floats.ts";

function roundTrip(vectors: number[][]): {
  readonly layout: string;
  readonly bytes: number;
  readonly back: number[][];
} {
  const packed = packFloats(vectors);
  if (packed === undefined) throw new Error("not packed");
  return { layout: packed.layout, bytes: packed.bytes.length, back: unpackFloats(packed) };
}

const anyFloat = fc.oneof(
  fc.double(),
  fc.float(),
  fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 5e-324, 1e-45, 3.4028235e38, Number.MAX_VALUE),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map((item) => Number(item.toPrecision(7))),
);

test("any vectors come back exactly, whatever their numbers are", () => {
  const vectors = fc
    .integer({ min: 1, max: 20 })
    .chain((dimensions) =>
      fc.array(fc.array(anyFloat, { minLength: dimensions, maxLength: dimensions }), { minLength: 1, maxLength: 5 }),
    );
  fc.assert(
    fc.property(vectors, (given) => {
      const { back } = roundTrip(given);
      expect(back.length).toBe(given.length);
      for (const [index, vector] of given.entries()) {
        for (const [at, item] of vector.entries()) expect(Object.is(back[index]?.[at], item), `${item}`).toBe(true);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("shortest decimals of float32 take four bytes a number", () => {
  const isNormal = (item: number): boolean => item === 0 || Math.abs(item) >= 2 ** -126;
  const finite = fc.float({ noNaN: true, noDefaultInfinity: true }).filter(isNormal);
  const shortest = (item: number): number => {
    for (let digits = 1; digits <= 9; digits += 1) {
      const decimal = Number(item.toPrecision(digits));
      if (Math.fround(decimal) === item) return decimal;
    }
    return item;
  };
  fc.assert(
    fc.property(fc.array(finite.map(shortest), { minLength: 1, maxLength: 30 }), (vector) => {
      const { back, bytes } = roundTrip([vector]);
      expect(back).toEqual([vector]);
      expect(bytes).toBe(4 * vector.length);
    }),
    { numRuns: 2_000 },
  );
});

test("the shortest decimals of float32 are those that a text would have", () => {
  const normal = fc.oneof(
    fc.float({ noNaN: true, noDefaultInfinity: true }),
    fc.float({ min: -1, max: 1, noNaN: true }),
    fc.integer({ min: -999_999, max: 999_999 }).map((item) => Math.fround(item / 1e6)),
  );
  const byText = (item: number): number => {
    for (let digits = 6; digits < 9; digits += 1) {
      const decimal = Number(item.toPrecision(digits));
      if (Math.fround(decimal) === item) return decimal;
    }
    return Number(item.toPrecision(9));
  };
  fc.assert(
    fc.property(normal, (item) => {
      const [decimal, other] = [byText(item), 0.0023064255]; // The second is no float32, so the layout is decimal.
      const packed = packFloats([[decimal, other]]);
      const isSubnormal = item !== 0 && Math.abs(item) < 2 ** -126;
      expect(packed?.layout).toBe(isSubnormal && packed?.layout === "f64" ? "f64" : "f32-decimal");
      expect(packed === undefined ? [] : unpackFloats(packed)).toEqual([[decimal, other]]);
    }),
    { numRuns: 20_000 },
  );
});

test.each([
  ["f32", [0.5, -0.006929283495992422]],
  ["f32-decimal", [0.0023064255, -0.009327292, 0.5]],
  ["f64", [0.1234567890123, 0.5]],
])("the layout %s", (layout, vector) => {
  expect(roundTrip([vector])).toMatchObject({ layout, back: [vector] });
});

test.each<[string, unknown[]]>([
  ["vectors of several lengths", [[1], [1, 2]]],
  ["empty vectors", [[], []]],
  ["no vectors", []],
  ["texts", ["AAAA"]],
  ["lists of texts", [["1"]]],
  ["holes", [[1, undefined]]],
])("%s are not packed", (_, vectors) => {
  expect(packFloats(vectors)).toBeUndefined();
});

test("bytes that are cut are an error, not other numbers", () => {
  const packed = packFloats([[1, 2, 3]]);
  if (packed === undefined) throw new Error("not packed");
  expect(() => unpackFloats({ ...packed, bytes: packed.bytes.slice(4) })).toThrow("8 bytes instead of 12");
});
