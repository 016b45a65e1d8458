/** Where the results of an agent's steps go, and what happens when there are too many of them. */
import { isStepCount, tool, type ToolSet } from "ai";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  BlobMissingError,
  type Context,
  JournalTooLargeError,
  memoryBlobStore,
  RestateAgent,
  type RestateAgentOptions,
  withRestateContext,
} from "../../../src/index.ts";
import {
  crashEverywhere,
  type FakeOptions,
  type FakeResult,
  runFake,
  scriptedModel,
} from "../../../src/testing/in-memory.ts";

const input = z.object({ bytes: z.number() });
const tools: ToolSet = {
  photo: tool({ inputSchema: input, execute: ({ bytes }) => new Uint8Array(bytes).fill(7) }),
  text: tool({ inputSchema: input, execute: ({ bytes }) => "x".repeat(bytes) }),
};

/** Calls `name` once for each of `sizes`; answers with what the handler got. */
function agentOf(name: string, sizes: readonly number[], options: RestateAgentOptions) {
  const turns = sizes.map((bytes, n) => ({ toolCalls: [{ id: `c${n}`, name, input: { bytes } }] }));
  const model = scriptedModel([...turns, { text: "done" }]);
  const agent = new RestateAgent({ id: "store", model, tools, stopWhen: isStepCount(50) }, options);
  return (context: Context): Promise<number[]> =>
    withRestateContext(context, async () => {
      const { steps } = await agent.generate({ prompt: "go" });
      return steps.flatMap(({ toolResults }) =>
        toolResults.map(({ output }) => (output as Uint8Array | string).length),
      );
    });
}

const bytesOf = ({ journal }: FakeResult<unknown>): number =>
  journal.completions.reduce((sum, { outcome }) => sum + (outcome.ok === true ? outcome.bytes.length : 0), 0);

describe.each(["bidirectional", "request-response"] as const)("large content, %s", (mode) => {
  test("goes into the blob store, and comes back on every replay", async () => {
    const store = memoryBlobStore();
    const { whole, crashed } = await crashEverywhere(agentOf("photo", [100_000, 10, 100_000], { blobs: { store } }), {
      mode,
    });
    expect(whole.outcome).toEqual({ ok: true, value: [100_000, 10, 100_000] });
    expect(store.blobs.size).toBe(1); // The same content has the same key.
    expect(bytesOf(whole)).toBeLessThan(3_000);
    for (const run of crashed) expect(run.outcome).toEqual(whole.outcome);
  });

  test("that is gone ends the run, and the model is not told", async () => {
    const store = memoryBlobStore();
    const handler = agentOf("photo", [100_000], { blobs: { store } });
    const whole = await runFake(handler, { mode });
    store.blobs.clear();
    const { outcome } = await runFake(handler, { mode, journal: whole.journal });
    expect(outcome.ok).toBe(false);
    expect(outcome).toMatchObject({ error: expect.any(BlobMissingError) as unknown });
  });

  test("waits for a store that is down", async () => {
    const store = memoryBlobStore();
    let down = 1;
    const flaky = {
      ...store,
      put: (key: string, bytes: Uint8Array) => (down-- > 0 ? Promise.reject(new Error("down")) : store.put(key, bytes)),
    };
    const { outcome, attempts } = await runFake(agentOf("photo", [100_000], { blobs: { store: flaky } }), { mode });
    expect(outcome).toEqual({ ok: true, value: [100_000] });
    expect(attempts).toBeGreaterThan(1);
  });
});

describe.each(["bidirectional", "request-response"] as const)("a journal that grows, %s", (mode) => {
  const limited: RestateAgentOptions = { journal: { warnBytes: 20_000, maxBytes: 50_000 } };
  const sizes = Array.from({ length: 10 }, () => 10_000);

  test("warns, and then fails terminally at the same place on every replay", async () => {
    const fake: FakeOptions = { mode };
    const { whole, crashed } = await crashEverywhere(agentOf("text", sizes, limited), fake);
    expect(whole.outcome).toMatchObject({ ok: false, error: expect.any(JournalTooLargeError) as unknown });
    expect(
      whole.logs.filter((line) => line.includes("20000") || line.includes("The journal of this invocation holds"))
        .length,
    ).toBeGreaterThan(0);
    for (const run of crashed) {
      expect(run.outcome).toMatchObject({ ok: false, error: expect.any(JournalTooLargeError) as unknown });
      expect(run.journal.commands).toEqual(whole.journal.commands);
    }
    expect(whole.executions.get("store tool text c4")).toBe(1);
    expect(whole.executions.has("store tool text c5")).toBe(false);
  });

  test("within its bounds ends as ever", async () => {
    const { outcome } = await runFake(agentOf("text", sizes, { journal: { maxBytes: 200_000 } }), { mode });
    expect(outcome).toEqual({ ok: true, value: sizes });
  });
});

test("bounds that are none are refused when the agent is defined", () => {
  const define = (options: RestateAgentOptions) => () =>
    new RestateAgent({ id: "x", model: scriptedModel([]) }, options);
  expect(define({ journal: { maxBytes: 0 } })).toThrow("maxBytes must be a positive number of bytes");
  expect(define({ blobs: { store: memoryBlobStore(), aboveBytes: -1 } })).toThrow("aboveBytes");
});
