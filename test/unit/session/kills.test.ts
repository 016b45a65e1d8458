/**
 * The steps of a session that only run when something has gone wrong, on the fake of Restate: `<service> killed`,
 * `<service> said`, and interrupting. Something goes wrong at each place of them, too.
 */
import type { LanguageModelV4, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RestateAgent, TerminalError } from "../../../src/index.ts";
import { agentSession } from "../../../src/session/agent-session.ts";
import { turnCache } from "../../../src/session/turn/turn-cache.ts";
import { memoryStreamStore } from "../../../src/stream/memory-stream-store.ts";
import type { StreamStore } from "../../../src/stream/stream-store.ts";
import { FAKE_PENDING } from "../../../src/testing/fake-context.ts";
import { type FakeMode, scriptedModel } from "../../../src/testing/in-memory.ts";
import { FakeSession, runningState, type RunOptions } from "./fake-session.ts";
import { messageOfStream, problemOf, promptOf } from "./prompts.ts";

const MODES: readonly FakeMode[] = ["bidirectional", "request-response"];
const STREAM = "Support/c1/m1";
/** Of the model that answers the turns after the one in trouble. */
const calm = scriptedModel(() => ({ text: "Done" }));

let session: FakeSession;
let kept: StreamStore;
/** Whether the store is away for this call of its method. */
let isAway = (_method: keyof StreamStore, _stream: string): boolean => false;
const there = (method: keyof StreamStore, stream: string): StreamStore => {
  if (isAway(method, stream)) throw new Error("The store is away");
  return kept;
};
/** The store of all sessions here: another one in each trial. */
const streams: StreamStore = {
  append: async (stream, ...given) => there("append", stream).append(stream, ...given),
  end: async (stream, ...given) => there("end", stream).end(stream, ...given),
  read: async (stream, ...given) => there("read", stream).read(stream, ...given),
  stop: async (stream) => there("stop", stream).stop(stream),
  remove: async (stream) => there("remove", stream).remove(stream),
};

async function start(model: LanguageModelV4 = calm): Promise<void> {
  const agent = new RestateAgent({ id: "support", model });
  session = new FakeSession(agentSession("Support", agent, { streams, steering: false, streamBatchMs: 0 }));
  await session.start();
}

beforeEach(() => {
  kept = memoryStreamStore();
  isAway = () => false;
});
afterEach(() => session.stop());

const idsOf = async (): Promise<unknown[]> =>
  (await session.history()).messages.map((message) => ("id" in message ? message.id : message.role));

describe.each(MODES)("the turn after one that was killed, in mode %s", (mode) => {
  const next = { message: "Two", turn: "m2" };

  test("dies anywhere: the killed one is noted once, and its stream ends once", async () => {
    await start();
    session.state = runningState("e1");
    const whole = await session.run("send", next, { mode });
    expect(whole.journal.commands).toContain("run Support killed");
    const reference = await messageOfStream(kept, STREAM);
    expect(reference?.metadata).toMatchObject({ turn: "m1", error: { message: "An error occurred." } });
    for (let length = 1; length <= whole.journal.events.length; length++) {
      kept = memoryStreamStore();
      session.state = runningState("e1");
      const run = await session.run("send", next, { mode, crashAt: [length] });
      expect(run.outcome).toMatchObject({ ok: true, value: { turn: "m2", text: "Done" } });
      expect(run.executions.get("Support killed")).toBeLessThanOrEqual(2);
      expect(await messageOfStream(kept, STREAM)).toEqual(reference);
      expect(await idsOf()).toEqual(["m1", "m1-answer", "m2", "m2-answer"]);
      turnCache.clear();
      await session.send({ message: "Three", turn: "m3" });
      expect(promptOf(calm.calls.at(-1))).toEqual(["user: One", "user: Two", "assistant: Done", "user: Three"]);
    }
  });

  test("is cancelled anywhere: then the one after it finds both, or the killed one still to be noted", async () => {
    await start();
    session.state = runningState("e1");
    const { length } = (await session.run("send", next, { mode })).journal.events;
    for (let at = 1; at <= length; at++) {
      kept = memoryStreamStore();
      session.state = runningState("e1");
      await session.run("send", next, { mode, cancelAt: at });
      expect(await session.send({ message: "Three", turn: "m3" })).toMatchObject({ text: "Done" });
      const ids = await idsOf();
      expect([ids.slice(0, 2), ids.slice(-2)]).toEqual([
        ["m1", "m1-answer"],
        ["m3", "m3-answer"],
      ]);
      expect(new Set(ids).size).toBe(ids.length);
      expect(problemOf(calm.calls.at(-1))).toBeUndefined();
      expect((await kept.read(STREAM, { after: 0, waitMs: 0 })).ended).toBe(true);
    }
  });
});

