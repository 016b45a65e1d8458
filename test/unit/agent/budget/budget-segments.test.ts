/** A budget goes across the segments of a long run: it is the whole run's. */
import { isLoopFinished, tool, type ToolSet } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { agentService, type Budget, RestateAgent } from "../../../../src/index.ts";
import { type ModelScript, scriptedModel } from "../../../../src/testing/in-memory.ts";
import { type LinkOptions, runChain } from "../continue-as-new-chain.ts";

const work = tool({ inputSchema: z.object({ id: z.string() }), execute: async ({ id }) => `worked ${id}` });

const endless: ModelScript = ({ prompt }) => {
  const done = [...JSON.stringify(prompt).matchAll(/worked w(\d+)/g)].length;
  return { toolCalls: [{ id: `w${done}`, name: "work", input: { id: `w${done}` } }] };
};

async function segments(budget: Budget, options?: LinkOptions, script: ModelScript = endless, steps = 2) {
  const model = scriptedModel(script);
  const settings = { id: "worker", model, tools: { work }, stopWhen: isLoopFinished() };
  const agent = new RestateAgent<never, ToolSet>(settings, {
    budget,
    approvals: { object: { name: "Approvals" } },
  });
  const links = await runChain(agentService("Worker", agent, { continueAsNew: { steps } }), "go", options);
  return { model, links, outcome: links[0]?.result.outcome };
}

describe("a run in segments", () => {
  test.each([{ steps: 5 }, { totalTokens: 70 }, { cost: 0.00005, prices: { scripted: { input: 1, output: 0 } } }])(
    "counts what the segments before have used: %j",
    async (budget) => {
      const failed = await segments(budget);
      expect(failed.outcome).toMatchObject({ ok: false, error: { code: 402 } });
      const last = failed.links.at(-1)?.result.outcome;
      expect(last).toMatchObject({ ok: false, error: { errorCode: "budget-exceeded", spent: { steps: 5 } } });
      expect(failed.model.calls).toHaveLength(5);
      expect(failed.links).toHaveLength(3);
      const stopped = await segments({ ...budget, atLimit: "stop" });
      expect(stopped.outcome).toMatchObject({ ok: true, value: expect.stringContaining("Stopped") as string });
      expect(stopped.model.calls).toHaveLength(5);
    },
  );

  test("has one time for all of them, from its first model call on", async () => {
    const slow: ModelScript = async (call, turn) => ({ ...(await endless(call, turn)), delayMs: 30 });
    const { outcome, links, model } = await segments({ durationMs: 100, atLimit: "stop" }, undefined, slow, 1);
    expect(outcome).toMatchObject({ ok: true, value: expect.stringContaining("of 100 milliseconds") as string });
    expect(links.length).toBeGreaterThan(1);
    expect(model.calls.length).toBeLessThanOrEqual(4);
  });

  test("charges once, when the process dies after any event of any segment", async () => {
    const whole = await segments({ steps: 3, atLimit: "stop" });
    for (const mode of ["bidirectional", "request-response"] as const) {
      for (let at = 1; at <= 8; at++) {
        const { outcome } = await segments({ steps: 3, atLimit: "stop" }, () => ({
          mode,
          seed: at,
          crashAt: [at, at + 1],
        }));
        expect(outcome).toEqual(whole.outcome);
      }
    }
  });
});
