/** Tools that can be undone, on the in-memory fake. */
import { openai } from "@ai-sdk/openai";
import { APICallError, isStepCount, Output, tool } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  BudgetExceededError,
  CancelledError,
  DefinitionError,
  ModelCallError,
  onRollback,
  RestateAgent,
  type RollbackCall,
  rollbackReport,
  type RollbackFailure,
  RunTimeoutError,
  TerminalError,
  withRollback,
} from "../../../src/index.ts";
import { call, expectedUndoing, fake, threeBookings, toolsOf, travelAgent, undoSteps, World } from "./travel.ts";

const stepsOf = (result: Parameters<typeof expectedUndoing>[0]): string[] =>
  expectedUndoing(result).map((id) => `travel undo book ${id}`);

describe("a run that fails terminally undoes what it has done", () => {
  test("in reverse order, one step each, and ends with the same failure", async () => {
    const world = new World(threeBookings({ toolCalls: [call("reject", "money")] }));
    const agent = travelAgent(world, { toolErrors: "fail" });
    const result = await fake(() => agent.generate({ prompt: "go" }));
    const steps = stepsOf(result);
    expect(steps).toHaveLength(3);
    expect(steps[0]).toBe("travel undo book c");
    expect(result.journal.commands.slice(-3)).toEqual(steps.map((step) => `run ${step}`));
    expect(world.undone).toEqual(expectedUndoing(result));
    expect(result.outcome).toMatchObject({ ok: false, error: { code: 402, name: "TerminalError" } });
    const { error } = result.outcome as { error: Error };
    expect(error).toBeInstanceOf(TerminalError);
    expect(error.message).toBe("No money (rolled back: 3 of 3 undone)");
    expect(rollbackReport(error)).toEqual({
      undoneCount: 3,
      notUndoneCount: 0,
      undone: steps.map((step) => ({
        step,
        invocationId: "inv_fake",
        tool: "book",
        toolCallId: step.slice(-1),
        outcome: "done",
      })),
      notUndone: [],
    });
  });

  type Streamed = Awaited<ReturnType<ReturnType<typeof travelAgent>["stream"]>>;
  const readers: Readonly<Record<string, (streamed: Streamed) => Promise<unknown>>> = {
    "its text": async ({ text }) => text,
    "its steps": async ({ steps }) => steps,
    "its text stream": async ({ textStream }) => {
      for await (const _ of textStream);
    },
    "its parts, up to an error": async ({ fullStream }) => {
      for await (const part of fullStream) if (part.type === "error") throw part.error;
    },
  };
  test.each(Object.keys(readers))("also when it streams, and the handler reads %s", async (reader) => {
    const world = new World(threeBookings({ toolCalls: [call("reject", "money")] }));
    const agent = travelAgent(world, { toolErrors: "fail" });
    const result = await fake(async () => readers[reader]?.(await agent.stream({ prompt: "go" })));
    expect(world.undone).toEqual(expectedUndoing(result));
    expect(result.outcome).toMatchObject({ ok: false, error: { code: 402 } });
    expect(rollbackReport((result.outcome as { error: unknown }).error)?.undoneCount).toBe(3);
  });

  test("when the provider refuses, with the error's own class and fields", async () => {
    const world = new World((_, turn) => {
      if (turn < 2) return threeBookings()[turn] ?? {};
      throw new APICallError({ message: "no", url: "http://x", requestBodyValues: {}, statusCode: 401 });
    });
    const result = await fake(() => travelAgent(world).generate({ prompt: "go" }));
    expect(world.undone).toEqual(expectedUndoing(result));
    const { error } = result.outcome as { error: unknown };
    expect(error).toBeInstanceOf(ModelCallError);
    expect(error).toMatchObject({ errorCode: "model-call-failed", fields: { statusCode: 401 } });
    expect(ModelCallError.isInstance(error) && rollbackReport(error)?.undoneCount).toBe(3);
  });

  test("when its time is over", async () => {
    const world = new World(threeBookings({ toolCalls: [call("wait", "w")] }));
    const result = await fake(() => travelAgent(world).generate({ prompt: "go", timeout: { totalMs: 50 } }));
    expect(RunTimeoutError.isInstance((result.outcome as { error: unknown }).error)).toBe(true);
    expect(world.undone).toEqual(expectedUndoing(result));
    expect(world.undone).toHaveLength(3);
  });

  test("when its budget is used up", async () => {
    const world = new World(threeBookings({ text: "never" }));
    const result = await fake(() => travelAgent(world).generate({ prompt: "go", budget: { steps: 2 } }));
    expect(BudgetExceededError.isInstance((result.outcome as { error: unknown }).error)).toBe(true);
    expect(world.undone).toEqual(expectedUndoing(result));
    expect(world.undone).toHaveLength(3);
  });

  test("when the structured output cannot be read, an error of the AI SDK", async () => {
    const world = new World([...threeBookings(), { text: "no JSON" }]);
    const output = Output.object({ schema: z.object({ n: z.number() }) });
    const agent = new RestateAgent(
      { id: "travel", model: world.model, tools: toolsOf(world), output },
      { toolOptions: { book: { onRollback: ({ input }) => world.undo(input.id) } } },
    );
    const result = await fake(() => agent.generate({ prompt: "go" }));
    const { error } = result.outcome as { error: Error };
    expect(error.name).toBe("AI_NoObjectGeneratedError");
    expect(world.undone).toEqual(expectedUndoing(result));
    expect(rollbackReport(error)?.undoneCount).toBe(3);
  });
});

