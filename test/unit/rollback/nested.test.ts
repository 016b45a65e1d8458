/** Who undoes what when runs happen in runs, and handlers go on after them. */
import { isStepCount } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  CancelledError,
  contextTool,
  onRollback,
  OutsideRollbackError,
  RestateAgent,
  restateContext,
  rollbackReport,
  TerminalError,
  withRollback,
} from "../../../src/index.ts";
import { scriptedModel } from "../../../src/testing/in-memory.ts";
import { call, errorOf, fake, toolsOf, travelAgent, undoSteps, World } from "./travel.ts";

const input = z.object({ id: z.string() });

/** An agent whose tool `ask` runs the agent `guide`, which books `b` and ends as `last` says. */
function family(world: World, guide: World, toolErrors: "model" | "fail" = "model") {
  const ask = contextTool({
    inputSchema: input,
    execute: async () => {
      const { text } = await travelAgent(guide, { id: "guide", toolErrors: "fail" }).generate({ prompt: "go" });
      return text;
    },
  });
  return new RestateAgent(
    { id: "travel", model: world.model, tools: { ...toolsOf(world), ask }, stopWhen: isStepCount(10) },
    { toolErrors, toolOptions: { book: { onRollback: ({ input: { id } }) => world.undo(id) } } },
  );
}

describe("a run inside a tool", () => {
  test("that fails undoes its own at once, and the run around it goes on", async () => {
    const world = new World([{ toolCalls: [call("book", "a")] }, { toolCalls: [call("ask", "g")] }, { text: "fine" }]);
    const guide = new World([{ toolCalls: [call("book", "b")] }, { toolCalls: [call("reject", "x")] }]);
    const result = await fake(async () => (await family(world, guide).generate({ prompt: "go" })).text);
    expect(result.outcome).toEqual({ ok: true, value: "fine" });
    expect([world.undone, guide.undone]).toEqual([[], ["b"]]);
    expect(undoSteps(result)).toEqual(["guide undo book b"]);
  });

  test("that ended well is undone by the run around it, in the order of both", async () => {
    const world = new World([
      { toolCalls: [call("book", "a")] },
      { toolCalls: [call("ask", "g")] },
      { toolCalls: [call("book", "c")] },
      { toolCalls: [call("reject", "x")] },
    ]);
    const guide = new World([{ toolCalls: [call("book", "b")] }, { text: "left" }]);
    const result = await fake(() => family(world, guide, "fail").generate({ prompt: "go" }));
    expect(undoSteps(result)).toEqual(["travel undo book c", "guide undo book b", "travel undo book a"]);
    expect(errorOf(result).message).toBe("No x (rolled back: 3 of 3 undone)");
  });

  test("that has undone its own is in the report of the run around it, and not undone again", async () => {
    const world = new World([{ toolCalls: [call("book", "a")] }, { toolCalls: [call("ask", "g")] }]);
    const guide = new World([{ toolCalls: [call("book", "b")] }, { toolCalls: [call("reject", "x")] }]);
    const result = await fake(() => family(world, guide, "fail").generate({ prompt: "go" }));
    expect(undoSteps(result)).toEqual(["guide undo book b", "travel undo book a"]);
    expect(errorOf(result).message).toBe("No x (rolled back: 2 of 2 undone)");
    expect(rollbackReport(errorOf(result))?.undone.map(({ step }) => step)).toEqual(
      expect.arrayContaining(undoSteps(result)),
    );
  });

  test.each(["bidirectional", "request-response"] as const)(
    "is cancelled with it, anywhere: all is undone, %s",
    async (mode) => {
      const scripts = () =>
        [
          new World([
            { toolCalls: [call("book", "a"), call("ask", "g")] },
            { toolCalls: [call("book", "c")] },
            { text: "" },
          ]),
          new World([{ toolCalls: [call("book", "b")] }, { text: "left" }]),
        ] as const;
      const whole = await fake(() => family(...scripts()).generate({ prompt: "go" }), { mode });
      let cancelled = 0;
      for (let cancelAt = 1; cancelAt <= whole.journal.events.length; cancelAt++) {
        const [world, guide] = scripts();
        // The tool `book` of the outer agent has no compensation for uncertain calls: these are reported.
        const result = await fake(() => family(world, guide).generate({ prompt: "go" }), { mode, cancelAt });
        if (result.outcome.ok) continue;
        cancelled += 1;
        expect(errorOf(result)).toBeInstanceOf(CancelledError);
        const reported = rollbackReport(errorOf(result))?.notUndone.map(({ toolCallId }) => toolCallId) ?? [];
        const left = [...world.booked, ...guide.booked].filter((id) => !reported.includes(id));
        expect(left, `${cancelAt}: ${[...world.log, ...guide.log].join()}`).toEqual([]);
      }
      expect(cancelled).toBeGreaterThan(5);
    },
  );
});

