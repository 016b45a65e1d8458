/** Three levels of agents, 21 of them: parent killed, children killed, both; and cancelled at random moments. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitUntil } from "../../src/testing/wait.ts";
import { seedOf, shareOf } from "../thorough.ts";
import { CHILDREN, EVENTS_BEFORE_WAITING, FamilyStack, MODEL_CALLS, USAGE, WAITING } from "./subagents-stack.ts";

const TRIAL_TIMEOUT_MS = 180_000;
/** Model calls and effects of one run. */
const EVENTS = MODEL_CALLS + CHILDREN * CHILDREN;

let stack: FamilyStack;
let runs = 0;

beforeAll(async () => {
  stack = await FamilyStack.start();
}, 120_000);
afterAll(() => stack.stop());

/** Every leaf of `run`. */
function leaves(run: string): string[] {
  const numbers = Array.from({ length: CHILDREN }, (_, n) => n);
  return numbers.flatMap((one) => numbers.map((two) => `${run}.${one}.${two}`));
}

/** Starts a run; it can be told by its name in what it does. */
async function start(
  headers: Readonly<Record<string, string>> = {},
  kind = "r",
): Promise<{ readonly run: string; readonly id: string }> {
  runs += 1;
  const run = `${kind}${runs}`;
  return { run, id: await stack.restate.send("Top/run", `task ${run}`, { headers }) };
}

/** Settles when the `n`-th thing has happened in `run`. */
function reached(run: string, n: number): Promise<void> {
  if (stack.events(run) >= n) return Promise.resolve();
  return new Promise((resolve) => {
    const before = stack.onEvent;
    stack.onEvent = (of, count) => {
      before(of, count);
      if (of === run && count >= n) resolve();
    };
  });
}

test(
  "a run asks all of them, and its usage is that of all of them",
  async () => {
    const { run, id } = await start({ "x-restate-edge-agents-usage": "1" });
    const { status, body } = await stack.restate.attach(id);
    expect(status, JSON.stringify(body)).toBe(200);
    const { output, models } = body as { output: string; models: { steps: number; usage: { totalTokens: number } }[] };
    expect(output).toBe(`done ${run}`);
    expect(models.map(({ steps, usage }) => [steps, usage.totalTokens])).toEqual([[MODEL_CALLS, USAGE]]);
    expect(stack.counts(run)).toEqual(new Map(leaves(run).map((key) => [key, 1])));
    expect(stack.events(run)).toBe(EVENTS);
  },
  TRIAL_TIMEOUT_MS,
);

describe("what was done is not done again", () => {
  const victims = ["parent", "children", "both"] as const;
  const all = victims.flatMap((victim) =>
    Array.from({ length: 6 }, (_, n) => [victim, 1 + (seedOf(`subagents ${victim} ${n}`) % (EVENTS - 1))] as const),
  );
  test.each(shareOf(all, 5, "subagents killed"))(
    "when the Worker of %s dies at event %i of 58",
    async (victim, n) => {
      const { run, id } = await start();
      await reached(run, n);
      const dying = victim === "both" ? [stack.parent, stack.children] : [stack[victim]];
      await Promise.all(dying.map((endpoint) => endpoint.kill()));
      const durable = [...(await stack.durable())].filter((key) => key.startsWith(`${run}.`));
      const counts = stack.counts(run);
      await Promise.all(dying.map((endpoint) => endpoint.start()));
      const { status, body } = await stack.restate.attach(id, TRIAL_TIMEOUT_MS);
      expect([status, body]).toEqual([200, `done ${run}`]);
      const now = stack.counts(run);
      for (const key of durable) expect(now.get(key), `${key} was durable and happened again`).toBe(counts.get(key));
      expect([...now.keys()].sort()).toEqual(leaves(run));
      expect(Math.max(...now.values())).toBeLessThanOrEqual(2);
    },
    TRIAL_TIMEOUT_MS,
  );
});

describe("who has started an agent is called back once", () => {
  // A model call, the effect, a model call: each once the Workers of the job and of the agent die.
  test.each(shareOf([1, 2, 3], 3, "subagents called back"))(
    "when both Workers die at event %i of 3",
    async (n) => {
      runs += 1;
      const run = `b${runs}`;
      const id = await stack.restate.send("Starter/run", run);
      await reached(run, n);
      await Promise.all([stack.parent.kill(), stack.children.kill()]);
      await Promise.all([stack.parent.start(), stack.children.start()]);
      expect(await stack.restate.attach(id)).toMatchObject({ status: 200, body: { target: "Leaf/run" } });
      const reports = async (): Promise<unknown> => (await stack.restate.call(`Reports/${run}/list`)).body;
      await waitUntil("Nobody is called back", async () => JSON.stringify(await reports()) !== "[]", {
        timeoutMs: 60_000,
      });
      await waitUntil("Something goes on", async () => (await stack.running()).length === 0, { timeoutMs: 60_000 });
      expect(await reports()).toMatchObject([{ target: "Leaf/run", data: run, ok: true, output: `done ${run}` }]);
      const rows = await stack.restate.query<{ target: string; n: number }>(
        `SELECT target, COUNT(1) AS n FROM sys_invocation WHERE invoked_by_id = '${id}' GROUP BY target`,
      );
      expect(rows).toEqual([{ target: "Jobs/run", n: 1 }]);
    },
    TRIAL_TIMEOUT_MS,
  );
});

describe("a run that is cancelled leaves nothing running", () => {
  const moments = Array.from(
    { length: 20 },
    (_, n) => [n, seedOf(`subagents cancelled ${n}`) % (EVENTS_BEFORE_WAITING + 1)] as const,
  );
  test.each(shareOf(moments, 4, "subagents cancelled"))(
    "trial %i, at event %i of 45",
    async (_, n) => {
      const { run, id } = await start({}, WAITING);
      await reached(run, n);
      await delay(seedOf(`a moment after ${run}`) % 25);
      await stack.restate.cancel(id);
      const { status } = await stack.restate.attach(id, TRIAL_TIMEOUT_MS);
      expect(status).toBe(409);
      let left: string[] = [];
      const isQuiet = async (): Promise<boolean> => (left = await stack.running()).length === 0;
      await waitUntil("Agents go on after their parent was cancelled", isQuiet, {
        timeoutMs: 60_000,
        everyMs: 100,
      }).catch((error: unknown) => {
        throw new Error(`Still there: ${left.join(", ")}`, { cause: error });
      });
      const events = stack.events(run);
      await delay(300);
      expect(stack.events(run), "a model or a tool was called when nothing ran").toBe(events);
      expect(Math.max(0, ...stack.counts(run).values())).toBeLessThanOrEqual(1);
    },
    TRIAL_TIMEOUT_MS,
  );
});