describe("nothing is undone", () => {
  test("when a tool fails, the model is told, and the run ends well", async () => {
    const world = new World(threeBookings({ toolCalls: [call("reject", "money")] }, { text: "done anyway" }));
    const result = await fake(async () => (await travelAgent(world).generate({ prompt: "go" })).text);
    expect(result.outcome).toEqual({ ok: true, value: "done anyway" });
    expect(world.undone).toEqual([]);
  });

  test("when the attempt fails for the moment: it is tried again", async () => {
    let failures = 0;
    const world = new World((_, turn) => {
      if (turn === 2 && failures++ < 2) throw new Error("overloaded");
      return threeBookings({ text: "done" })[turn] ?? {};
    });
    const result = await fake(async () => (await travelAgent(world).generate({ prompt: "go" })).text);
    expect(result.outcome).toEqual({ ok: true, value: "done" });
    expect(failures).toBeGreaterThan(2);
    expect(world.undone).toEqual([]);
  });

  test("of calls that people, or a rule, have denied: they did not begin", async () => {
    const world = new World([{ toolCalls: [call("book", "a")] }, { toolCalls: [call("reject", "x")] }]);
    const undone: string[] = [];
    const undo = ({ input: { id } }: { readonly input: { readonly id: string } }) => void undone.push(id);
    const denied = (settings: object, options: object) =>
      new RestateAgent(
        { id: "travel", model: world.model, tools: toolsOf(world), stopWhen: isStepCount(5), ...settings },
        { ...options, toolErrors: "fail", toolOptions: { book: { onRollback: undo, onRollbackUncertain: undo } } },
      );
    const toolApproval = { book: "user-approval" as const };
    const byPerson = await fake(
      () => denied({ toolApproval }, { approvals: { object: { name: "Approvals" } } }).generate({ prompt: "go" }),
      { signals: () => ({ state: "denied", approved: false }), calls: () => ({}) },
    );
    const byRule = await fake(() => denied({ toolApproval: { book: "denied" } }, {}).generate({ prompt: "go" }));
    for (const { outcome } of [byPerson, byRule]) {
      expect((outcome as { error: Error }).error.message).toBe("No x");
    }
    expect([world.log, undone]).toEqual([[], []]);
  });

  test("of tools without a compensation", async () => {
    const world = new World([{ toolCalls: [call("look", "a")] }, { toolCalls: [call("reject", "b")] }]);
    const result = await fake(() => travelAgent(world, { toolErrors: "fail" }).generate({ prompt: "go" }));
    expect((result.outcome as { error: Error }).error.message).toBe("No b");
    expect(rollbackReport((result.outcome as { error: unknown }).error)).toBeUndefined();
  });
});