test("a store that is away keeps no turn from coming after one that was killed", async () => {
  await start();
  session.state = runningState("e1");
  isAway = (_, stream) => stream === STREAM;
  const run = await session.run("send", { message: "Two", turn: "m2" }, { maxFailures: 20 });
  expect(run.outcome).toMatchObject({ ok: true, value: { text: "Done" } });
  expect(run.logs.join()).toContain("which was killed, has no end");
  expect(await idsOf()).toEqual(["m1", "m1-answer", "m2", "m2-answer"]);
});

/** Says "Half", which readers get to see, and then its connection breaks: each time that it is called. */
function breakingModel(): LanguageModelV4 & { calls: number } {
  const isSeen = async (): Promise<boolean> => {
    const { entries } = await kept.read(STREAM, { after: 0, waitMs: 0 });
    return entries.filter(({ chunk }) => "delta" in chunk && chunk.delta === "Half").length >= model.calls;
  };
  const model = {
    ...scriptedModel([]),
    calls: 0,
    doStream: async ({ abortSignal }: Parameters<LanguageModelV4["doStream"]>[0]) => {
      model.calls += 1;
      return Promise.resolve({
        stream: new ReadableStream<LanguageModelV4StreamPart>({
          async start(controller) {
            controller.enqueue({ type: "stream-start", warnings: [] });
            controller.enqueue({ type: "text-start", id: "0" });
            controller.enqueue({ type: "text-delta", id: "0", delta: "Half" });
            while (abortSignal?.aborted !== true && !(await isSeen())) await new Promise((go) => setTimeout(go, 1));
            controller.error(new Error("The connection broke"));
          },
        }),
      });
    },
  };
  return model;
}

/** Cancelled in the attempt after the one that has said something; with `again` once more, at that length of the journal. */
async function cancelledInMidText(options: RunOptions = {}, again: readonly number[] = [], onCancel = (): void => {}) {
  const model = breakingModel();
  await start(model);
  const cancelAt: number[] = [];
  const onAttempt = (): void => {
    if (model.calls === 0 || cancelAt.length > 0) return;
    cancelAt.push(1, ...again);
    onCancel();
  };
  return session.run("send", { message: "One", turn: "m1" }, { cancelAt, onAttempt, maxFailures: 20, ...options });
}

/** What is known of the turn afterwards: in the history, for the model, and in its stream. */
async function leftOf() {
  const [, answer] = (await session.history()).messages;
  const model = (await session.history({ form: "model" })).messages.map(({ role }) => role);
  return { answer, model, stream: await messageOfStream(kept, STREAM) };
}

// On Workers an attempt that is told of the cancellation does not call the model: what the one before has said is there.
test("a turn that is cancelled in mid-text keeps what was said, wherever it dies then", async () => {
  const mode = "request-response";
  const whole = await cancelledInMidText({ mode });
  expect(whole.outcome).toMatchObject({ ok: false, error: { code: 409 } });
  expect(whole.journal.commands).toContain("run Support said");
  for (let length = 1; length <= whole.journal.events.length; length++) {
    await session.stop();
    kept = memoryStreamStore();
    const run = await cancelledInMidText({ mode, crashAt: [length] });
    expect(run.outcome).toMatchObject({ ok: false, error: { code: 409 } });
    expect(run.executions.get("Support said")).toBeLessThanOrEqual(2);
    const { answer, model, stream } = await leftOf();
    expect(answer).toMatchObject({ metadata: { interrupted: true } });
    expect(partsOf(answer)).toMatchObject([{ type: "step-start" }, { type: "text", text: "Half" }]);
    expect(partsOf(stream)).toEqual(partsOf(answer));
    expect(model).toEqual(["user", "assistant"]);
  }
});

