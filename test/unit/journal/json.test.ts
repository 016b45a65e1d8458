import { describe, expect, it } from "vitest";
import { isJsonObject, sameJson } from "../../../src/journal/json.ts";

describe("sameJson", () => {
  it.each<[unknown, unknown]>([
    [1, 1],
    [null, null],
    [
      [1, [2]],
      [1, [2]],
    ],
    [
      { a: 1, b: { c: 2 } },
      { b: { c: 2 }, a: 1 },
    ],
    [{ a: 1, b: undefined }, { a: 1 }],
    [{ a: 1 }, { a: 1, b: undefined }],
  ])("%j and %j", (one, other) => {
    expect(sameJson(one, other)).toBe(true);
  });

  it.each<[unknown, unknown]>([
    [1, "1"],
    [null, {}],
    [[], {}],
    [[1], [1, 2]],
    [[1, 2], [1]],
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { a: 1, b: null }],
    [{ a: 1, b: null }, { a: 1 }],
    [JSON.parse('{"__proto__":{}}'), {}],
    [{}, JSON.parse('{"__proto__":{}}')],
  ])("not %j and %j", (one, other) => {
    expect(sameJson(one, other)).toBe(false);
  });
});

describe("isJsonObject", () => {
  it("is true for objects alone", () => {
    expect([{}, [], null, "{}", undefined].map(isJsonObject)).toEqual([true, false, false, false, false]);
  });
});
