/** Tools that the client executes, in a session on the fake of Restate: who waits, what wakes it, and every way to die. */
import { dynamicTool, jsonSchema, tool, type ToolSet, type UIMessage, type UIMessageChunk } from "ai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { RestateAgent } from "../../../src/index.ts";
import { agentSession } from "../../../src/session/agent-session.ts";
import type { ClientOutput } from "../../../src/session/client-tools/call-object.ts";
import type { SessionOptions } from "../../../src/session/session-options.ts";
import { memoryStreamStore } from "../../../src/stream/memory-stream-store.ts";
import type { StreamStore } from "../../../src/stream/stream-store.ts";
import { FAKE_PENDING } from "../../../src/testing/fake-context.ts";
import { type FakeMode, type ModelScript, type ScriptedModel, scriptedModel } from "../../../src/testing/in-memory.ts";
import { FakeSession, type RunOptions, valueOf } from "./fake-session.ts";
import { messageOfStream, problemOf } from "./prompts.ts";
import { looks, lookTool } from "./tools.ts";

const place = jsonSchema<{ city: string }>({ type: "object", properties: { city: { type: "string" } } });
/** What nobody here executes. */
const locate: ToolSet[string] = tool({
  inputSchema: place,
  outputSchema: z.object({ lat: z.number() }),
}) as ToolSet[string];
const loose: ToolSet[string] = dynamicTool({ inputSchema: place, execute: undefined as never });
const MODES: readonly FakeMode[] = ["bidirectional", "request-response"];

let session: FakeSession;
let model: ScriptedModel;
let streams: StreamStore;

const calls = (...ids: string[]): ModelScript =>
  ids.length === 0 ? locateOnce : (_, turn) => (turn === 0 ? { text: "Where?", toolCalls: ids.map(called) } : DONE);
const called = (id: string) => ({ id, name: "locate", input: { city: id } });
const DONE = { text: "Done" };
const locateOnce: ModelScript = (_, turn) => (turn === 0 ? { text: "Where?", toolCalls: [called("t1")] } : DONE);

async function start(
  options: SessionOptions = {},
  script: ModelScript = locateOnce,
  tools: ToolSet = { locate, loose, look: lookTool },
): Promise<void> {
  model = scriptedModel(script);
  const agent = new RestateAgent({ id: "support", model, tools });
  session = new FakeSession(agentSession("Support", agent, { streams, steering: false, ...options }));
  await session.start();
}

/** One turn, in which the client says this of its calls, in the order of their opening. */
async function turn(outputs: readonly (ClientOutput | typeof FAKE_PENDING)[], options: RunOptions = {}) {
  const opened: unknown[] = [];
  const result = await session.run(
    "send",
    { message: "Go", turn: "m1" },
    {
      signals: (name) => outputs[Number(name.replace("awakeable-", "")) - 1] ?? FAKE_PENDING,
      calls: (target, input) => {
        opened.push([target, input]);
        return target.endsWith("/close") ? true : null;
      },
      ...options,
    },
  );
  return { ...result, opened };
}

const toldOf = (): unknown[] =>
  model.calls
    .at(-1)
    ?.prompt.flatMap((message) =>
      message.role === "tool" ? message.content.map((part) => (part.type === "tool-result" ? part.output : part)) : [],
    ) ?? [];

async function chunksOf(): Promise<UIMessageChunk[]> {
  const { entries } = await streams.read("Support/c1/m1", { after: 0, waitMs: 0 });
  return entries.map(({ chunk }) => chunk);
}

const toolParts = (message: UIMessage | undefined): unknown[] =>
  (message?.parts ?? []).flatMap((part) => ("toolCallId" in part ? [[part.type, part.state, part.input]] : []));

beforeEach(() => {
  streams = memoryStreamStore();
  looks.length = 0;
});
afterEach(() => session.stop());

