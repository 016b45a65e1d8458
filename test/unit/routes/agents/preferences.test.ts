import { expect, test } from "vitest";
import { preferencesOf, waitOf } from "../../../../routes/agents/preferences.ts";

const LIMITS = { waitMs: 60_000, maxWaitMs: 120_000 };
const waited = (prefer: string | undefined) => waitOf(preferencesOf(prefer), LIMITS);

test.each([
  [undefined, 60_000, undefined],
  ["", 60_000, undefined],
  ["respond-async", 0, "respond-async"],
  ["Respond-Async", 0, "respond-async"],
  ["wait=5", 5_000, "wait=5"],
  ['wait="5"', 5_000, "wait=5"],
  ["wait = 5", 5_000, "wait=5"],
  ["wait=0", 0, "wait=0"],
  ["respond-async, wait=5", 5_000, "respond-async, wait=5"],
  ["wait=5,respond-async", 5_000, "respond-async, wait=5"],
  ["respond-async; foo=bar, wait=5; a=b", 5_000, "respond-async, wait=5"],
  ["wait=121", 120_000, "wait=120"],
  ["wait=999999999", 120_000, "wait=120"],
  ["wait=5, wait=7", 5_000, "wait=5"],
  ["return=minimal, handling=lenient", 60_000, undefined],
])("prefer: %s", (prefer, waitMs, applied) => {
  expect(waited(prefer)).toEqual({ waitMs, applied });
});

test.each([
  "wait",
  "wait=",
  "wait=-1",
  "wait=1.5",
  "wait=1e3",
  "wait=soon",
  "wait=9999999999",
  "respond-async=no",
  ",,;=",
  "x y",
])("what is malformed is ignored: %s", (prefer) => {
  expect(waited(prefer)).toEqual({ waitMs: 60_000, applied: undefined });
});

test("a long header is read in no time", () => {
  const began = performance.now();
  for (const prefer of [
    "wait".repeat(20_000),
    "wait=".padEnd(80_000, '"'),
    " ".repeat(80_000),
    "a=b;".repeat(20_000),
    // A pattern that skips spaces before and after the value is cubic here.
    `wait=${`${" ".repeat(1_500)}"`.repeat(3)}`,
    `wait${" ".repeat(80_000)}x`,
  ])
    waited(prefer);
  expect(performance.now() - began).toBeLessThan(3_000);
});
