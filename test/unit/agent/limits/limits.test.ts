/** Limits: who may go on (pure), and what a run with one writes into its journal. */
import fc from "fast-check";
import { tool } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  EMPTY_LIMIT,
  type LimitBounds,
  lookAgainMs,
  mayGrant,
  withGrant,
  withoutOverdue,
} from "../../../../src/agent/limits/limit-state.ts";
import {
  DefinitionError,
  RestateAgent,
  rateLimit,
  restateContext,
  withPermit,
  withRestateContext,
} from "../../../../src/index.ts";
import { FAKE_PENDING } from "../../../../src/testing/fake-context.ts";
import { crashEverywhere, runFake, scriptedModel } from "../../../../src/testing/in-memory.ts";

const MINUTE_MS = 60_000;
const waiting = (n: number) => ({ id: `p${n}`, invocationId: "inv", awakeable: `a${n}` });

/** When permits are given to a queue that is never empty, within `untilMs`. */
function grantsMs(bounds: LimitBounds, untilMs: number): number[] {
  const given: number[] = [];
  let head = { ...EMPTY_LIMIT, waiting: 1 };
  for (let nowMs = 1_000; nowMs <= untilMs;) {
    if (mayGrant(head, bounds, nowMs)) {
      head = { ...withGrant(head, bounds, waiting(given.length), nowMs), waiting: 1 };
      given.push(nowMs);
    } else {
      nowMs = Math.max(nowMs + 1, Math.ceil(lookAgainMs(head, bounds) ?? untilMs));
    }
  }
  return given;
}

describe("a rate", () => {
  test("is never exceeded in any 60 seconds, and is used", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.double({ min: 0, max: 1, noNaN: true }), (perMinute, share) => {
        const burst = Math.max(1, Math.round(perMinute * share));
        const given = grantsMs({ concurrency: undefined, perMinute, burst, leaseMs: 1 }, 4 * MINUTE_MS);
        for (const [n, startMs] of given.entries()) {
          const inMinute = given.slice(n).filter((ms) => ms < startMs + MINUTE_MS).length;
          expect(inMinute).toBeLessThanOrEqual(perMinute);
        }
        // At least the even rate that is left when the burst is over.
        expect(given.length).toBeGreaterThanOrEqual(burst + Math.floor(3.5 * (perMinute - burst)));
      }),
      { numRuns: 100 },
    );
  });

  test("lets no more than the bound hold a permit, and takes it back when the lease is over", () => {
    const bounds: LimitBounds = { concurrency: 2, perMinute: undefined, burst: 1, leaseMs: 100 };
    let head = { ...EMPTY_LIMIT, waiting: 3 };
    for (const n of [1, 2]) head = { ...withGrant(head, bounds, waiting(n), n), waiting: 3 };
    expect(mayGrant(head, bounds, 50)).toBe(false);
    expect(lookAgainMs(head, bounds)).toBe(101);
    expect(mayGrant(withoutOverdue(head, bounds, 101), bounds, 101)).toBe(true);
    expect(withoutOverdue(head, bounds, 101).holders.map(({ id }) => id)).toEqual(["p2"]);
  });

  test.each([
    [{}, "set concurrency, perMinute, or both"],
    [{ concurrency: 0 }, "concurrency must be a positive integer: current value is 0"],
    [{ perMinute: 10, burst: 11 }, "burst must not be above perMinute, 10"],
    [{ concurrency: 1, lease: 0 }, "lease must be above 0"],
  ])("%j is refused when it is defined", (options, problem) => {
    expect(() => rateLimit("L", options)).toThrow(DefinitionError);
    expect(() => rateLimit("L", options)).toThrow(problem);
  });
});

const work = tool({ inputSchema: z.object({ n: z.number() }), execute: async ({ n }) => `worked ${n}` });

function limited(key?: string) {
  const model = scriptedModel([{ toolCalls: [{ id: "w", name: "work", input: { n: 1 } }] }, { text: "done" }]);
  const limit = rateLimit("Limit", { concurrency: 2 });
  const use = key === undefined ? limit : { limit, key: () => key };
  const agent = new RestateAgent({ id: "a", model, tools: { work } }, { limits: [use] });
  return { model, body: async () => (await agent.generate({ prompt: "go" })).text };
}

describe("a run with a limit", () => {
  test("waits for a permit before each model call, and gives it back after it", async () => {
    const { body } = limited("tenant-1");
    const { outcome, journal } = await runFake((context) => withRestateContext(context, body), { signals: () => 1 });
    expect(outcome).toEqual({ ok: true, value: "done" });
    expect(journal.commands).toEqual([
      "awakeable awakeable-1",
      "send Limit/tenant-1/acquire",
      "run a model 1",
      "send Limit/tenant-1/release",
      "run a tool work w",
      "awakeable awakeable-2",
      "send Limit/tenant-1/acquire",
      "run a model 2",
      "send Limit/tenant-1/release",
    ]);
  });

  test.each(["bidirectional", "request-response"] as const)(
    "asks once, wherever the process dies, %s",
    async (mode) => {
      const { body } = limited();
      const options = { mode, signals: () => 1 };
      const { whole, crashed } = await crashEverywhere((context) => withRestateContext(context, body), options);
      for (const again of crashed) {
        expect(again.outcome).toEqual(whole.outcome);
        expect(again.journal.commands).toEqual(whole.journal.commands);
      }
    },
  );

  test("gives its place up when it is cancelled while it waits", async () => {
    const { body, model } = limited();
    const options = { signals: () => FAKE_PENDING, cancelAt: 2 };
    const { outcome, journal } = await runFake((context) => withRestateContext(context, body), options);
    expect(outcome.ok).toBe(false);
    expect(model.calls).toHaveLength(0);
    expect(journal.commands).toEqual([
      "awakeable awakeable-1",
      "send Limit/default/acquire",
      "send Limit/default/release",
    ]);
  });

  test("withPermit() does the same around steps of a handler", async () => {
    const body = () => withPermit({ limit: { name: "Limit" } }, () => restateContext().run("step", () => "done"));
    const { outcome, journal } = await runFake((context) => withRestateContext(context, body), { signals: () => 1 });
    expect(outcome).toEqual({ ok: true, value: "done" });
    expect(journal.commands.slice(1)).toEqual(["send Limit/default/acquire", "run step", "send Limit/default/release"]);
  });
});