describe("a turn", () => {
  test("waits for the client, and goes on with its output; these are its commands", async () => {
    await start();
    const { outcome, journal, opened } = await turn([{ output: { lat: 52 } }]);
    expect(outcome).toMatchObject({ ok: true, value: { text: "Done", finishReason: "stop" } });
    expect(toldOf()).toEqual([{ type: "json", value: { lat: 52 } }]);
    expect(opened).toEqual([["Support.calls/c1/open", { turn: "m1", toolCallId: "t1", awakeable: "awakeable-1" }]]);
    expect(journal.commands.filter((name) => !/^[gs]et /.test(name))).toEqual([
      "run Support begin",
      "run support model 1",
      "awakeable awakeable-1",
      "call Support.calls/c1/open",
      "run support client-call locate t1",
      "sleep",
      "run support client-result locate t1",
      "run support model 2",
      "run Support ended",
      "run Support end",
    ]);
  });

  test("readers hear of the call when it waits, and not before the model's step is over", async () => {
    await start();
    await turn([{ output: { lat: 52 } }]);
    const types = (await chunksOf()).map(({ type }) => type);
    expect(types).toEqual([
      "start",
      "start-step",
      "text-start",
      "text-delta",
      "text-end",
      "tool-input-start",
      "tool-input-delta",
      "finish-step",
      "tool-input-available",
      "data-client-call",
      "tool-output-available",
      "start-step",
      "text-start",
      "text-delta",
      "text-end",
      "finish-step",
      "finish",
    ]);
  });

  test("its stream and its history say the same, and hold no more than a message", async () => {
    await start({}, calls("t1", "t2"));
    await turn([{ output: { lat: 1 } }, { errorText: "No GPS" }]);
    const [, message] = (await session.history()).messages as UIMessage[];
    expect(await messageOfStream(streams, "Support/c1/m1")).toEqual(message);
    expect(toolParts(message)).toEqual([
      ["tool-locate", "output-available", { city: "t1" }],
      ["tool-locate", "output-error", { city: "t2" }],
    ]);
    expect(JSON.stringify(message)).not.toContain("client-call");
  });

  test.each<[string, ClientOutput, RegExp]>([
    ["an error", { errorText: "No GPS" }, /Tool locate failed in the client: No GPS/],
    ["an output that does not fit its schema", { output: { lat: "north" } }, /does not fit its schema/],
  ])("tells the model of %s", async (_, said, told) => {
    await start();
    const { outcome } = await turn([said]);
    expect(outcome).toMatchObject({ ok: true, value: { text: "Done" } });
    expect(toldOf()).toEqual([{ type: "error-text", value: expect.stringMatching(told) as string }]);
    const part = (await chunksOf()).find(({ type }) => type === "tool-output-error");
    expect(part).toMatchObject({ toolCallId: "t1", errorText: expect.stringMatching(told) as string });
  });

  test("tells the model when nobody has answered in time", async () => {
    await start({ clientTools: { timeout: { minutes: 5 } } });
    const { outcome, opened } = await turn([FAKE_PENDING]);
    expect(outcome).toMatchObject({ ok: true, value: { text: "Done" } });
    expect(toldOf()).toEqual([
      { type: "error-text", value: "ToolTimeoutError: Tool locate did not answer within 300000 ms" },
    ]);
    expect(opened.at(-1)).toEqual(["Support.calls/c1/close", { awakeable: "awakeable-1" }]);
  });

  test("when the client was faster than the time limit, its output counts", async () => {
    let late = 0;
    for (let seed = 1; seed <= 30; seed += 1) {
      await start({ clientTools: { timeout: 10 } });
      const { outcome, opened } = await turn([{ output: { lat: 3 } }], {
        seed,
        timers: "any",
        calls: (target) => (target.endsWith("/close") ? ((late += 1), false) : null),
      });
      expect(opened).toEqual([]);
      expect(outcome).toMatchObject({ ok: true });
      expect(toldOf()).toEqual([{ type: "json", value: { lat: 3 } }]);
      await session.stop();
      streams = memoryStreamStore();
    }
    expect(late).toBeGreaterThan(2);
    await start();
  });

  test("dynamic tools, tools that run here and an approval beside it", async () => {
    const dear = tool({ inputSchema: place, needsApproval: true, execute: ({ city }) => `booked ${city}` });
    await start(
      {},
      (_, n) =>
        n === 0
          ? {
              toolCalls: [
                { id: "d1", name: "loose", input: { city: "a" } },
                { id: "k1", name: "look", input: { id: "x" } },
                { id: "b1", name: "dear", input: { city: "b" } },
              ],
            }
          : DONE,
      { loose, look: lookTool, dear },
    );
    const { outcome } = await session.run(
      "send",
      { message: "Go", turn: "m1" },
      {
        signals: () => ({ output: "loosely", state: "approved", approved: true }),
        calls: () => ({}),
      },
    );
    expect(outcome).toMatchObject({ ok: true, value: { text: "Done" } });
    expect(toldOf()).toEqual([
      { type: "text", value: "loosely" },
      { type: "text", value: "seen x" },
      { type: "text", value: "booked b" },
    ]);
    const [, message] = (await session.history()).messages as UIMessage[];
    expect(await messageOfStream(streams, "Support/c1/m1")).toEqual(message);
  });

  test("a tool for the client that needs an approval is asked about first", async () => {
    const careful = tool({ inputSchema: place, needsApproval: true }) as ToolSet[string];
    await start({}, (_, n) => (n === 0 ? { toolCalls: [{ id: "c1", name: "careful", input: { city: "a" } }] } : DONE), {
      careful,
    });
    const decisions = [{ state: "approved", approved: true }, { output: "there" }];
    const { outcome, journal } = await session.run(
      "send",
      { message: "Go", turn: "m1" },
      { signals: (name) => decisions[Number(name.at(-1)) - 1], calls: () => ({}) },
    );
    expect(outcome).toMatchObject({ ok: true });
    expect(toldOf()).toEqual([{ type: "text", value: "there" }]);
    expect(journal.commands.filter((name) => name.includes(" careful "))).toEqual([
      "run support approval careful c1",
      "run support decision careful c1",
      "run support client-call careful c1",
      "run support client-result careful c1",
    ]);
    const types = (await chunksOf()).map(({ type }) => type).filter((type) => /^(tool|data)-/.test(type));
    expect(types.filter((type) => !type.startsWith("tool-input-d"))).toEqual([
      "tool-input-start",
      "tool-input-available",
      "tool-approval-request",
      "tool-approval-response",
      "tool-input-available",
      "data-client-call",
      "tool-output-available",
    ]);
    const [, message] = (await session.history()).messages as UIMessage[];
    expect(await messageOfStream(streams, "Support/c1/m1")).toEqual(message);
  });

  test("without streams nobody hears of it: the run ends with the call", async () => {
    await start({ streams: false });
    const answer = await session.send({ message: "Go", turn: "m1" });
    expect(answer.finishReason).toBe("tool-calls");
    await session.send({ message: "On", turn: "m2" });
    expect(problemOf(model.calls.at(-1))).toBeUndefined();
  });
});

