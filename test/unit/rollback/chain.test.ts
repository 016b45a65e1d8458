/** Undoing in runs that take several invocations. */
import { isLoopFinished, tool } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  agentService,
  agentTool,
  contextTool,
  type ContinueAsNewOptions,
  DefinitionError,
  onRollback,
  RestateAgent,
  rollbackReport,
  TerminalError,
} from "../../../src/index.ts";
import { type ModelScript, runFake, scriptedModel } from "../../../src/testing/in-memory.ts";
import type { ScriptedReply } from "../../../src/testing/scripted-openai.ts";
import { type ChainLink, handlerOf, type LinkOptions, runChain } from "../agent/continue-as-new-chain.ts";
import { call, toolsOf, travelAgent, undoSteps, World } from "./travel.ts";

const input = z.object({ id: z.string() });

/** Books `1` … `n`, one a model step, and then does what `last` says. */
const booking =
  (n: number, last: ScriptedReply): ModelScript =>
  ({ prompt }) => {
    const ids = [...JSON.stringify(prompt).matchAll(/booking (\d+)/g)].map(([, id]) => Number(id));
    const next = Math.max(0, ...ids) + 1;
    return next > n ? last : { toolCalls: [call("book", `${next}`)] };
  };

const REJECTED: ScriptedReply = { toolCalls: [call("reject", "money")] };

function chainOf(world: World, more: ContinueAsNewOptions = {}) {
  const agent = travelAgent(world, { toolErrors: "fail" });
  return agentService("Travel", agent, { continueAsNew: { steps: 2, ...more } });
}

const run = (world: World, options?: LinkOptions, more?: ContinueAsNewOptions): Promise<ChainLink[]> =>
  runChain(chainOf(world, more), "go", options);
/** What the caller gets. */
const errorOf = ([first]: readonly ChainLink[]): Error => {
  const outcome = first?.result.outcome;
  if (outcome?.ok !== false) throw new Error("It has not failed");
  return outcome.error as Error;
};

