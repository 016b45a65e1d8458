/** Kills inside a window: a run whose steps all share one request. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectedOfSurvey } from "../fixtures/trip/plan.ts";
import { shareOf } from "../thorough.ts";
import { TripStack } from "./trip-stack.ts";

const STEPS = expectedOfSurvey("x").length;
const RUN_TIMEOUT_MS = 30_000;
let stack: TripStack;

beforeAll(async () => {
  stack = await TripStack.start("workerd");
}, 60_000);
afterAll(() => stack.stop());

/** Runs a survey; at its `n`-th step the Worker dies, and what is durable by then is returned. */
async function survey(run: string, n: number): Promise<ReadonlySet<string>> {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const before = stack.onEvent;
  stack.onEvent = (of, count) => {
    before(of, count);
    if (of === run && count >= n) resolve();
  };
  const id = await stack.restate.send("Trip/survey", run);
  let durable: ReadonlySet<string> = new Set();
  if (n > 0) {
    await reached;
    await stack.endpoint.kill();
    durable = await stack.durable(id);
    await stack.endpoint.start();
  }
  expect(await stack.restate.attach(id, RUN_TIMEOUT_MS)).toMatchObject({ status: 200, body: `All done for ${run}` });
  expect([...stack.counts(run).keys()].sort()).toEqual(expectedOfSurvey(run));
  return durable;
}

test("without a crash every step happens once", async () => {
  await survey("whole", 0);
  expect(new Set(stack.counts("whole").values())).toEqual(new Set([1]));
});

const steps = Array.from({ length: STEPS }, (_, n) => n + 1);
test.each(shareOf(steps, 2, "steps of the window"))(
  "completed steps of the window never run again when the Worker dies at step %i",
  async (n) => {
    const run = `kill${n}`;
    const durable = await survey(run, n);
    const counts = stack.counts(run);
    // Each result reached Restate at once: all but the steps that were under way. Up to three run side by side.
    expect(durable.size).toBeGreaterThanOrEqual(n - 3);
    expect([...durable].filter((key) => counts.get(key) !== 1)).toEqual([]);
    const repeated = [...counts.values()].filter((count) => count > 1).length;
    expect(repeated).toBeLessThanOrEqual(STEPS - durable.size);
    expect(repeated).toBeLessThanOrEqual(3);
  },
  RUN_TIMEOUT_MS * 2,
);