describe("what cannot be undone is reported", () => {
  test("after its retries; the others are undone all the same", async () => {
    const world = new World(threeBookings({ toolCalls: [call("reject", "money")] }));
    const told: RollbackFailure[] = [];
    let tries = 0;
    const agent = travelAgent(world, {
      toolErrors: "fail",
      undo: ({ input: { id } }) => {
        if (id !== "b") return world.undo(id);
        tries += 1;
        throw new Error("secret: the hotel is closed");
      },
      onRollbackFailed: (failure) => void told.push(failure),
    });
    const result = await fake(() => agent.generate({ prompt: "go" }), {});
    expect(undoSteps(result)).toEqual(stepsOf(result));
    expect(tries).toBe(3);
    expect(world.undone).toEqual(expectedUndoing(result).filter((id) => id !== "b"));
    expect([...world.booked]).toEqual(["b"]);
    const { error } = result.outcome as { error: Error };
    expect(error.message).toBe("No money (rolled back: 2 of 3 undone; not undone: travel undo book b)");
    expect(rollbackReport(error)).toMatchObject({
      undoneCount: 2,
      notUndone: [{ step: "travel undo book b", toolCallId: "b", problem: "secret: the hotel is closed" }],
    });
    expect(told.at(-1)).toMatchObject({ step: "travel undo book b", outcome: "done", error: { code: 500 } });
    const logs = result.logs.filter((line) => line.includes("Rollback"));
    expect(logs).toEqual([expect.stringContaining("travel undo book b is not undone: TerminalError")]);
    expect(logs.join()).not.toContain("secret");
  });

  test("never, when it is to be tried for ever: the others wait until it has worked", async () => {
    const world = new World(threeBookings({ toolCalls: [call("reject", "money")] }));
    let tries = 0;
    const onRollback = ({ input: { id } }: { readonly input: { readonly id: string } }): void => {
      if (id === "c" && (tries += 1) < 30) throw new Error("closed");
      world.undo(id);
    };
    const book = { onRollback, rollbackOptions: { maxRetryAttempts: Infinity } };
    const agent = new RestateAgent(
      { id: "travel", model: world.model, tools: toolsOf(world), stopWhen: isStepCount(5) },
      { toolErrors: "fail", toolOptions: { book } },
    );
    const result = await fake(() => agent.generate({ prompt: "go" }), { maxFailures: 100 });
    expect(tries).toBe(30);
    expect(world.undone).toEqual(expectedUndoing(result));
    expect(rollbackReport((result.outcome as { error: unknown }).error)?.undoneCount).toBe(3);
  });

  test("when the compensation says that it is impossible, at once", async () => {
    const world = new World([{ toolCalls: [call("book", "a")] }, { toolCalls: [call("reject", "x")] }]);
    let tries = 0;
    const agent = travelAgent(world, {
      toolErrors: "fail",
      undo: () => {
        tries += 1;
        throw new TerminalError("not refundable");
      },
      onRollbackFailed: () => {
        throw new Error("nobody answers");
      },
    });
    const result = await fake(() => agent.generate({ prompt: "go" }));
    expect(tries).toBe(1);
    expect((result.outcome as { error: Error }).error.message).toContain(
      "0 of 1 undone; not undone: travel undo book a",
    );
    expect(result.logs.join("\n")).toContain("onRollbackFailed failed for travel undo book a");
  });

  test("calls that failed, when their compensation is for calls with a result", async () => {
    const told: unknown[] = [];
    const undo = (rolledBack: { outcome: string; output: unknown; toolCallId: string }): void =>
      void told.push([rolledBack.toolCallId, rolledBack.outcome, rolledBack.output]);
    const script = [
      { toolCalls: [call("book", "a"), call("book", "broken")] },
      { toolCalls: [call("reject", "x")] },
      { text: "well" },
    ];
    const both = async (uncertain: boolean): Promise<unknown> => {
      const own = new World(script);
      own.book = (id) => {
        if (id === "broken") throw new TerminalError("broken");
        return id;
      };
      const { outcome } = await fake(() =>
        withRollback(async () => {
          await travelAgent(own, { uncertain, undo }).generate({ prompt: "go" });
          throw new TerminalError("too late");
        }),
      );
      return rollbackReport((outcome as { error: unknown }).error);
    };
    expect(await both(false)).toMatchObject({
      undoneCount: 1,
      notUndone: [{ toolCallId: "broken", outcome: "failed" }],
    });
    expect(told).toEqual([["a", "done", "a"]]);
    told.length = 0;
    expect(await both(true)).toMatchObject({ undoneCount: 2, notUndoneCount: 0 });
    expect(told).toHaveLength(2);
    expect(told).toEqual(
      expect.arrayContaining([
        ["broken", "failed", undefined],
        ["a", "done", "a"],
      ]),
    );
  });
});

