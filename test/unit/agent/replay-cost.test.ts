/** What a replay must not repeat, counted: the time that it takes is then linear in the number of steps. */
import { isStepCount, jsonSchema, type Tool, tool, type ToolSet, zodSchema } from "ai";
import { afterEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { RestateAgent, withRestateContext } from "../../../src/index.ts";
import { type FakeJournal, type FakeResult, runFake, scriptedModel } from "../../../src/testing/in-memory.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const INPUT = { type: "object" as const, properties: { id: { type: "string" as const } } };

/** Runs an agent that calls `look` once in each of `steps` steps; a journal makes it a replay. */
function lookSteps(
  steps: number,
  look: Tool,
  journal?: FakeJournal,
  others: ToolSet = {},
): Promise<FakeResult<string>> {
  const model = scriptedModel((_, turn) =>
    turn < steps
      ? { text: `turn ${turn}`, toolCalls: [{ id: `c${turn}`, name: "look", input: { id: `${turn}` } }] }
      : {},
  );
  const agent = new RestateAgent({ id: "a", model, tools: { look, ...others }, stopWhen: isStepCount(steps + 1) });
  const run = async (): Promise<string> => (await agent.generate({ prompt: "go" })).text;
  return runFake((context) => withRestateContext(context, run), journal === undefined ? {} : { journal });
}

/** How often each stored result was parsed while `action` ran. */
async function parsesOf(journal: FakeJournal, action: () => Promise<unknown>): Promise<number[]> {
  const parse = vi.spyOn(JSON, "parse");
  await action();
  const parsed = parse.mock.calls.map(([text]) => text);
  return journal.completions.flatMap(({ outcome }) => {
    if (outcome.ok !== true) return [];
    const stored = new TextDecoder().decode(outcome.bytes);
    return [parsed.filter((text) => text === stored).length];
  });
}

const execute = async ({ id }: { id: string }): Promise<string> => `looked at ${id}`;

describe.each([5, 20])("the replay of %d steps", (steps) => {
  test("reads each stored result once", async () => {
    const look = tool({ inputSchema: z.object({ id: z.string() }), execute });
    const { journal } = await lookSteps(steps, look);
    const parses = await parsesOf(journal, () => lookSteps(steps, look, journal));
    expect(parses).toEqual(Array.from({ length: 2 * steps + 1 }, () => 1));
  });

  test("makes no new attempt and runs no step", async () => {
    const look = tool({ inputSchema: z.object({ id: z.string() }), execute });
    const { journal, outcome } = await lookSteps(steps, look);
    const replay = await lookSteps(steps, look, journal);
    expect(replay).toMatchObject({ outcome, attempts: 1, executions: new Map() });
    expect(replay.journal.events).toEqual(journal.events);
  });

  test("makes the tools of the prompt once a step, and each tool result for the prompt once", async () => {
    const description = vi.fn(() => "Looks");
    const toModelOutput = vi.fn(({ output }: { output: string }) => ({ type: "text" as const, value: output }));
    const look = tool({ description, inputSchema: z.object({ id: z.string() }), execute, toModelOutput });
    const { journal } = await lookSteps(steps, look);
    description.mockClear();
    toModelOutput.mockClear();
    await lookSteps(steps, look, journal);
    expect(description).toHaveBeenCalledTimes(steps + 1);
    expect(toModelOutput).toHaveBeenCalledTimes(steps);
  });
});

describe("a tool's schema is converted to JSON Schema once, however many steps, runs and replays", () => {
  test("of Zod", async () => {
    const inputSchema = z.object({ id: z.string() });
    const read = vi.spyOn(z.globalRegistry, "get");
    await runAndReplay({ inputSchema, execute });
    const once = read.mock.calls.filter(([schema]) => schema === inputSchema).length;
    read.mockClear();
    await zodSchema(z.object({ id: z.string() })).jsonSchema;
    expect(once).toBe(read.mock.calls.filter(([schema]) => schema instanceof z.ZodObject).length);
  });

  test("of another library (Standard Schema)", async () => {
    const input = vi.fn(() => INPUT);
    const validate = (value: unknown) => ({ value });
    const standard = { version: 1, vendor: "ours", validate, jsonSchema: { input, output: input } } as const;
    await runAndReplay({ inputSchema: { "~standard": standard } as unknown as Tool["inputSchema"], execute });
    expect(input).toHaveBeenCalledTimes(1);
  });

  test("of the AI SDK, made by a function", async () => {
    const convert = vi.fn(() => INPUT);
    const make = vi.fn(() => jsonSchema<{ id: string }>(convert));
    await runAndReplay(tool({ inputSchema: make, execute }));
    expect(make).toHaveBeenCalledTimes(1);
    expect(convert).toHaveBeenCalledTimes(1);
  });

  test("of a tool without execute", async () => {
    const convert = vi.fn(() => INPUT);
    const look = tool({ inputSchema: z.object({ id: z.string() }), execute });
    await runAndReplay(look, { ask: tool({ inputSchema: () => jsonSchema(convert) }) });
    expect(convert).toHaveBeenCalledTimes(1);
  });

  /** Two runs of two agents, and a replay. */
  async function runAndReplay(look: Tool, others: ToolSet = {}): Promise<void> {
    const { journal, outcome } = await lookSteps(4, look, undefined, others);
    expect(outcome).toEqual({ ok: true, value: "" });
    await lookSteps(4, look, journal, others);
    await lookSteps(2, { ...look }, undefined, others);
  }
});

test("what a schema refuses is refused on replay too", async () => {
  const look = tool({ inputSchema: z.object({ id: z.string().max(0) }), execute });
  const { journal, outcome } = await lookSteps(2, look);
  expect(journal.commands).toEqual(["run a model 1", "run a model 2", "run a model 3"]);
  expect((await lookSteps(2, look, journal)).outcome).toEqual(outcome);
});
