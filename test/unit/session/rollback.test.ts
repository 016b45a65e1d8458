/** A turn that does not come to its end undoes what it has done, and the next turn knows. */
import { afterEach, expect, test } from "vitest";
import { agentSession, CancelledError, memoryStreamStore } from "../../../src/index.ts";
import type { ModelScript } from "../../../src/testing/in-memory.ts";
import { call, travelAgent, World } from "../rollback/travel.ts";
import { FakeSession } from "./fake-session.ts";

let session: FakeSession;
let world: World;
afterEach(() => session.stop());

async function start(script: ModelScript): Promise<void> {
  world = new World(script);
  session = new FakeSession(
    agentSession("Trips", travelAgent(world, { toolErrors: "fail" }), { streams: memoryStreamStore() }),
  );
  await session.start();
}

const books: ModelScript = ({ prompt }, turn) => {
  if (JSON.stringify(prompt.at(-1)).includes("again")) return { text: "I see" };
  return [{ toolCalls: [call("book", "a")] }, { toolCalls: [call("book", "b")] }, { text: "Booked" }][turn] ?? {};
};
const lastPrompt = (): string => JSON.stringify(world.model.calls.at(-1)?.prompt);

test("a turn that is cancelled, wherever, undoes and tells the next turn", async () => {
  await start(books);
  const { journal } = await session.run("send", { message: "Book", turn: "whole" });
  await session.stop();
  const noted = new Set<string>();
  for (let cancelAt = 1; cancelAt <= journal.events.length; cancelAt++) {
    await start(books);
    const { outcome } = await session.run("send", { message: "Book", turn: "m1" }, { cancelAt });
    const last = (await session.history()).messages.at(-1) as { metadata?: { finishReason?: string } } | undefined;
    if (outcome.ok || last?.metadata?.finishReason === "stop") {
      // The turn had ended, and was in the history, when the cancellation came.
      expect([...world.booked]).toEqual(["a", "b"]);
    } else {
      expect(outcome.error).toBeInstanceOf(CancelledError);
      expect([...world.booked], `${cancelAt}: ${world.log.join()}`).toEqual([]);
      if (world.undone.length > 0) {
        await session.send("again?");
        expect(lastPrompt()).toContain("Undone: the turn did not come to its end");
        expect(lastPrompt()).not.toContain("booking a");
        const { messages } = await session.history();
        const assistant = messages.find(({ role }) => role === "assistant") as { metadata?: { rollback?: unknown } };
        expect(assistant.metadata?.rollback).toEqual({ undone: world.undone.length, notUndone: 0 });
        noted.add(world.undone.join());
      }
    }
    await session.stop();
  }
  expect([...noted].sort()).toEqual(["a", "b,a"]);
  await start(books);
});

test("a turn that fails says what could not be undone", async () => {
  await start(({ prompt }, turn) => {
    if (JSON.stringify(prompt.at(-1)).includes("again")) return { text: "I see" };
    return [{ toolCalls: [call("book", "a")] }, { toolCalls: [call("reject", "x")] }][turn] ?? {};
  });
  await session.stop();
  const undo = (): never => {
    throw new CancelledError();
  };
  session = new FakeSession(
    agentSession("Trips", travelAgent(world, { toolErrors: "fail", undo }), { streams: memoryStreamStore() }),
  );
  await session.start();
  const { outcome } = await session.run("send", { message: "Book", turn: "m1" });
  expect((outcome as { error: Error }).error.message).toBe(
    "No x (rolled back: 0 of 1 undone; not undone: travel undo book a)",
  );
  await session.send("again?");
  expect(lastPrompt()).toContain("could not be taken back");
  // Sent again, it fails as it did.
  const again = await session.run("send", { message: "Book", turn: "m1" });
  expect((again.outcome as { error: Error }).error.message).toContain("0 of 1 undone");
});

test("a turn that ends well undoes nothing", async () => {
  await start(books);
  await session.send("Book");
  expect(world.undone).toEqual([]);
});
