import { expect, test } from "vitest";
import { spreadOf } from "../../../bench/harness/statistics.ts";

test("the median of an odd number of samples is the middle one, whatever their order", () => {
  expect(spreadOf([10, 9, 100])).toEqual({ median: 10, min: 9, max: 100 });
});

test("the median of an even number of samples lies between the middle two", () => {
  expect(spreadOf([1, 4, 2, 8])).toEqual({ median: 3, min: 1, max: 8 });
});

test("one sample is its own median, minimum and maximum", () => {
  expect(spreadOf([7])).toEqual({ median: 7, min: 7, max: 7 });
});

test("no samples have no median", () => {
  expect(() => spreadOf([])).toThrow("no samples");
});
