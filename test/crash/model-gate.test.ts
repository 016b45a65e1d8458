/**
 * A model step begins only when the one before it is durable, where somebody reads (`AgentRun.beforeModel`): readers cannot
 * take back an earlier step. Here the Worker dies, its results lost on the way, after a tool that runs ahead; and the model
 * says something else when it is asked again.
 */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitUntil } from "../../src/testing/wait.ts";
import { turnOfConversation } from "../../src/testing/scripted-openai.ts";
import { fold, plain } from "../unit/routes/chat/fold.ts";
import { ChatStack, streamed, textOf } from "../e2e/chat-stack.ts";
import { type HoldingProxy, startHoldingProxy } from "./holding-proxy.ts";

/** How long a second model call may take to come while the first one's result is on its way, in milliseconds. */
const AHEAD_MS = 4_000;
/** Until what the second one has said is with the store. */
const SAID_MS = 800;

let stack: ChatStack;
let proxy: HoldingProxy;

beforeAll(async () => {
  stack = await ChatStack.start("workerd");
  proxy = await startHoldingProxy(stack.endpoint.url);
  await stack.restate.register(`${proxy.url}/restate`, { http11: true });
}, 120_000);
afterAll(async () => {
  await stack.stop();
  await proxy.close();
});

test("who read a step whose result was lost reads what the journal has in the end", async () => {
  const session = stack.newSession();
  let asked = 0;
  let second = 0;
  stack.script = (request) => {
    asked += 1;
    if (turnOfConversation(request) === 0) {
      if (asked === 1) proxy.held = "/Ahead/send";
      const call = { id: `call_${asked}`, name: "look", input: { id: `${session}-${asked}` } };
      return { text: `Answer ${asked}.`, toolCalls: [call] };
    }
    second += 1;
    // Said slowly, so that readers have seen it begin when the Worker dies.
    return { text: "And so on and on and on, for quite a while.", chunkDelayMs: 100 };
  };
  const body = { messages: [{ id: "m1", role: "user", parts: [{ type: "text", text: "Go" }] }] };
  const sent = await stack.fetch(`/chat/Ahead/${session}`, { json: body });
  void sent.text().catch(() => undefined);
  await waitUntil("The tool does not run", () => stack.effects.count("look", `${session}-1`) === 1, {
    timeoutMs: 30_000,
  });
  // With the gate it does not come: its place is behind an acknowledgement that is on its way.
  await waitUntil("", () => second > 0, { timeoutMs: AHEAD_MS }).catch(() => undefined);
  await delay(SAID_MS);
  await stack.endpoint.kill();
  proxy.held = undefined;
  await stack.endpoint.start();
  await waitUntil("The model is not asked again", () => asked > 1, { timeoutMs: 60_000 });
  await stack.isIdle(session, "Ahead");
  const history = await stack.messages(session, "Ahead");
  // The first answer was lost with its Worker.
  expect(textOf(history[1])).toMatch(/^Answer (?!1\.)\d+\.\|And so on/);
  const { events } = await streamed(await stack.fetch(`/chat/Ahead/${session}/stream?turn=m1`));
  expect(plain(await fold(events.map(({ chunk }) => chunk)))).toEqual(plain(history[1]));
}, 180_000);
