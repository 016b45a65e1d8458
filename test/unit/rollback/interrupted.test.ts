/** Who is interrupted from around it, and not by a cancellation alone: losers of races, what is late, what a failure ends. */
import { isStepCount } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  agentTool,
  CancelledError,
  contextTool,
  onRollback,
  raceAgents,
  RestateAgent,
  restateContext,
  rollbackReport,
  TerminalError,
  withRollback,
} from "../../../src/index.ts";
import { type FakeResult, scriptedModel } from "../../../src/testing/in-memory.ts";
import { call, errorOf, fake, travelAgent, undoSteps, World } from "./travel.ts";

const MODES = ["bidirectional", "request-response"] as const;

/** Waits a second, and answers. */
const slow = async (): Promise<string> => {
  await restateContext().sleep(1_000);
  return "slow";
};

/** An agent whose tool makes a result of everything that happens in it. */
const stubborn = () =>
  new RestateAgent({
    id: "stubborn",
    model: scriptedModel([{ toolCalls: [call("try", "1")] }, { toolCalls: [call("try", "2")] }, { text: "late" }]),
    tools: {
      try: contextTool({
        inputSchema: z.object({ id: z.string() }),
        execute: async () => {
          try {
            await restateContext().sleep({ hours: 1 });
            return "slept";
          } catch {
            return "gave up";
          }
        },
      }),
    },
    stopWhen: isStepCount(10),
  });

describe.each(MODES)("an agent whose tool swallows the interruption ends, %s", (mode) => {
  const modelSteps = ({ journal }: FakeResult<unknown>): number =>
    journal.commands.filter((command) => command.startsWith("run stubborn model")).length;

  test("when it has lost a race", async () => {
    const result = await fake(
      () => raceAgents({ stubborn: async () => (await stubborn().generate({ prompt: "go" })).text, slow }),
      { mode },
    );
    expect(result.outcome).toEqual({ ok: true, value: { winner: "slow", answer: "slow" } });
    expect(modelSteps(result)).toBe(1);
  });

  test("when it is late", async () => {
    const model = scriptedModel([{ toolCalls: [{ id: "a", name: "ask", input: { prompt: "go" } }] }, { text: "told" }]);
    const tools = { ask: agentTool(stubborn(), { timeoutMs: 1_000, onFailure: "fail" }) };
    const outer = new RestateAgent({ id: "outer", model, tools });
    const result = await fake(() => outer.generate({ prompt: "go" }), { mode });
    expect(errorOf(result)).toMatchObject({ errorCode: "agent-timeout" });
    expect(modelSteps(result)).toBe(1);
  });
});

describe.each(MODES)("a race whose loser has booked, %s", (mode) => {
  const scripted = () => new World([{ toolCalls: [call("book", "a")] }, { toolCalls: [call("wait", "w")] }]);
  const race = (world: World) => async () =>
    (await raceAgents({ booking: async () => (await travelAgent(world).generate({ prompt: "go" })).text, slow }))
      .winner;

  test("that is cancelled ends as cancelled, also when there is a winner, and the loser has undone", async () => {
    const whole = await fake(race(scripted()), { mode });
    expect([whole.outcome, undoSteps(whole)]).toEqual([{ ok: true, value: "slow" }, ["travel undo book a"]]);
    const undo = whole.journal.events.findIndex((event) => event.type === "command" && / undo /.test(event.name));
    for (let cancelAt = 1; cancelAt <= undo + 1; cancelAt++) {
      const world = scripted();
      const result = await fake(race(world), { mode, cancelAt });
      expect(errorOf(result), `${cancelAt}`).toBeInstanceOf(CancelledError);
      expect([...world.booked], `${cancelAt}`).toEqual([]);
    }
  });

  test("undoes what the loser's agent did well before it was interrupted elsewhere, and what it has registered", async () => {
    const world = new World([{ toolCalls: [call("book", "a")] }, { text: "booked" }]);
    const lane = async (): Promise<string> => {
      onRollback("release", () => void world.log.push("release"));
      await travelAgent(world).generate({ prompt: "go" });
      await restateContext().sleep({ hours: 1 });
      return "too late";
    };
    const result = await fake(() => raceAgents({ lane, slow }), { mode });
    expect(result.outcome).toMatchObject({ ok: true, value: { winner: "slow" } });
    expect(undoSteps(result)).toEqual(["travel undo book a", "race rollback release"]);
    expect(world.log.slice(-2)).toEqual(["undo a", "release"]);
  });
});

test.each(MODES)("an agent in a compensation comes to its end, cancelled or not, %s", async (mode) => {
  const body = () =>
    withRollback(async () => {
      const undoer = new RestateAgent({ id: "undoer", model: scriptedModel([{ text: "undone" }]) });
      onRollback("by agent", () => undoer.generate({ prompt: "undo" }), { wrap: false });
      await restateContext().run("work", () => {});
      throw new TerminalError("no");
    });
  const whole = await fake(body, { mode });
  for (let cancelAt = 1; cancelAt <= whole.journal.events.length; cancelAt++) {
    const result = await fake(body, { mode, cancelAt });
    expect(rollbackReport(errorOf(result)), `${cancelAt}`).toMatchObject({ undoneCount: 1, notUndoneCount: 0 });
  }
});

test.each(MODES)("a stream beside what fails is ended and undone, once, %s", async (mode) => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new World([
      { toolCalls: [call("book", "a")] },
      { toolCalls: [call("book", "b"), call("wait", "w")] },
      { text: "never" },
    ]);
    const read = async (): Promise<void> => {
      const { textStream } = await travelAgent(world).stream({ prompt: "go" });
      for await (const _ of textStream);
    };
    const fails = async (): Promise<void> => {
      for (let step = 1; step <= seed % 5; step++) await restateContext().run(`step ${step}`, () => {});
      throw new TerminalError("no");
    };
    const result = await fake(() => withRollback(async () => Promise.all([read(), fails()])), { mode, seed });
    const { undoneCount = 0, notUndoneCount = 0 } = rollbackReport(errorOf(result)) ?? {};
    expect([...world.booked], `${seed}`).toEqual([]);
    expect(notUndoneCount).toBe(0);
    expect(world.undone.length, `${seed}`).toBeLessThanOrEqual(undoneCount);
    expect(new Set(undoSteps(result)).size).toBe(undoneCount);
    expect(errorOf(result).message).toMatch(/^no/);
  }
});