describe.each(["bidirectional", "request-response"] as const)("a cancelled run, %s", (mode) => {
  test.each([true, false])(
    "has undone or reported everything, wherever the cancellation is (uncertain: %s)",
    async (uncertain) => {
      const script = threeBookings({ text: "done" });
      const whole = await fake(() => travelAgent(new World(script), { uncertain }).generate({ prompt: "go" }), {
        mode,
      });
      const outcomes = new Set<string>();
      for (let cancelAt = 1; cancelAt <= whole.journal.events.length; cancelAt++) {
        for (let seed = 1; seed <= 3; seed++) {
          const world = new World(script);
          const run = (): Promise<unknown> => travelAgent(world, { uncertain }).generate({ prompt: "go" });
          const result = await fake(run, { mode, cancelAt, seed });
          outcomes.add(result.outcome.ok ? "ok" : (result.outcome.error as Error).name);
          if (result.outcome.ok) continue;
          const { error } = result.outcome;
          expect(error).toBeInstanceOf(CancelledError);
          const reported = rollbackReport(error)?.notUndone.map(({ toolCallId }) => toolCallId) ?? [];
          expect(
            [...world.booked].filter((id) => !reported.includes(id)),
            `${cancelAt}/${seed}: ${world.log.join()}`,
          ).toEqual([]);
          if (uncertain) expect(reported).toEqual([]);
          expect(world.undone).toEqual([...new Set(world.undone)]);
          // Whoever comes later in the journal takes the same path.
          const again = await fake(run, { mode, journal: result.journal, cancelAt, seed: seed + 7 });
          expect(again.journal.commands).toEqual(result.journal.commands);
          expect(String((again.outcome as { error: unknown }).error)).toBe(String(error));
        }
      }
      expect(outcomes.has("CancelledError")).toBe(true);
    },
  );

  test("goes on undoing when it dies after any event, each compensation once for each result", async () => {
    const script = threeBookings({ toolCalls: [call("reject", "money")] });
    const options = { mode, seed: 5 } as const;
    const runWith = (world: World) => (): Promise<unknown> =>
      travelAgent(world, { toolErrors: "fail" }).generate({ prompt: "go" });
    const whole = await fake(runWith(new World(script)), options);
    for (let length = 1; length <= whole.journal.events.length; length++) {
      const world = new World(script);
      const crashed = await fake(runWith(world), { ...options, crashAt: [length] });
      expect(String((crashed.outcome as { error: unknown }).error)).toBe(
        String((whole.outcome as { error: unknown }).error),
      );
      expect([...world.booked]).toEqual([]);
      expect([...new Set(world.undone)]).toEqual(expectedUndoing(crashed));
      expect(undoSteps(crashed)).toEqual(stepsOf(crashed));
      for (const [step, count] of crashed.executions) expect(count, step).toBeLessThanOrEqual(2);
    }
    const world = new World(script);
    const everywhere = await fake(runWith(world), { ...options, crashAt: "every" });
    expect([...world.booked]).toEqual([]);
    expect(undoSteps(everywhere)).toEqual(stepsOf(everywhere));
  });

  test("cancelled again and again while it undoes, undoes all", async () => {
    const script = threeBookings({ text: "done" });
    const whole = await fake(() => travelAgent(new World(script)).generate({ prompt: "go" }), { mode, cancelAt: 9 });
    const { length } = whole.journal.events;
    for (let second = 10; second <= length + 2; second++) {
      const world = new World(script);
      const result = await fake(() => travelAgent(world).generate({ prompt: "go" }), {
        mode,
        cancelAt: [9, second, second + 1, second + 3],
      });
      expect(result.outcome).toMatchObject({ ok: false, error: { name: "CancelledError" } });
      expect([...world.booked]).toEqual([]);
      expect(rollbackReport((result.outcome as { error: unknown }).error)?.notUndoneCount).toBe(0);
    }
  });

  test("a failed run that is cancelled while it undoes ends as cancelled", async () => {
    const script = threeBookings({ toolCalls: [call("reject", "money")] });
    const run = (world: World) => (): Promise<unknown> =>
      travelAgent(world, { toolErrors: "fail" }).generate({ prompt: "go" });
    const whole = await fake(run(new World(script)), { mode });
    const first = whole.journal.events.findIndex((event) => event.type === "command" && / undo /.test(event.name));
    const world = new World(script);
    const result = await fake(run(world), { mode, cancelAt: first + 2 });
    expect(world.undone).toEqual(expectedUndoing(result));
    expect(result.outcome).toMatchObject({ ok: false, error: { name: "CancelledError", code: 409 } });
    expect((result.outcome as { error: Error }).error.message).toBe("Cancelled (rolled back: 3 of 3 undone)");
  });
});

