/**
 * Programs that every runtime runs alike: an agent that dies after each event of its journal, and the ambient context.
 * Each returns what is wrong; nothing, when all is well.
 */
import { isStepCount, tool, type ToolSet } from "ai";
import { z } from "zod";
import { contextTool, RestateAgent, restateContext, withRestateContext } from "../../src/index.ts";
import {
  type FakeMode,
  type FakeOptions,
  type FakeResult,
  runFake,
  scriptedModel,
} from "../../src/testing/in-memory.ts";

const call = (name: string, id: string) => ({ id, name, input: { id } });

const REPLIES = [
  { reasoning: "think", toolCalls: [call("plain", "a"), call("steps", "b"), call("plain", "c")] },
  { toolCalls: [call("nested", "d"), call("plain", "e")] },
  { text: "done" },
];

/** The journal of the reference run. Runs in flight replay against these names: a red pin means a deliberate change. */
export const REFERENCE_COMMANDS: readonly string[] = [
  "run trip model 1",
  "run trip tool plain a",
  "run one b",
  "run trip tool plain c",
  "sleep",
  "run two b",
  "run trip model 2",
  "run trip tool plain e",
  "run guide model 1",
  "run trip model 3",
];

/** One run, and how often each tool made its effect. */
interface Executed {
  readonly result: FakeResult<unknown>;
  readonly effects: Map<string, number>;
  readonly modelCalls: number;
}

async function runAgent(how: "generate" | "stream", options: FakeOptions): Promise<Executed> {
  const effects = new Map<string, number>();
  const effect = (name: string): string => {
    effects.set(name, (effects.get(name) ?? 0) + 1);
    return name;
  };
  const input = z.object({ id: z.string() });
  const model = scriptedModel(REPLIES);
  const guide = (): RestateAgent =>
    new RestateAgent({ id: "guide", model: scriptedModel([{ text: "left, then right" }]) });
  const tools: ToolSet = {
    plain: tool({ inputSchema: input, execute: async ({ id }) => effect(`plain ${id}`) }),
    steps: contextTool({
      inputSchema: input,
      execute: async ({ id }) => {
        const one = await restateContext().run(`one ${id}`, () => effect(`one ${id}`));
        await restateContext().sleep(10);
        return `${one} ${await restateContext().run(`two ${id}`, () => effect(`two ${id}`))}`;
      },
    }),
    nested: contextTool({
      inputSchema: input,
      execute: async () => (await guide().generate({ prompt: "Where?" })).text,
    }),
  };
  const handler = async (): Promise<unknown> => {
    const agent = new RestateAgent({ id: "trip", model, tools, stopWhen: isStepCount(10) });
    if (how === "generate") {
      const { text, steps, response, toolResults } = await agent.generate({ prompt: "go" });
      return { text, steps: steps.length, response, outputs: toolResults.map(({ output }): unknown => output) };
    }
    const result = await agent.stream({ prompt: "go" });
    const types: string[] = [];
    let text = "";
    for await (const part of result.stream) {
      if (types.at(-1) !== part.type) types.push(part.type);
      if (part.type === "text-delta") text += part.text;
    }
    const steps = await result.steps;
    return { text, steps: steps.length, last: types.at(-1) };
  };
  const result = await runFake((context) => withRestateContext(context, handler), options);
  return { result, effects, modelCalls: model.calls.length };
}

/** Kills a run after every event of its journal: same result, and nothing that was durable happens again. */
export async function crashEverywhere(how: "generate" | "stream", mode: FakeMode): Promise<string[]> {
  const wrong: string[] = [];
  const whole = await runAgent(how, { mode, seed: 3 });
  const expected = JSON.stringify(whole.result.outcome);
  if (!whole.result.outcome.ok) return [`the run failed: ${String(whole.result.outcome.error)}`];
  if ([...whole.effects.values()].some((count) => count !== 1)) wrong.push("an effect happened twice without a crash");
  const commands = [...whole.result.journal.commands].sort();
  const events = whole.result.journal.events.length;
  for (let at = 1; at <= events; at++) {
    const crashed = await runAgent(how, { mode, seed: 3 + at, crashAt: [at] });
    const found = JSON.stringify(crashed.result.outcome);
    if (found !== expected) wrong.push(`after a crash at ${at} the result is ${found}`);
    if ([...crashed.result.journal.commands].sort().join() !== commands.join())
      wrong.push(`other commands after a crash at ${at}`);
    const repeated = [...crashed.effects.values()].filter((count) => count > 2).length;
    if (repeated > 0 || crashed.modelCalls > whole.modelCalls + 1)
      wrong.push(`too many repetitions after a crash at ${at}`);
  }
  return wrong;
}

/** The commands of the reference run, in order. */
export async function referenceCommands(): Promise<readonly string[]> {
  const inOrder: FakeOptions = { seed: 1, pick: () => (candidates) => (candidates.length > 0 ? 0 : undefined) };
  return (await runAgent("generate", inOrder)).result.journal.commands;
}