describe("onRollback()", () => {
  const bookTrip = (log: string[], fails: boolean) =>
    contextTool({
      inputSchema: input,
      execute: async ({ id }): Promise<string> => {
        onRollback("cancel the hotel", () => void log.push(`cancel hotel ${id}`));
        await restateContext().run("hotel", () => void log.push(`hotel ${id}`));
        onRollback("cancel the car", () => void log.push(`cancel car ${id}`), { maxRetryAttempts: 2 });
        const kept = onRollback("never", () => void log.push("never"));
        await restateContext().run("car", () => void log.push(`car ${id}`));
        kept();
        if (fails) throw new TerminalError("no flight");
        return "trip";
      },
    });
  const agentOf = (log: string[], fails: boolean, toolErrors: "model" | "fail") =>
    new RestateAgent(
      {
        id: "trip",
        model: scriptedModel([{ toolCalls: [call("book", "1")] }, { text: "told" }]),
        tools: { book: bookTrip(log, fails) },
      },
      { toolErrors },
    );
  const both = ["hotel 1", "car 1", "cancel car 1", "cancel hotel 1"];

  test("undoes what a context tool has done when the run fails", async () => {
    const log: string[] = [];
    const result = await fake(() => agentOf(log, true, "fail").generate({ prompt: "go" }));
    expect(log).toEqual(both);
    expect(undoSteps(result)).toEqual(["trip rollback cancel the car", "trip rollback cancel the hotel"]);
    const at = { invocationId: "inv_fake", within: { tool: "book", toolCallId: "1" } };
    expect(rollbackReport(errorOf(result))?.undone).toEqual([
      { step: "trip rollback cancel the car", label: "cancel the car", ...at },
      { step: "trip rollback cancel the hotel", label: "cancel the hotel", ...at },
    ]);
  });

  test("undoes nothing when the run ends well", async () => {
    const log: string[] = [];
    const { outcome } = await fake(async () => (await agentOf(log, true, "model").generate({ prompt: "go" })).text);
    expect([outcome, log]).toEqual([{ ok: true, value: "told" }, ["hotel 1", "car 1"]]);
  });

  test("the same label twice is two steps", async () => {
    const log: string[] = [];
    const result = await fake(() =>
      withRollback(async () => {
        for (const n of [1, 2]) onRollback("undo", () => void log.push(`undo ${n}`));
        throw new TerminalError("no");
      }),
    );
    expect(log).toEqual(["undo 2", "undo 1"]);
    expect(undoSteps(result)).toEqual(["handler rollback undo", "handler rollback undo #2"]);
  });

  test("with wrap: false it drives Restate itself, and survives a death anywhere", async () => {
    const body = (log: string[]) => () =>
      withRollback(async () => {
        onRollback(
          "refund",
          async () => {
            await restateContext().run("ask the bank", () => void log.push("bank"));
            await restateContext().sleep(1_000);
            await restateContext().run("tell the customer", () => void log.push("customer"));
          },
          { wrap: false },
        );
        await restateContext().run("charge", () => void log.push("charge"));
        throw new TerminalError("no");
      });
    const log: string[] = [];
    const whole = await fake(body(log));
    expect(log).toEqual(["charge", "bank", "customer"]);
    for (let length = 1; length <= whole.journal.events.length; length++) {
      const again = await fake(body([]), { journal: whole.journal.prefix(length), cancelAt: length + 1 });
      expect(again.journal.commands.slice(-3)).toEqual(whole.journal.commands.slice(-3));
    }
  });

  test("where nothing could undo it is an error that says what to do", async () => {
    const { outcome } = await fake(async () => onRollback("x", () => {}));
    expect(OutsideRollbackError.isInstance((outcome as { error: unknown }).error)).toBe(true);
    expect(() => onRollback("x", () => {})).toThrow(/handler/);
  });
});

