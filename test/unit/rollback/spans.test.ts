/** Spans of compensations: each once, below the run or the tool that they are of, and none in replays. */
import { isStepCount } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { contextTool, onRollback, RestateAgent, TerminalError, withRollback } from "../../../src/index.ts";
import { type FakeOptions, type FakeResult, scriptedModel } from "../../../src/testing/in-memory.ts";
import { RecordedSpans } from "../telemetry/recorded-spans.ts";
import { call, fake, toolsOf, World } from "./travel.ts";

const input = z.object({ id: z.string() });

/** Books, registers two compensations in a tool, and fails in the handler after its end. */
function order(telemetry?: object) {
  const hold = contextTool({
    inputSchema: input,
    execute: async () => {
      onRollback("release the car", () => {});
      const undoer = new RestateAgent({ id: "undoer", model: scriptedModel([{ text: "refunded" }]) });
      onRollback("refund", () => undoer.generate({ prompt: "refund" }), { wrap: false });
      await withRollback(async () => onRollback("inner", () => {}));
      return "held";
    },
  });
  const world = new World([]);
  const agent = new RestateAgent(
    {
      id: "travel",
      model: scriptedModel([{ toolCalls: [call("book", "secret"), call("hold", "h")] }, { text: "booked" }]),
      tools: { ...toolsOf(world), hold },
      stopWhen: isStepCount(5),
      ...(telemetry === undefined ? {} : { telemetry }),
    },
    { toolOptions: { book: { onRollback: ({ input: { id } }) => world.undo(id) } } },
  );
  return withRollback(async () => {
    onRollback("give the seat back", () => {
      throw new TerminalError("the seat is gone");
    });
    await agent.generate({ prompt: "go" });
    throw new TerminalError("no");
  });
}

async function spansOf(options: FakeOptions = {}, telemetry?: object): Promise<[RecordedSpans, FakeResult<unknown>]> {
  const recorded = new RecordedSpans();
  const result = await recorded.during(() => fake(() => order(telemetry), options));
  return [recorded, result];
}

const TREE = [
  "invoke_agent travel",
  "  chat scripted [travel model 1]",
  "  chat scripted [travel model 2]",
  "  execute_tool book [travel tool book secret]",
  "  execute_tool hold",
  "    undo",
  "      invoke_agent undoer",
  "        chat scripted [undoer model 1]",
  "    undo [handler:2 rollback inner]",
  "    undo [travel rollback release the car]",
  "  undo book [travel undo book secret]",
  "undo [handler rollback give the seat back]",
];

describe.each(["bidirectional", "request-response"] as const)("%s", (mode) => {
  test("each compensation is a span, once", async () => {
    const [recorded] = await spansOf({ mode });
    expect(recorded.tree).toEqual(TREE);
    expect(Object.values(recorded.counts)).toEqual(TREE.map(() => 1));
  });

  test("a crash at any event leaves each span there once, one of them twice, and a replay makes no step's", async () => {
    const [, whole] = await spansOf({ mode });
    for (let at = 1; at <= whole.journal.events.length; at++) {
      const [recorded] = await spansOf({ mode, crashAt: [at], seed: at });
      expect([at, recorded.tree]).toEqual([at, TREE]);
      const again = Object.entries(recorded.counts).filter(([, count]) => count > 1);
      expect(again.every(([, count]) => count === 2)).toBe(true);
      expect([at, again.filter(([name]) => name.includes("[")).length <= 1]).toEqual([at, true]);
    }
    const [replayed] = await spansOf({ mode, journal: whole.journal });
    expect(Object.keys(replayed.counts).filter((name) => name.includes("["))).toEqual([]);
  });
});

test("they say what is undone, and how it failed, without content", async () => {
  const [recorded] = await spansOf();
  expect(recorded.named("undo book")[0]).toMatchObject({
    kind: "internal",
    attributes: {
      "gen_ai.agent.name": "travel",
      "agent.run": "travel",
      "gen_ai.tool.name": "book",
      "gen_ai.tool.call.id": "secret",
      "agent.undo.outcome": "done",
      "restate.step.name": "travel undo book secret",
    },
  });
  const failed = recorded.spans.filter(({ error }) => error !== undefined);
  expect(failed.map(({ name, attributes }) => [name, attributes["agent.undo.label"]])).toEqual([
    ["undo", "give the seat back"],
  ]);
  expect(JSON.stringify(recorded.spans)).not.toContain("the seat is gone");
  expect(recorded.named("undo book")[0]?.attributes).not.toHaveProperty(["gen_ai.tool.call.arguments"]);
});

test("with recorded inputs they have those of the call; an agent whose telemetry is off has none", async () => {
  const [recorded] = await spansOf({}, { recordInputs: true });
  expect(recorded.named("undo book")[0]?.attributes).toMatchObject({ "gen_ai.tool.call.arguments": '{"id":"secret"}' });
  const [off] = await spansOf({}, { isEnabled: false });
  expect(off.tree.filter((line) => !line.includes("undoer"))).toEqual(["undo [handler rollback give the seat back]"]);
});