describe.each(MODES)("a turn that is cancelled in mid-text, in mode %s", (mode) => {
  test("says the same in its stream and in the history, wherever it dies then", async () => {
    const { length } = (await cancelledInMidText({ mode })).journal.events;
    for (let at = 1; at <= length; at++) {
      await session.stop();
      kept = memoryStreamStore();
      expect((await cancelledInMidText({ mode, crashAt: [at] })).outcome).toMatchObject({ ok: false });
      const { answer, stream } = await leftOf();
      const told = partsOf(stream).filter((part) => JSON.stringify(part).includes("text"));
      expect(told).toEqual(partsOf(answer).filter((part) => JSON.stringify(part).includes("text")));
    }
  });

  test("and once more, anywhere, is noted all the same, and the next turn can go on", async () => {
    const { length } = (await cancelledInMidText({ mode })).journal.events;
    for (let again = 2; again <= length; again++) {
      await session.stop();
      kept = memoryStreamStore();
      const run = await cancelledInMidText({ mode }, [again]);
      expect(run.outcome).toMatchObject({ ok: false, error: { code: 409 } });
      expect(await idsOf()).toEqual(["m1", "m1-answer"]);
    }
  });
});

test("what a store that is away has of it is not waited for", async () => {
  const run = await cancelledInMidText({ maxFailures: 40 }, [], () => {
    isAway = (method) => method === "read";
  });
  expect(run.outcome).toMatchObject({ ok: false, error: { code: 409 } });
  const [, answer] = (await session.history()).messages;
  expect([partsOf(answer), answer]).toMatchObject([[], { metadata: { interrupted: true } }]);
});

const partsOf = (message: object | undefined): readonly unknown[] =>
  message !== undefined && "parts" in message ? (message.parts as readonly unknown[]) : [];

describe.each(MODES)("interrupting, in mode %s", (mode) => {
  /** `inv_1` ends when it has been asked (0 times pending), when it has been cancelled (1), or not at all (2). */
  const interrupted = async (pending: number, options: RunOptions = {}) => {
    await start();
    session.state = runningState("e1");
    let asked = 0;
    const calls = (): unknown => {
      asked += 1;
      return asked <= pending ? FAKE_PENDING : null;
    };
    return session.run("interrupt", {}, { mode, calls, ...options });
  };

  test.each([
    [0, "ended", 0],
    [1, "cancelled", 1],
    [2, "cancelled", 1],
  ] as const)("a turn that leaves %i times unanswered has %s", async (pending, result, cancels) => {
    const whole = await interrupted(pending);
    expect(whole.outcome).toEqual({ ok: true, value: { turn: "m1", result } });
    expect(whole.journal.commands.filter((command) => command === "cancel inv_1")).toHaveLength(cancels);
    expect(whole.executions.get("Support stop")).toBe(1);
    for (let length = 1; length <= whole.journal.events.length; length++) {
      await session.stop();
      kept = memoryStreamStore();
      const run = await interrupted(pending, { crashAt: [length] });
      expect(run.outcome).toMatchObject({ ok: true, value: { turn: "m1" } });
      expect(run.journal.commands.filter((command) => command === "cancel inv_1").length).toBeLessThanOrEqual(1);
      expect(run.executions.get("Support stop")).toBeLessThanOrEqual(2);
    }
  });

  test("of an invocation that failed, or is not known any more, is done", async () => {
    await start();
    session.state = runningState("e1");
    const calls = (): never => {
      throw new TerminalError("not found", { errorCode: 404 });
    };
    expect((await session.run("interrupt", {}, { mode, calls })).outcome).toEqual({
      ok: true,
      value: { turn: "m1", result: "ended" },
    });
  });
});
