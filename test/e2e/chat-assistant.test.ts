/** The app's own assistant, without a model key: it knows the weather, and asks a person before it books. */
import type { UIMessage, UIMessageChunk } from "ai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createChatClient } from "../../src/client/index.ts";
import { type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { fold } from "../unit/routes/chat/fold.ts";
import { streamed, textOf } from "./chat-stack.ts";

const API_KEY = "key-of-the-assistant-tests";
let restate: RestateTestServer;
let worker: ServedEndpoint;

beforeAll(async () => {
  restate = await startRestate();
  worker = await serveWorker({
    entry: new URL("../../entry/worker.ts", import.meta.url).pathname,
    vars: {
      ENVIRONMENT: "development",
      RESTATE_INGRESS_URL: restate.ingressUrl,
      RESTATE_ADMIN_URL: restate.adminUrl,
      AGENT_API_KEYS: API_KEY,
    },
  });
  await restate.register(`${worker.url}/restate`, { http11: true });
}, 120_000);
afterAll(() => Promise.all([restate.stop(), worker.stop()]));

const say = (session: string, message: string): Promise<Response> =>
  fetch(`${worker.url}/chat/Assistant/${session}`, {
    method: "POST",
    headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ message, until: "end" }),
  });
const chats = () => createChatClient({ url: worker.url, agent: "Assistant", apiKey: API_KEY });

async function answerTo(
  session: string,
  message: string,
  onChunk: (chunk: UIMessageChunk) => void = () => undefined,
): Promise<UIMessage | undefined> {
  const { events } = await streamed(await say(session, message), ({ chunk }) => {
    onChunk(chunk);
    return false;
  });
  return fold(events.map(({ chunk }) => chunk));
}

test("it tells the weather, word by word", async () => {
  let deltas = 0;
  const startedAt = performance.now();
  const message = await answerTo(
    "w",
    "What is the weather in Berlin?",
    ({ type }) => (deltas += Number(type === "text-delta")),
  );
  expect(textOf(message)).toContain("city Berlin, temperatureC 14");
  expect(deltas).toBeGreaterThan(5);
  expect(performance.now() - startedAt).toBeGreaterThan(300);
});

test.each([
  [true, undefined, "status booked"],
  [false, "too far", "that was not allowed: too far"],
])("it books when a person says so: %s", async (approved, reason, said) => {
  const session = `b-${approved}`;
  let asked = 0;
  const message = await answerTo(session, "Book a trip to Lisbon", (chunk) => {
    if (chunk.type !== "tool-approval-request") return;
    asked += 1;
    void chats().answer(chunk.approvalId, { approved, reason });
  });
  expect(asked).toBe(1);
  expect(textOf(message)).toContain(said);
  expect(await chats().approvals(session)).toEqual([]);
});