test("a call that took too long may have had its effect all the same: it is undone as unknown", async () => {
  const told: unknown[] = [];
  const late = Promise.withResolvers<void>();
  const world = new World([{ toolCalls: [call("book", "slow")] }, { toolCalls: [call("reject", "x")] }]);
  const tools = {
    ...toolsOf(world),
    book: tool({
      inputSchema: z.object({ id: z.string() }),
      execute: async ({ id }) => {
        await late.promise;
        return world.book(id);
      },
    }),
  };
  const undo = ({ input: { id }, outcome }: RollbackCall<{ id: string }, string>): void => {
    told.push([id, outcome]);
    world.undo(id);
  };
  const agent = new RestateAgent(
    { id: "travel", model: world.model, tools, stopWhen: isStepCount(5) },
    { toolOptions: { book: { onRollback: undo, onRollbackUncertain: undo } } },
  );
  const result = await fake(() =>
    withRollback(async () => {
      await agent.generate({ prompt: "go", timeout: { toolMs: 10 } });
      late.resolve();
      throw new TerminalError("no");
    }),
  );
  expect(world.log).toContain("book slow");
  expect(told).toEqual([["slow", "unknown"]]);
  expect(rollbackReport((result.outcome as { error: unknown }).error)).toMatchObject({ undoneCount: 1 });
});

