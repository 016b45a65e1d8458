/** The Worker dies at random moments of turns with tools: effects happen once, and history and stream say the same. */
import { setTimeout as delay } from "node:timers/promises";
import { readUIMessageStream, type UIMessage, type UIMessageChunk } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answerIdOf, streamIdOf } from "../../src/session/session-info.ts";
import type { SessionMessage } from "../../src/session/session-types.ts";
import { IngressClient } from "../../src/ingress/ingress-client.ts";
import { restateStreamStore } from "../../src/stream/restate-stream-store.ts";
import type { StreamEntry, StreamStore } from "../../src/stream/stream-store.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { call } from "../e2e/lab-stack.ts";
import { type Conversation, promptOf, SessionStack } from "../e2e/session-stack.ts";
import { seedOf, shareOf } from "../thorough.ts";

const TRIALS = 24;
const TURN_TIMEOUT_MS = 60_000;
/** About as long as a turn takes. */
const TURN_MS = 1_200;
const ENDS = ["cancelled", "killed"] as const;
const ALL = { after: 0, waitMs: 0 };
const streamOf = ({ service, key }: Conversation, turn: string): string => streamIdOf(service, key, turn);

describe.each(["workerd", "deno"] as const)("turns on %s", (runtime) => {
  let stack: SessionStack;

  beforeAll(async () => {
    stack = await SessionStack.start(runtime);
    stack.effectMs = 30;
    stack.script = (request) => {
      if (promptOf(request).at(-1) === "user: talk") return { text: "word ".repeat(400), chunkDelayMs: 20 };
      const since = promptOf(request).findLastIndex((line) => line.startsWith("user"));
      const asked = promptOf(request)[since]?.slice("user: ".length) ?? "";
      const answered = promptOf(request).filter((line, index) => index > since && line.startsWith("result")).length;
      const text = `Step ${answered} of ${asked}. `.repeat(3);
      if (answered === 0)
        return { text, chunkDelayMs: 10, toolCalls: [call("book", `${asked}-a`), call("book", `${asked}-b`)] };
      if (answered === 2) return { text, chunkDelayMs: 10, toolCalls: [call("book", `${asked}-c`)] };
      return { text: `Done with ${asked}`, chunkDelayMs: 30 };
    };
  }, 60_000);
  afterAll(() => stack.stop());

  const trials = Array.from({ length: TRIALS }, (_, n) => n);
  test.each(shareOf(trials, 12, `session crashes on ${runtime}`))(
    "trial %i: killed in two of three turns",
    async (trial) => {
      const chat = stack.conversation();
      for (const turn of [0, 1, 2]) {
        const name = `${chat.key}-${turn}`;
        const id = await chat.begin(name, name);
        const deaths = turn === 1 ? [] : [seedOf(`${runtime} ${trial} ${turn}`) % TURN_MS];
        for (const ms of deaths) {
          await delay(ms);
          await stack.endpoint.restart();
        }
        expect(await stack.restate.attach(id, TURN_TIMEOUT_MS)).toMatchObject({
          status: 200,
          body: { turn: name, text: `Done with ${name}` },
        });
        await checkTurn(chat, name, deaths.length);
      }
      const users = (await chat.messages()).filter(({ role }) => role === "user");
      expect(users).toHaveLength(3);
      expect(promptOf(stack.openai.requests.at(-1)).filter((line) => line.startsWith("user"))).toHaveLength(3);
    },
    TURN_TIMEOUT_MS * 2,
  );

  test.each(shareOf(ENDS, 2, `ends of turns on ${runtime}`))(
    "%s in mid-text as the Worker dies: stream and history say the same, and the next turn goes on",
    async (how) => {
      const chat = stack.conversation();
      const id = await chat.begin("talk", "m1");
      const store = storeOf(chat);
      const said = async (): Promise<boolean> =>
        JSON.stringify(await store.read(streamOf(chat, "m1"), ALL)).includes("word");
      await waitUntil("Nothing is said", said, { everyMs: 20 });
      await (how === "cancelled" ? stack.restate.cancel(id) : stack.restate.killInvocation(id));
      await stack.endpoint.restart();
      expect((await stack.restate.attach(id, TURN_TIMEOUT_MS)).status).toBe(409);
      const name = `${chat.key}-next`;
      const next = await chat.begin(name, name);
      await stack.endpoint.restart();
      expect(await stack.restate.attach(next, TURN_TIMEOUT_MS)).toMatchObject({ body: { text: `Done with ${name}` } });
      const [, answer] = await chat.messages();
      expect(answer?.id).toBe(answerIdOf("m1"));
      const told = await readerOf(chat, "m1");
      expect(told?.metadata).toEqual(answer?.metadata);
      if (how === "cancelled") expect(told?.parts).toEqual(answer?.parts);
      expect(promptOf(stack.openai.requests.at(-1)).at(0)).toBe("user: talk");
    },
    TURN_TIMEOUT_MS * 2,
  );

  /** Each effect once; one that was under way at a death may have been repeated. Stream and history say the same. */
  async function checkTurn(chat: Conversation, turn: string, deaths: number): Promise<void> {
    const counts = ["a", "b", "c"].map((id) => stack.effects.count("book", `${turn}-${id}`));
    for (const count of counts) expect(count).toBeLessThanOrEqual(1 + deaths);
    // Two run side by side: no more than they were under way at one death.
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(3 + 2 * deaths);
    const message = (await chat.messages()).find(({ id }) => id === answerIdOf(turn));
    expect(message?.parts.filter(({ type }) => type === "step-start")).toHaveLength(3);
    expect(await readerOf(chat, turn)).toEqual(message);
  }

  function storeOf(chat: Conversation): StreamStore {
    const client = new IngressClient({ url: stack.restate.ingressUrl, encryption: stack.restate.encryption });
    return restateStreamStore(`${chat.service}.streams`, { ingress: () => client });
  }

  async function readerOf(chat: Conversation, turn: string): Promise<SessionMessage | undefined> {
    const store = storeOf(chat);
    const all: StreamEntry[] = [];
    for (let ended = false; !ended;) {
      const page = await store.read(streamOf(chat, turn), {
        after: all.at(-1)?.offset ?? 0,
        waitMs: 5_000,
      });
      all.push(...page.entries);
      ({ ended } = page);
      if (!page.exists) throw new Error(`The stream of ${turn} is not there`);
    }
    return lastMessage(all);
  }
});

/** What the AI SDK's own reader makes of the stream. */
async function lastMessage(entries: readonly StreamEntry[]): Promise<UIMessage | undefined> {
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const { chunk } of entries) controller.enqueue(chunk);
      controller.close();
    },
  });
  let last: UIMessage | undefined;
  for await (const message of readUIMessageStream({ stream })) last = message;
  return last;
}
