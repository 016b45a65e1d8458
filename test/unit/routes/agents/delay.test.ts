import { expect, test } from "vitest";
import { durationMs } from "../../../../routes/agents/delay.ts";

test.each([
  ["10s", 10_000],
  ["0s", 0],
  ["250ms", 250],
  ["5m", 300_000],
  ["2h", 7_200_000],
  ["1d", 86_400_000],
  ["1h 30m", 5_400_000],
  ["1h30m", 5_400_000],
  ["1d 2h 3m 4s 5ms", 93_784_005],
  ["PT10S", 10_000],
  ["PT0.25S", 250],
  ["PT1H30M", 5_400_000],
  ["P1D", 86_400_000],
  ["P1DT2H3M4S", 93_784_000],
])("%s", (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

test.each([
  "",
  " ",
  "10",
  "s",
  "10 s",
  "10S",
  "s10",
  "-1s",
  "+1s",
  "1.5h",
  "10s ",
  " 10s",
  "30m 1h",
  "10s10s",
  "P",
  "PT",
  "P1DT",
  "P1Y",
  "P1M",
  "P1W",
  "PT1.2345S",
  "pt10s",
  "1e3s",
  "10s;x",
  "9999999999s",
  "Infinity",
  "٣s",
])("%j is no duration", (text) => {
  expect(durationMs(text)).toBeUndefined();
});
