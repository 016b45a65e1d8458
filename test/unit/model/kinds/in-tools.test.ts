/** Durable models inside the tools of an agent: several at once, in one journal. */
import { embedMany, isStepCount } from "ai";
import { expect, test } from "vitest";
import { z } from "zod";
import { contextTool, durableEmbeddingModel, RestateAgent, restateContext } from "../../../../src/index.ts";
import { crashEverywhere, runFake, scriptedModel } from "../../../../src/testing/in-memory.ts";
import { inContext } from "./in-context.ts";
import { Calls, embeddingModel } from "./models.ts";

const TOPICS = ["a", "bbb", "ccccc", "ddddddd"];

/** Four tools at once, each with three batches, with a step of its own between two calls. */
function program(calls: Calls): () => Promise<unknown> {
  const found = new Map<string, unknown>();
  const model = durableEmbeddingModel(embeddingModel(calls), { name: "docs" });
  const agent = new RestateAgent({
    id: "reader",
    model: scriptedModel([
      { toolCalls: TOPICS.map((topic, index) => ({ id: `call-${index}`, name: "read", input: { topic } })) },
      { text: "read" },
    ]),
    stopWhen: isStepCount(5),
    tools: {
      read: contextTool({
        inputSchema: z.object({ topic: z.string() }),
        execute: async ({ topic }) => {
          const values = [1, 2, 3, 4, 5].map((times) => topic.repeat(times));
          const first = await embedMany({ model, values });
          await restateContext().run(`note ${topic}`, () => topic);
          const second = await embedMany({ model, values: [topic] });
          found.set(topic, [...first.embeddings, ...second.embeddings]);
          return "ok";
        },
      }),
    },
  });
  return async () => {
    found.clear();
    await agent.generate({ prompt: "Read all." });
    return TOPICS.map((topic) => found.get(topic));
  };
}

const vector = (length: number): number[] => [length, 0.1 + length];
const EXPECTED = TOPICS.map(({ length }) => [
  ...[1, 2, 3, 4, 5].map((times) => vector(times * length)),
  vector(length),
]);

test.each(["bidirectional", "request-response"] as const)(
  "each tool gets the embeddings of its own texts, wherever the process dies (%s)",
  async (mode) => {
    const { whole, crashed } = await crashEverywhere(
      inContext(() => program(new Calls())()),
      { mode },
    );
    const names = whole.journal.commands.filter((name) => name.includes("embed"));
    expect(names.length).toBe(TOPICS.length * 4);
    expect(new Set(names).size).toBe(names.length);
    for (const { outcome } of [whole, ...crashed]) expect(outcome).toEqual({ ok: true, value: EXPECTED });
  },
);

test("inside a journaled step a durable model says what is wrong", async () => {
  const model = durableEmbeddingModel(embeddingModel(new Calls()));
  const { outcome } = await runFake(
    inContext(() => restateContext().run("outer", async () => (await embedMany({ model, values: ["x"] })).usage)),
  );
  expect(String(!outcome.ok && outcome.error)).toMatch(/embed call inside the journaled step "outer".*contextTool\(\)/);
});
