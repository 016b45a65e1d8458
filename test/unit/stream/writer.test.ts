/** What a run tells its stream's writer, and what readers make of it. */
import { tool } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { memoryStreamStore } from "../../../src/stream/memory-stream-store.ts";
import { scriptedModel } from "../../../src/testing/in-memory.ts";
import { chunksOf, fold } from "./fold.ts";
import { runTurn, STREAM } from "./turn.ts";

const input = z.object({ id: z.string() });
const echo = tool({ inputSchema: input, execute: async ({ id }) => `echo ${id}` });

describe("a turn's stream", () => {
  test("says live what the turn's message is", async () => {
    const store = memoryStreamStore();
    const model = () =>
      scriptedModel([{ text: "first", toolCalls: [{ id: "1", name: "echo", input: { id: "x" } }] }, { text: "done" }]);
    const { outcome } = await runTurn({ model, tools: { echo }, store });
    if (!outcome.ok) throw outcome.error;
    const chunks = await chunksOf(store, STREAM);
    expect(chunks.map(({ type }) => type)).toEqual([]);
    expect(await fold(chunks)).toEqual(JSON.parse(JSON.stringify(outcome.value.message)));
  });
});
