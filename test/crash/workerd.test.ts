import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectedCounts, TripStack } from "./trip-stack.ts";
import { learnReference, randomMoments, trial, TRIAL_TIMEOUT_MS } from "./trial.ts";

/** Model calls and effects of one run: 13 + 30. */
const BOUNDARIES = 43;

describe("a run on Workers", () => {
  let stack: TripStack;

  beforeAll(async () => {
    stack = await TripStack.start("workerd");
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

  test.each(randomMoments(30, 1_200, 7))(
    "does nothing durable twice when the Worker dies after %i ms",
    async (ms) => {
      await trial(stack, "endpoint", [{ kind: "time", ms }]);
    },
    TRIAL_TIMEOUT_MS,
  );

  test.each(randomMoments(6, 1_000, 11))(
    "does nothing durable twice when restate-server dies after %i ms",
    async (ms) => {
      await trial(stack, "restate", [{ kind: "time", ms }]);
    },
    TRIAL_TIMEOUT_MS,
  );
});
