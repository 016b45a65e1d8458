/** Forgetting a conversation on the fake of Restate: all of its streams go, whatever happens meanwhile. */
import { afterEach, expect, test } from "vitest";
import { RestateAgent } from "../../../src/index.ts";
import { agentSession } from "../../../src/session/agent-session.ts";
import { memoryStreamStore } from "../../../src/stream/memory-stream-store.ts";
import type { StreamStore } from "../../../src/stream/stream-store.ts";
import { type FakeMode, scriptedModel } from "../../../src/testing/in-memory.ts";
import { FakeSession } from "./fake-session.ts";

const TURNS = 30;
let session: FakeSession;
let kept: StreamStore;
let failures = 0;

async function start(): Promise<void> {
  kept = memoryStreamStore();
  failures = 0;
  const streams: StreamStore = {
    append: (...given) => kept.append(...given),
    end: (...given) => kept.end(...given),
    read: (...given) => kept.read(...given),
    stop: (...given) => kept.stop(...given),
    remove: async (stream) => {
      if (failures-- > 0) throw new Error("The store is away");
      await kept.remove(stream);
    },
  };
  const agent = new RestateAgent({ id: "support", model: scriptedModel(() => ({ text: "ok" })) });
  session = new FakeSession(agentSession("Support", agent, { streams }));
  await session.start();
  for (let n = 1; n <= TURNS; n += 1) await session.send({ message: "Hi", turn: `m${n}` });
  // Turns that are no part of the conversation any more have streams, too.
  await session.send({ message: "Ho", replaces: "m5", turn: "e1" });
}

const left = async (): Promise<string[]> => {
  const ids = ["e1", ...Array.from({ length: TURNS }, (_, n) => `m${n + 1}`)];
  const pages = await Promise.all(ids.map((id) => kept.read(`Support/c1/${id}`, { after: 0, waitMs: 0 })));
  return ids.filter((_, index) => pages[index]?.exists);
};

afterEach(() => session.stop());

test("all streams go, so many in a step; the state goes, and the inbox and the open calls are told", async () => {
  await start();
  expect(await left()).toHaveLength(TURNS + 1);
  const { outcome, journal, state } = await session.run("reset");
  expect(outcome.ok).toBe(true);
  expect(await left()).toEqual([]);
  expect(state.size).toBe(0);
  expect(journal.commands.slice(-4)).toEqual([
    "send Support.inbox/c1/forget",
    "send Support.calls/c1/forget",
    "run Support forget",
    "run Support forget 2",
  ]);
});

test.each<FakeMode>(["bidirectional", "request-response"])("wherever it dies: %s", async (mode) => {
  await start();
  const before = session.state;
  const { length } = (await session.run("reset", undefined, { mode })).journal.events;
  for (let at = 1; at < length; at += 2) {
    await session.stop();
    await start();
    const { outcome, state } = await session.run("reset", undefined, { mode, crashAt: [at] });
    expect([outcome.ok, state.size, await left()]).toEqual([true, 0, []]);
  }
  expect(before.size).toBeGreaterThan(TURNS);
});

test("a store that is away for a moment forgets all the same; one that stays away keeps nobody", async () => {
  await start();
  failures = 3;
  expect((await session.run("reset")).outcome.ok).toBe(true);
  expect(await left()).toEqual([]);
  await session.stop();
  await start();
  failures = Infinity;
  const { outcome, state, logs } = await session.run("reset", undefined, { maxFailures: 30 });
  expect([outcome.ok, state.size]).toEqual([true, 0]);
  expect(logs.join()).toContain("were not removed");
});

test("what a killed turn has left of calls for the client goes, too", async () => {
  await start();
  const call = { turn: "m1", toolCallId: "t1", awakeable: "sign_1" };
  expect((await session.runOn("Support.calls", "open", call)).state.size).toBe(1);
  expect((await session.runOn("Support.calls", "forget", null)).state.size).toBe(0);
});
