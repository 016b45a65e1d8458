/** A turn that does not come to its end undoes what it has done, and the next turn knows. */
import { isStepCount } from "ai";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import {
  agentSession,
  agentTool,
  CancelledError,
  contextTool,
  memoryStreamStore,
  onRollback,
  RestateAgent,
  restateContext,
  TerminalError,
} from "../../../src/index.ts";
import { type ModelScript, scriptedModel } from "../../../src/testing/in-memory.ts";
import { call, toolsOf, travelAgent, World } from "../rollback/travel.ts";
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

/** What the next turn is told of the calls of the last: `<tool> <id>: <result>`. */
const results = (): string[] =>
  (world.model.calls.at(-1)?.prompt ?? []).flatMap(({ role, content }) =>
    role !== "tool"
      ? []
      : content.flatMap((part) => {
          if (part.type !== "tool-result") return [];
          const { toolName, toolCallId, output } = part;
          const value = output.type === "text" || output.type === "error-text" ? output.value : output.type;
          return [`${toolName} ${toolCallId}: ${value.slice(0, 30)}`];
        }),
  );

/** Registers two compensations, of which `wont` is not possible. */
const hold = contextTool({
  inputSchema: z.object({ id: z.string() }),
  execute: async ({ id }) => {
    for (const part of ["car", "seat"]) {
      onRollback(`release the ${part}`, () => {
        if (id === "wont" && part === "seat") throw new TerminalError("gone");
        world.undo(`${id} ${part}`);
      });
    }
    await restateContext().run(`hold ${id}`, () => void world.log.push(`hold ${id}`));
    return `held ${id}`;
  },
});

/** A session whose agent books in tools, and in an agent in a tool. */
function family(script: ModelScript): FakeSession {
  world = new World(script);
  const model = scriptedModel([{ toolCalls: [call("book", "g")] }, { text: "the guide has booked" }]);
  const guide = new RestateAgent(
    { id: "guide", model, tools: toolsOf(world), stopWhen: isStepCount(5) },
    { toolOptions: { book: { onRollback: ({ input: { id } }) => world.undo(id) } } },
  );
  const agent = new RestateAgent(
    {
      id: "travel",
      model: world.model,
      tools: { ...toolsOf(world), hold, ask: agentTool(guide) },
      stopWhen: isStepCount(9),
    },
    { toolErrors: "fail" },
  );
  return new FakeSession(agentSession("Trips", agent, { streams: memoryStreamStore() }));
}

test("the next turn is told of what tools have registered, and agents in them have done, at the model's own calls", async () => {
  session = family(({ prompt }, turn) => {
    if (JSON.stringify(prompt.at(-1)).includes("again")) return { text: "I see" };
    return (
      [
        { toolCalls: [call("hold", "a"), call("look", "x"), call("hold", "wont")] },
        { toolCalls: [{ id: "g", name: "ask", input: { prompt: "Book" } }] },
        { toolCalls: [call("reject", "r")] },
      ][turn] ?? {}
    );
  });
  await session.start();
  const { outcome } = await session.run("send", { message: "Book", turn: "m1" });
  expect((outcome as { error: Error }).error.message).toBe(
    "No r (rolled back: 4 of 5 undone; not undone: travel rollback release the seat)",
  );
  await session.send("again?");
  expect(results().sort()).toEqual([
    "ask g: Undone: the turn did not come ",
    "hold a: Undone: the turn did not come ",
    "hold wont: The turn did not come to its e",
    "look x: seen x",
    expect.stringMatching(/^reject r: /),
  ]);
});

test("a call that registered something, and was cancelled, is told as undone too", async () => {
  const script: ModelScript = ({ prompt }, turn) => {
    if (JSON.stringify(prompt.at(-1)).includes("again")) return { text: "I see" };
    return [{ toolCalls: [call("hold", "a"), call("wait", "w")] }][turn] ?? {};
  };
  session = family(script);
  await session.start();
  const step = "run hold a";
  const { journal } = await session.run("send", { message: "Book", turn: "whole" });
  await session.stop();
  const at = journal.events.findIndex((event) => event.type === "command" && `run ${event.name}` === step) + 1;
  expect(at).toBeGreaterThan(0);
  session = family(script);
  await session.start();
  const { outcome } = await session.run("send", { message: "Book", turn: "m1" }, { cancelAt: at });
  expect((outcome as { error: unknown }).error).toBeInstanceOf(CancelledError);
  expect(world.undone).toEqual(["a seat", "a car"]);
  await session.send("again?");
  expect(results().sort()).toEqual([
    "hold a: Undone: the turn did not come ",
    expect.stringMatching(/^wait w: Interrupted/),
  ]);
});
