/** Messages for a running turn on the fake of Restate: whoever dies, none is lost, and none is there twice. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { RestateAgent, TerminalError } from "../../../src/index.ts";
import { agentSession } from "../../../src/session/agent-session.ts";
import { headSerde } from "../../../src/session/session-head.ts";
import type { TakenMessage } from "../../../src/session/steering/inbox-object.ts";
import { memoryStreamStore } from "../../../src/stream/memory-stream-store.ts";
import { type FakeMode, scriptedModel } from "../../../src/testing/in-memory.ts";
import { FakeSession, valueOf } from "./fake-session.ts";

let session: FakeSession;
const MODES: readonly FakeMode[] = ["bidirectional", "request-response"];

beforeEach(async () => {
  const agent = new RestateAgent({ id: "support", model: scriptedModel(() => ({ text: "ok" })) });
  session = new FakeSession(agentSession("Support", agent, { streams: memoryStreamStore() }));
  await session.start();
});
afterEach(() => session.stop());

const message = (id: string) => ({ id, role: "user" as const, parts: [{ type: "text" as const, text: `Word ${id}` }] });
const inbox = async (handler: string, input: unknown) => session.runOn("Support.inbox", handler, input);
const add = (id: string, turn: string, invocationId?: string) =>
  inbox("add", { turn, invocationId, message: message(id), awakeable: `waits-${id}` });
const take = async (turn: string): Promise<string[]> =>
  (valueOf(await inbox("take", { turn, after: 0 })) as TakenMessage[]).map((one) => one.message.id);

test("with the first message for a turn somebody is sent who waits for its end, and once only", async () => {
  const adopts = async (...given: Parameters<typeof add>): Promise<number> =>
    (await add(...given)).journal.commands.filter((command) => command === "send Support/c1/adopt").length;
  expect(await adopts("s1", "m1", "inv_1")).toBe(1);
  expect(await adopts("s2", "m1", "inv_1")).toBe(0);
  expect(await adopts("s1", "m1", "inv_1")).toBe(0);
  expect(await adopts("s3", "m2", "inv_2")).toBe(1);
  expect(await adopts("s4", "m3")).toBe(0);
  // One that comes when the turn has ended and all of it has been looked after.
  await inbox("close", { invocationId: "inv_1" });
  expect(await adopts("s5", "m1", "inv_1")).toBe(1);
});

test("what a turn has not told the fate of stays until it is closed, whoever takes meanwhile; and is closed once", async () => {
  await add("s1", "m1", "inv_1");
  expect(await take("m1")).toEqual(["s1"]);
  await add("s2", "m1", "inv_1");
  await add("s3", "m2", "inv_2");
  expect(await take("m2")).toEqual(["s3"]);
  const close = async () => valueOf(await inbox("close", { invocationId: "inv_1" }));
  expect(await close()).toMatchObject([
    { message: { id: "s1" }, awakeables: ["waits-s1"] },
    { message: { id: "s2" }, awakeables: ["waits-s2"] },
  ]);
  expect(await close()).toEqual([]);
  expect(await take("m2")).toEqual(["s3"]);
});

test("what older versions have added goes when another turn takes", async () => {
  await add("s1", "m1");
  expect(await take("m1")).toEqual(["s1"]);
  expect(await take("m2")).toEqual([]);
  expect(await take("m1")).toEqual([]);
});

test.each(MODES)(
  "what is left of a turn becomes turns, what a turn has does not; wherever it dies: %s",
  async (mode) => {
    await session.send({ message: message("known"), turn: "known" });
    const { state } = session;
    const left = ["known", "s1", "s2"].map((id, place) => ({
      place,
      message: message(id),
      awakeables: [`waits-${id}`],
    }));
    const calls = (target: string): unknown => {
      if (target.endsWith("/close")) return left;
      throw new TerminalError("killed", { errorCode: 409 });
    };
    const run = (crashAt: number[]) => session.run("adopt", { invocationId: "inv_1" }, { mode, calls, crashAt });
    const whole = await run([]);
    const commands = whole.journal.commands.filter((command) => !command.startsWith("get "));
    expect(commands).toEqual([
      "attach inv_1",
      "call Support.inbox/c1/close",
      "complete-awakeable waits-known",
      "send Support/c1/send",
      "run Support sent 1",
      "complete-awakeable waits-s1",
      "send Support/c1/send",
      "run Support sent 2",
      "complete-awakeable waits-s2",
    ]);
    for (let at = 1; at <= whole.journal.events.length; at += 1) {
      session.state = state;
      const { outcome, journal } = await run([at]);
      expect([outcome.ok, journal.commands]).toEqual([true, whole.journal.commands]);
    }
  },
);

test.each(MODES)("a sender that is cancelled anywhere takes its message back: %s", async (mode) => {
  await session.send({ message: message("m0"), turn: "m0" });
  const running = { turn: "m1", slot: 1, invocationId: "inv_1", startedAt: "2026-01-01T00:00:00.000Z" };
  const head = headSerde.deserialize(session.state.get("head") ?? new Uint8Array());
  const withRunning = headSerde.serialize({ ...head, running: { ...running, message: message("m1") } });
  session.state = new Map([...session.state, ["head", withRunning]]);
  const run = (cancelAt: number) =>
    session.run(
      "steer",
      { message: message("s1"), id: "s1" },
      { mode, cancelAt, signals: () => ({ delivered: true }) },
    );
  let takenBack = 0;
  for (let at = 1; at <= 12; at += 1) {
    const { outcome, journal } = await run(at);
    const commands = journal.commands.filter((command) => command.includes("Support.inbox"));
    if (outcome.ok || !commands.includes("call Support.inbox/c1/add")) continue;
    // Cancelled when its turn had ended, it was taken back already.
    if (commands.includes("call Support.inbox/c1/remove")) continue;
    takenBack += 1;
    expect(commands).toContain("send Support.inbox/c1/remove");
  }
  expect(takenBack).toBeGreaterThan(0);
});
