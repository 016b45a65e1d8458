import { afterAll, beforeAll, describe, test } from "vitest";
import { shareOf } from "../thorough.ts";
import { TripStack } from "./trip-stack.ts";
import { learnReference, randomMoments, trial, TRIAL_TIMEOUT_MS } from "./trial.ts";

describe.each([
  { mode: "bidirectional", alwaysReplay: false },
  { mode: "always-replay", alwaysReplay: true },
])("a run on Deno, $mode", ({ mode, alwaysReplay }) => {
  let stack: TripStack;

  beforeAll(async () => {
    stack = await TripStack.start("deno", { alwaysReplay });
    await learnReference(stack);
  }, 60_000);
  afterAll(() => stack.stop());

  test.each(shareOf([1, 5, 9, 13, 17, 21, 25, 29, 33, 37, 41], 4, `boundaries, ${mode}`))(
    "does nothing durable twice when the server dies at step boundary %i of both runs",
    async (n) => {
      await trial(stack, "endpoint", [
        { kind: "event", of: "generate", n },
        { kind: "event", of: "stream", n },
      ]);
    },
    TRIAL_TIMEOUT_MS,
  );

  test.each(shareOf(randomMoments(8, 600, `moments, ${mode}`), 4, mode))(
    "does nothing durable twice when the server dies after %i ms",
    async (ms) => {
      await trial(stack, "endpoint", [{ kind: "time", ms }]);
    },
    TRIAL_TIMEOUT_MS,
  );
});
