/** What an agent's service tells an agent that calls it: its answer, and what it has cost. */
import { isStepCount, tool } from "ai";
import { expect, test } from "vitest";
import { z } from "zod";
import { readAnswer, USAGE_HEADER, usageOfFailure } from "../../../src/agent/delegation.ts";
import { agentService, type Context, RestateAgent, TerminalError } from "../../../src/index.ts";
import type { ServiceDefinition } from "../../../src/restate.ts";
import { type ModelScript, scriptedModel } from "../../../src/testing/in-memory.ts";
import { handlerOf, runChain } from "./continue-as-new-chain.ts";

const look = tool({ inputSchema: z.object({}), execute: () => "nothing" });
const STEPS = 7;

/** Seven model calls of 15 tokens each, two an invocation; `fail`: the last one fails instead. */
function walker(fail: boolean) {
  let calls = 0;
  const script: ModelScript = (_, turn) => {
    calls += 1;
    if (turn < STEPS - 1) return { toolCalls: [{ id: `c${turn}`, name: "look", input: {} }] };
    if (fail) throw new TerminalError("no credit", { errorCode: 402 });
    return { text: "done" };
  };
  const agent = new RestateAgent({
    id: "walker",
    model: scriptedModel(script),
    tools: { look },
    stopWhen: isStepCount(50),
  });
  const walking = agentService("Walker", agent, { continueAsNew: { steps: 2 } });
  return { walking, calls: () => calls };
}

/** The service, as it is when its callers ask for the usage. */
function asked(definition: ServiceDefinition<string, unknown>): ServiceDefinition<string, unknown> {
  const withHeader = (name: string) => (context: Context, input: unknown) => {
    const request = { ...context.request(), headers: new Map([[USAGE_HEADER, "1"]]) };
    return handlerOf(definition, name)(
      Object.assign(Object.create(context) as Context, { request: () => request }),
      input,
    );
  };
  const service = { run: withHeader("run"), continue: withHeader("continue") };
  return { name: definition.name, service } as unknown as ServiceDefinition<string, unknown>;
}

test("a run of several invocations answers with what all of them have used, once", async () => {
  const { walking } = walker(false);
  const links = await runChain(asked(walking), "go");
  expect(links.length).toBe(4);
  const outcome = links[0]?.result.outcome;
  if (outcome?.ok !== true) throw new Error("it has failed");
  const { output, models } = readAnswer(outcome.value);
  expect(output).toBe("done");
  expect(models.map(({ modelId, steps, usage }) => [modelId, steps, usage.totalTokens])).toEqual([
    ["scripted", STEPS, STEPS * 15],
  ]);
});

test("a run that fails says in its failure what it has used until then", async () => {
  const { walking } = walker(true);
  const outcome = (await runChain(asked(walking), "go"))[0]?.result.outcome;
  if (outcome?.ok !== false || !(outcome.error instanceof TerminalError)) throw new Error("it must fail");
  expect(outcome.error).toMatchObject({ code: 402 });
  const [used] = usageOfFailure(outcome.error);
  expect([used?.steps, used?.usage.totalTokens]).toEqual([STEPS - 1, (STEPS - 1) * 15]);
});

test("who does not ask gets the answer alone", async () => {
  const { walking } = walker(false);
  expect((await runChain(walking, "go"))[0]?.result.outcome).toEqual({ ok: true, value: "done" });
});

test("an answer that is none of ours is left as it is", () => {
  for (const value of ["text", null, { output: 1 }, { "restate-edge-agents.answer": 2, output: 1 }]) {
    expect(readAnswer(value)).toEqual({ output: value, models: [] });
  }
  expect(readAnswer({ "restate-edge-agents.answer": 1, output: 1, models: "x" })).toEqual({ output: 1, models: [] });
  expect(usageOfFailure(new TerminalError("x", { metadata: { "restate-edge-agents.usage": "{" } }))).toEqual([]);
});
