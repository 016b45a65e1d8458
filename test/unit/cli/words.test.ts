import { expect, test } from "vitest";
import { durationMs, shortVersion, span } from "../../../cli/deployments/words.ts";

test.each([
  [12, "12 ms"],
  [1_234, "1.2 s"],
  [42_000, "42 s"],
  [90_000, "1m 30s"],
  [3_600_000, "1h"],
  [7_500_000, "2h 5m"],
  [100 * 3_600_000, "4d 4h"],
  [-5, "0 ms"],
])("%i ms is %s", (ms, text) => {
  expect(span(ms)).toBe(text);
});

test.each([
  ["90s", 90_000],
  ["30m", 1_800_000],
  ["1.5h", 5_400_000],
  ["7d", 604_800_000],
  ["250ms", 250],
])("%s is %i ms", (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

test.each(["", "5", "-5s", "5 weeks", "1e3s"])("%j is no duration", (text) => {
  expect(durationMs(text)).toBeUndefined();
});

test("versions of Workers are shown by the part that is in their URLs, others whole", () => {
  expect(shortVersion("1a2b3c4d-0000-4000-8000-000000000000")).toBe("1a2b3c4d");
  expect(shortVersion("v12")).toBe("v12");
});