describe("a run in several invocations", () => {
  test("that fails is undone back to the first booking, each invocation its own, the last one first", async () => {
    const world = new World(booking(5, REJECTED));
    const links = await run(world);
    expect(links).toHaveLength(3);
    expect(links.map(({ result }) => undoSteps(result))).toEqual(
      [["2", "1"], ["4", "3"], ["5"]].map((ids) => ids.map((id) => `travel undo book ${id}`)),
    );
    expect(world.undone).toEqual(["5", "4", "3", "2", "1"]);
    expect(errorOf(links).message).toBe("No money (rolled back: 5 of 5 undone)");
    expect(rollbackReport(errorOf(links))?.undone.map(({ invocationId, step }) => `${invocationId} ${step}`)).toEqual(
      ["3 5", "2 4", "2 3", "1 2", "1 1"].map((at) => `inv_${at.replace(" ", " travel undo book ")}`),
    );
    expect([...world.booked]).toEqual([]);
  });

  test("that ends well is not undone", async () => {
    const world = new World(booking(5, { text: "booked" }));
    const [first] = await run(world);
    expect([first?.result.outcome, world.undone]).toEqual([{ ok: true, value: "booked" }, []]);
  });

  test("that dies anywhere is undone once", async () => {
    const world = new World(booking(5, REJECTED));
    const links = await run(world, () => ({ crashAt: "every" }));
    expect([...new Set(world.undone)]).toEqual(["5", "4", "3", "2", "1"]);
    expect(errorOf(links).message).toBe("No money (rolled back: 5 of 5 undone)");
  });

  test("whose last invocation is killed, wherever, undoes what the others have done, each once", async () => {
    const events = (await run(new World(booking(5, REJECTED)))).at(-1)?.result.journal.events.length ?? 0;
    const lost = new Set<string>();
    for (let killAt = 1; killAt <= events; killAt++) {
      const world = new World(booking(5, REJECTED));
      const links = await run(world, (n) => (n === 2 ? { killAt } : {}));
      expect(errorOf(links).message, `${killAt}`).toMatch(
        /^(killed|No money) \(rolled back: (4 of 4|5 of 5) undone\)$/,
      );
      expect(
        world.undone.filter((id) => id !== "5"),
        `${killAt}`,
      ).toEqual(["4", "3", "2", "1"]);
      for (const id of world.booked) lost.add(id);
    }
    // What the killed one has done itself nobody undoes: killing means without clean-up.
    expect([...lost]).toEqual(["5"]);
  });

  test.each(["bidirectional", "request-response"] as const)(
    "that is cancelled in any of its invocations, %s",
    async (mode) => {
      const whole = await run(new World(booking(5, { text: "booked" })), () => ({ mode }));
      expect(whole).toHaveLength(3);
      for (const [link, { result }] of whole.entries()) {
        for (let cancelAt = 1; cancelAt <= result.journal.events.length; cancelAt++) {
          const world = new World(booking(5, { text: "booked" }));
          const links = await run(world, (n) => (n === link ? { mode, cancelAt } : { mode }));
          const isOk = links[0]?.result.outcome.ok === true;
          expect([...world.booked], `${link}/${cancelAt}`).toEqual(isOk ? ["1", "2", "3", "4", "5"] : []);
          if (!isOk) expect(rollbackReport(errorOf(links))?.notUndoneCount ?? 0).toBe(0);
        }
      }
    },
  );

  test("whose next invocation has undone nothing, because it was killed, is undone by the one that waits", async () => {
    const world = new World(booking(5, { text: "booked" }));
    const handler = handlerOf(chainOf(world), "run");
    const result = await runFake((context) => handler(context, "go"), {
      calls: () => {
        throw new TerminalError("killed", { errorCode: 409 });
      },
    });
    expect(undoSteps(result)).toEqual(["travel undo book 2", "travel undo book 1"]);
    expect((result.outcome as { error: Error }).error.message).toBe("killed (rolled back: 2 of 2 undone)");
  });

  test("that is cancelled while it waits for the next invocation waits on, and then undoes its own", async () => {
    const world = new World(booking(5, { text: "booked" }));
    const handler = handlerOf(chainOf(world), "run");
    const metadata = {
      "restate-edge-agents.rollback": '{"undoneCount":3,"notUndoneCount":0,"undone":[],"notUndone":[]}',
    };
    const answer = (): never => {
      throw new TerminalError("Cancelled (rolled back: 3 of 3 undone)", { errorCode: 409, metadata });
    };
    const plain = await runFake((context) => handler(context, "go"), { calls: answer });
    const called = plain.journal.events.findIndex((event) => event.type === "command" && event.kind === "call") + 1;
    const result = await runFake((context) => handler(context, "go"), { calls: answer, cancelAt: called });
    expect(result.journal.commands).toContain("cancel inv_Travel/continue");
    expect(undoSteps(result)).toEqual(["travel undo book 2", "travel undo book 1"]);
    expect((result.outcome as { error: Error }).error).toMatchObject({
      name: "CancelledError",
      message: "Cancelled (rolled back: 5 of 5 undone)",
    });
  });

  test("that cannot hand over is undone by the invocation that tries", async () => {
    const world = new World(booking(5, { text: "booked" }));
    const links = await run(world, undefined, { compact: () => [] });
    expect(links).toHaveLength(1);
    expect(DefinitionError.isInstance(errorOf(links))).toBe(true);
    expect(errorOf(links).message).toMatch(/\(rolled back: 2 of 2 undone\)$/);
  });

  test("undoes also what tools have registered, and what agents in them have done", async () => {
    const log: string[] = [];
    const guide = new World(({ prompt }) =>
      JSON.stringify(prompt).includes("booking g") ? { text: "booked" } : { toolCalls: [call("book", "g")] },
    );
    const tools = {
      hold: contextTool({
        inputSchema: input,
        execute: async ({ id }) => {
          onRollback("release", () => void log.push(`released ${id}`));
          return "held";
        },
      }),
      ask: agentTool(travelAgent(guide, { id: "guide", undo: () => void log.push("guide undid") })),
      reject: toolsOf(guide).reject,
    };
    const model = scriptedModel([
      { toolCalls: [call("hold", "a")] },
      { toolCalls: [{ id: "b", name: "ask", input: { prompt: "Book g" } }] },
      { toolCalls: [call("hold", "c")] },
      REJECTED,
    ]);
    const agent = new RestateAgent({ id: "travel", model, tools, stopWhen: isLoopFinished() }, { toolErrors: "fail" });
    const links = await runChain(agentService("Travel", agent, { continueAsNew: { steps: 1 } }), "go");
    expect(links).toHaveLength(4);
    expect(log).toEqual(["released c", "guide undid", "released a"]);
    expect(errorOf(links).message).toBe("No money (rolled back: 3 of 3 undone)");
  });

  test("counts all, also when a provider gives each step's calls the same ids, and names 50", async () => {
    const model = scriptedModel(({ prompt }) => {
      const calls = JSON.stringify(prompt).split('"tool-result"').length - 1;
      if (calls === 90) return REJECTED;
      return { toolCalls: Array.from({ length: 30 }, (_, n) => call("book", `${n}`)) };
    });
    const world = new World([]);
    const agent = new RestateAgent(
      { id: "travel", model, tools: toolsOf(world), stopWhen: isLoopFinished() },
      { toolErrors: "fail", toolOptions: { book: { onRollback: ({ input: { id } }) => world.undo(id) } } },
    );
    const links = await runChain(agentService("Travel", agent, { continueAsNew: { steps: 1 } }), "go");
    expect(links).toHaveLength(4);
    expect(world.undone).toHaveLength(90);
    expect(rollbackReport(errorOf(links))).toMatchObject({ undoneCount: 90, notUndoneCount: 0 });
    expect(rollbackReport(errorOf(links))?.undone).toHaveLength(50);
  });

  test("keeps inputs and results of what it hands over, bytes too", async () => {
    const seen: unknown[] = [];
    const book = tool({
      inputSchema: z.object({ id: z.string() }),
      execute: async ({ id }) => ({ booking: `booking ${id}`, bytes: new Uint8Array([1, 2]) }),
    });
    const model = scriptedModel(booking(3, REJECTED));
    const agent = new RestateAgent(
      { id: "travel", model, tools: { book, reject: toolsOf(new World([])).reject }, stopWhen: isLoopFinished() },
      {
        toolErrors: "fail",
        toolOptions: { book: { onRollback: ({ input: { id }, output }) => void seen.push([id, output.bytes]) } },
      },
    );
    await runChain(agentService("Travel", agent, { continueAsNew: { steps: 2 } }), "go");
    expect(seen).toEqual(["3", "2", "1"].map((id) => [id, new Uint8Array([1, 2])]));
  });
});
