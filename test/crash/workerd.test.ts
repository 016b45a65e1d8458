import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectedCounts, TripStack } from "./trip-stack.ts";
import { learnReference, randomMoments, trial, TRIAL_TIMEOUT_MS } from "./trial.ts";

/** Model calls and effects of one run: 13 + 30. */
const BOUNDARIES = 43;

describe.each([
  { title: "steps may run ahead", window: true, moments: 30, restarts: 6 },
  { title: "each step waits for its acknowledgement", window: false, moments: 10, restarts: 3 },
])("a run on Workers, $title", ({ window, moments, restarts }) => {
  let stack: TripStack;

  beforeAll(async () => {
    stack = await TripStack.start("workerd", { window });
    await learnReference(stack);
  }, 60_000);
  afterAll(() => stack.stop());

  test("the reference run has 43 steps that touch the outside", () => {
    expect(expectedCounts("x").size).toBe(BOUNDARIES);
  });

  test.each(Array.from({ length: BOUNDARIES }, (_, n) => n + 1))(
    "does nothing durable twice when the Worker dies at step boundary %i of both runs",
    async (n) => {
      await trial(stack, "endpoint", [
        { kind: "event", of: "generate", n },
        { kind: "event", of: "stream", n },
      ]);
    },
    TRIAL_TIMEOUT_MS,
  );

  test.each(randomMoments(moments, 1_200, 7))(
    "does nothing durable twice when the Worker dies after %i ms",
    async (ms) => {
      await trial(stack, "endpoint", [{ kind: "time", ms }]);
    },
    TRIAL_TIMEOUT_MS,
  );

  test.each(randomMoments(restarts, 1_000, 11))(
    "does nothing durable twice when restate-server dies after %i ms",
    async (ms) => {
      await trial(stack, "restate", [{ kind: "time", ms }]);
    },
    TRIAL_TIMEOUT_MS,
  );
});