describe("withRollback()", () => {
  const script = [{ toolCalls: [call("book", "a")] }, { text: "booked" }];

  test("undoes runs that ended well when the handler fails later, and what the handler itself did", async () => {
    const worlds = [new World(script), new World([{ toolCalls: [call("book", "b")] }, { text: "booked" }])] as const;
    const log: string[] = [];
    const result = await fake(() =>
      withRollback(
        async () => {
          onRollback("release", () => void log.push("release"));
          await travelAgent(worlds[0]).generate({ prompt: "go" });
          await travelAgent(worlds[1]).generate({ prompt: "go" });
          throw new TerminalError("card refused", { errorCode: 402 });
        },
        { name: "order" },
      ),
    );
    expect(undoSteps(result)).toEqual(["travel:2 undo book b", "travel undo book a", "order rollback release"]);
    expect(errorOf(result)).toMatchObject({ code: 402, message: "card refused (rolled back: 3 of 3 undone)" });
    expect(worlds.map(({ booked }) => booked.size)).toEqual([0, 0]);
  });

  test("changes nothing when all goes well, and gives the result", async () => {
    const world = new World(script);
    const result = await fake(() =>
      withRollback(async () => (await travelAgent(world).generate({ prompt: "go" })).text),
    );
    expect([result.outcome, world.undone]).toEqual([{ ok: true, value: "booked" }, []]);
  });

  test("ends what still runs beside the failure first, so that nothing is done after it was undone", async () => {
    const slow = new World((_, turn) => (turn < 12 ? { toolCalls: [call("book", `s${turn}`)] } : { text: "" }));
    const quick = new World([{ toolCalls: [call("book", "b")] }, { toolCalls: [call("reject", "x")] }]);
    for (let seed = 1; seed <= 10; seed++) {
      slow.log.length = quick.log.length = 0;
      const result = await fake(
        () =>
          withRollback(() =>
            Promise.all([
              travelAgent(slow).generate({ prompt: "go" }),
              travelAgent(quick, { toolErrors: "fail" }).generate({ prompt: "go" }),
            ]),
          ),
        { seed },
      );
      expect(errorOf(result).message).toMatch(/^No x \(rolled back: (\d) of \1 undone\)$/);
      expect([...slow.booked, ...quick.booked]).toEqual([]);
      const bookings = slow.log.filter((line) => line.startsWith("book"));
      expect(bookings.length).toBeLessThan(12);
      expect(slow.log.slice(0, bookings.length)).toEqual(bookings);
    }
  });

  test("inside a context tool it undoes when the tool fails, whatever becomes of the run", async () => {
    const log: string[] = [];
    const book = contextTool({
      inputSchema: input,
      execute: async (): Promise<string> =>
        withRollback(async () => {
          onRollback("cancel", () => void log.push("cancel"));
          await restateContext().run("hold", () => void log.push("hold"));
          throw new TerminalError("full");
        }),
    });
    const model = scriptedModel([{ toolCalls: [call("book", "1")] }, { text: "sorry" }]);
    const { outcome } = await fake(
      async () => (await new RestateAgent({ id: "trip", model, tools: { book } }).generate({ prompt: "go" })).text,
    );
    expect([outcome, log]).toEqual([{ ok: true, value: "sorry" }, ["hold", "cancel"]]);
    expect(JSON.stringify(model.calls[1]?.prompt)).toContain("full (rolled back: 1 of 1 undone)");
  });

  test("tells its onRollbackFailed, or that of what is around it", async () => {
    const told: string[] = [];
    await fake(() =>
      withRollback(
        () =>
          withRollback(async () => {
            onRollback("x", () => {
              throw new TerminalError("impossible");
            });
            throw new TerminalError("no");
          }),
        {
          onRollbackFailed: async ({ step, label, problem }) => {
            told.push(await restateContext().run("page", () => `${step}, ${label}, ${problem}`));
          },
        },
      ),
    );
    expect(told).toEqual(["handler:2 rollback x, x, impossible"]);
  });
});
