/** The trials of a run on Workers. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shareOf } from "../thorough.ts";
import { expectedCounts, TripStack } from "./trip-stack.ts";
import { learnReference, randomMoments, trial, TRIAL_TIMEOUT_MS } from "./trial.ts";

/** A run of the tests does each sixth trial. */
const NTH = 6;

/** Model calls and effects of one run: 13 + 30. */
const BOUNDARIES = 43;

/** The trials beside those at each boundary. Of all a run does its share (test/thorough.ts). */
export interface WorkerTrials {
  readonly title: string;
  /** Whether steps run ahead of acknowledgements. */
  readonly window: boolean;
  /** Random moments at which the Worker dies. */
  readonly moments: number;
  /** Random moments at which restate-server dies. */
  readonly restarts: number;
}

/** Declares the tests. */
export function workerTrials({ title, window, moments, restarts }: WorkerTrials): void {
  describe(`a run on Workers, ${title}`, () => {
    let stack: TripStack;

    beforeAll(async () => {
      stack = await TripStack.start("workerd", { window });
      await learnReference(stack);
    }, 60_000);
    afterAll(() => stack.stop());

    test("the reference run has 43 steps that touch the outside", () => {
      expect(expectedCounts("x").size).toBe(BOUNDARIES);
    });

    const boundaries = Array.from({ length: BOUNDARIES }, (_, n) => n + 1);
    test.each(shareOf(boundaries, NTH, `boundaries, ${title}`))(
      "does nothing durable twice when the Worker dies at step boundary %i of both runs",
      async (n) => {
        await trial(stack, "endpoint", [
          { kind: "event", of: "generate", n },
          { kind: "event", of: "stream", n },
        ]);
      },
      TRIAL_TIMEOUT_MS,
    );

    test.each(shareOf(randomMoments(moments, 1_200, `moments, ${title}`), NTH, title))(
      "does nothing durable twice when the Worker dies after %i ms",
      async (ms) => {
        await trial(stack, "endpoint", [{ kind: "time", ms }]);
      },
      TRIAL_TIMEOUT_MS,
    );

    test.each(shareOf(randomMoments(restarts, 1_000, `restarts, ${title}`), NTH, title))(
      "does nothing durable twice when restate-server dies after %i ms",
      async (ms) => {
        await trial(stack, "restate", [{ kind: "time", ms }]);
      },
      TRIAL_TIMEOUT_MS,
    );
  });
}
