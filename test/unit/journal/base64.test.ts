import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBase64, isCanonicalBase64, toBase64 } from "../../../src/journal/base64.ts";

describe("base64", () => {
  it("is what Buffer makes of it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = Buffer.from(bytes).toString("base64");
        expect(toBase64(bytes)).toBe(text);
        expect(fromBase64(text)).toEqual(bytes);
        expect(isCanonicalBase64(text)).toBe(true);
      }),
    );
  });

  it("encodes the part of a buffer that was meant", () => {
    expect(toBase64(new Uint8Array([0, 97, 98, 99, 100, 0]).subarray(1, 5))).toBe("YWJjZA==");
  });

  it.each(["YQ", "YWJjY", "YR==", "YWJ=", "Y===", "====", "YWJj\n", "YW=j", "YWJ-", " YWJj", "hello, world"])(
    "%j is not canonical",
    (text) => {
      expect(isCanonicalBase64(text)).toBe(false);
    },
  );
});