describe("a booking that is under way when its run is cancelled", () => {
  const script = threeBookings({ text: "done" });
  const commandOf = (result: Parameters<typeof expectedUndoing>[0], name: string): number =>
    result.journal.events.findIndex((event) => event.type === "command" && event.name === name) + 1;

  test.each(["bidirectional", "request-response"] as const)("and ends is undone with its result, %s", async (mode) => {
    const told: unknown[] = [];
    const run = (world: World) => (): Promise<unknown> =>
      travelAgent(world, {
        window: false,
        uncertain: false,
        undo: ({ toolCallId, outcome, output }) => void told.push([toolCallId, outcome, output]),
      }).generate({ prompt: "go" });
    const cancelAt = commandOf(await fake(run(new World(script)), { mode }), "travel tool book c");
    const result = await fake(run(new World(script)), { mode, cancelAt });
    expect(rollbackReport((result.outcome as { error: unknown }).error)).toMatchObject({
      undoneCount: 3,
      notUndone: [],
    });
    expect(told[0]).toEqual(["c", "done", "booking c"]);
  });

  test("and died with its process is not made once more: it is undone as unknown", async () => {
    const told: unknown[] = [];
    const run = (world: World) => (): Promise<unknown> =>
      travelAgent(world, {
        undo: ({ input: { id }, outcome }) => {
          told.push([id, outcome]);
          world.undo(id);
        },
      }).generate({ prompt: "go" });
    const whole = await fake(run(new World(script)));
    const journal = whole.journal.prefix(commandOf(whole, "travel tool book c"));
    journal.append({ type: "completion", command: -1, outcome: { ok: "cancelled" } });
    const world = new World(script);
    const result = await fake(run(world), { journal });
    expect(result.outcome).toMatchObject({ ok: false, error: { name: "CancelledError" } });
    expect(world.log.filter((line) => line.startsWith("book"))).toEqual([]);
    expect(told[0]).toEqual(["c", "unknown"]);
    expect(world.undone).toHaveLength(3);
  });
});

test("the count of a report is right in scopes within scopes, also when it does not name all of them", async () => {
  const undone = Array.from({ length: 60 }, (_, n) => ({ step: `step ${n}`, invocationId: "inv_other", label: "x" }));
  const report = JSON.stringify({ undoneCount: 60, notUndoneCount: 0, undone: undone.slice(0, 50), notUndone: [] });
  const answer = new TerminalError("No (rolled back: 60 of 60 undone)", {
    metadata: { "restate-edge-agents.rollback": report },
  });
  const inScopes = (depth: number): Promise<unknown> =>
    withRollback(async () => {
      onRollback(`${depth}`, () => undefined);
      if (depth === 0) throw answer;
      return inScopes(depth - 1);
    });
  const { outcome } = await fake(() => inScopes(3));
  const { error } = outcome as { error: Error };
  expect(error.message).toBe("No (rolled back: 64 of 64 undone)");
  expect(rollbackReport(error)).toMatchObject({ undoneCount: 64, notUndoneCount: 0 });
});

test("wrong options are refused when the agent is defined", async () => {
  const world = new World([]);
  const define = (book: object): unknown =>
    new RestateAgent({ id: "travel", model: world.model, tools: toolsOf(world) }, { toolOptions: { book } });
  expect(() => define({ readOnly: true, onRollback: () => {} })).toThrow(DefinitionError);
  expect(() => define({ readOnly: true, onRollback: () => {} })).toThrow(/nothing to undo/);
  expect(() => define({ onRollback: "undo" })).toThrow(/toolOptions\.book\.onRollback must be a function/);
  expect(() => define({ onRollbackUncertain: () => {} })).toThrow(/needs onRollback/);
  expect(() => define({ rollbackOptions: {} })).toThrow(/needs onRollback/);
  expect(() => define({ onRollback: () => {} })).not.toThrow();
  expect(() => define({ onRollback: () => {}, rollbackOptions: { maxRetryAttempts: -1 } })).toThrow(
    /toolOptions\.book\.rollbackOptions\.maxRetryAttempts must be a whole number/,
  );
  const search = openai.tools.webSearch();
  const ofProvider = { toolOptions: { search: { onRollback: () => {} } } };
  expect(() => new RestateAgent({ id: "a", model: world.model, tools: { search } }, ofProvider)).toThrow(
    /toolOptions\.search\.onRollback never runs: the provider executes this tool/,
  );
});