describe.each(MODES)("%s", (mode) => {
  test("wherever it dies, it waits for the same call, and the message is the same", async () => {
    const outputs: readonly ClientOutput[] = [{ output: { lat: 1 } }, { errorText: "No GPS" }];
    await start({}, calls("t1", "t2"));
    const whole = await turn(outputs, { mode, seed: 3 });
    const [, message] = (await session.history()).messages as UIMessage[];
    const { length } = whole.journal.events;
    expect(length).toBeGreaterThan(20);
    for (let at = 0; at < length; at += 1) {
      await session.stop();
      streams = memoryStreamStore();
      await start({}, calls("t1", "t2"));
      const again = await turn(outputs, { mode, seed: 3, crashAt: [at] });
      expect(again.outcome, `died at ${at}`).toMatchObject({ ok: true, value: { text: "Done" } });
      expect(again.journal.commands.toSorted()).toEqual(whole.journal.commands.toSorted());
      expect(toolParts(await messageOfStream(streams, "Support/c1/m1"))).toEqual(toolParts(message));
    }
  });

  test("cancelled anywhere, it closes its calls, and the next turn can go on", async () => {
    let closed = 0;
    for (let cancelAt = 1; cancelAt <= 12; cancelAt += 1) {
      await start({}, calls("t1", "t2"));
      const { outcome, journal } = await turn([FAKE_PENDING, FAKE_PENDING], { mode, cancelAt });
      expect(outcome, `cancelled at ${cancelAt}`).toMatchObject({ ok: false, error: { code: 409 } });
      const count = (command: string): number => journal.commands.filter((name) => name === command).length;
      expect(count("send Support.calls/c1/close")).toBe(count("call Support.calls/c1/open"));
      closed += count("send Support.calls/c1/close");
      await session.run("send", { message: "On", turn: "m2" }, { signals: () => ({ output: { lat: 1 } }) });
      expect(problemOf(model.calls.at(-1))).toBeUndefined();
      await session.stop();
      streams = memoryStreamStore();
    }
    expect(closed).toBeGreaterThan(4);
    await start();
  });
});

describe("the object that keeps the calls", () => {
  const calling = async (handler: string, input: unknown) => {
    const result = await session.runOn("Support.calls", handler, input);
    const woken = result.journal.commands.flatMap((name) => /^complete-awakeable (.+)$/.exec(name)?.[1] ?? []);
    return { value: valueOf(result), woken };
  };
  const open = (toolCallId: string, awakeable: string, of = "m1") =>
    calling("open", { turn: of, toolCallId, awakeable });

  test("the first output wins; for another turn, or an unknown call, there is none", async () => {
    await start();
    await open("t1", "a1");
    await open("t2", "a2");
    const outputs = [
      { toolCallId: "t1", output: 1 },
      { toolCallId: "t9", output: 9 },
    ];
    expect(await calling("settle", { turn: "m0", outputs })).toEqual({ value: [], woken: [] });
    expect(await calling("settle", { turn: "m1", outputs })).toEqual({ value: ["t1"], woken: ["a1"] });
    expect((await calling("settle", { turn: "m1", outputs })).value).toEqual([]);
    expect((await calling("settle", { turn: "m1", outputs: [{ toolCallId: "t2", errorText: "x" }] })).value).toEqual([
      "t2",
    ]);
    expect((await calling("close", { awakeable: "a2" })).value).toBe(false);
  });

  test("calls with one id are told apart, and closing tells whether somebody was first", async () => {
    await start();
    await open("t1", "a1");
    await open("t1", "a2");
    expect((await calling("close", { awakeable: "a1" })).value).toBe(true);
    const outputs = [{ toolCallId: "t1", output: 1 }];
    expect((await calling("settle", { turn: "m1", outputs })).woken).toEqual(["a2"]);
  });

  test("what a killed turn has left is dropped", async () => {
    await start();
    await open("t1", "a1", "m0");
    await open("t1", "a2", "m1");
    const outputs = [{ toolCallId: "t1", output: 1 }];
    expect((await calling("settle", { turn: "m0", outputs })).value).toEqual([]);
    expect((await calling("settle", { turn: "m1", outputs })).value).toEqual(["t1"]);
  });
});
