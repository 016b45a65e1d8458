/** What a turn uploads to the Worker does not grow with the conversation. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { THOROUGH } from "../thorough.ts";
import { call } from "./lab-stack.ts";
import { type Conversation, promptOf, SessionStack } from "./session-stack.ts";

const TURNS = THOROUGH ? 200 : 100;
const WORDS = "This sentence is what one turn adds to the conversation. ".repeat(8);

/** What Restate uploaded for one turn, in bytes. */
interface Upload {
  /** To the session itself. */
  readonly session: number;
  /** To the object with its stream: it depends on how fast the answer comes, and knows nothing of other turns. */
  readonly stream: number;
  /** All requests. */
  readonly requests: number;
}

describe(`a conversation of ${TURNS} turns on workerd`, () => {
  let stack: SessionStack;

  beforeAll(async () => {
    stack = await SessionStack.start("workerd");
  });
  afterAll(() => stack.stop());

  /** Uploads of the turns `from` to `to` of a conversation, which call a tool; those before them do not. */
  async function uploadsOf(chat: Conversation, from: number, to: number): Promise<Upload[]> {
    const proxy = stack.proxy;
    if (proxy === undefined) throw new Error("Workers are behind the proxy");
    const uploads: Upload[] = [];
    for (let turn = from; turn <= to; turn++) {
      proxy.requests.length = 0;
      await chat.say(`Book ${turn}: ${WORDS}`, `t${turn}`);
      const bytesOf = (isMeant: (target: string) => boolean): number =>
        proxy.requests.reduce((sum, { target, bytes }) => sum + (isMeant(target) ? bytes : 0), 0);
      const isStream = (target: string): boolean => target.startsWith("Chat.streams/");
      uploads.push({
        session: bytesOf((target) => !isStream(target)),
        stream: bytesOf(isStream),
        requests: proxy.requests.length,
      });
    }
    return uploads;
  }

  const mean = (uploads: readonly Upload[], of: keyof Upload): number =>
    Math.round(uploads.reduce((sum, upload) => sum + upload[of], 0) / uploads.length);

  test("uploads as much in its last turns as in its first", async () => {
    stack.script = (request) =>
      promptOf(request).at(-1)?.startsWith("user: Book") === true
        ? { text: WORDS, toolCalls: [call("book", "a")] }
        : { text: WORDS };
    const chat = stack.conversation();
    for (let turn = 1; turn <= 5; turn++) await chat.say(`Turn ${turn}: ${WORDS}`, `t${turn}`);
    const first = await uploadsOf(chat, 6, 15);
    for (let turn = 16; turn <= TURNS - 10; turn++) await chat.say(`Turn ${turn}: ${WORDS}`, `t${turn}`);
    const last = await uploadsOf(chat, TURNS - 9, TURNS);
    const figures = (["session", "stream", "requests"] as const).map(
      (of) => `${of}: ${mean(first, of)} in turns 6–15, ${mean(last, of)} in turns ${TURNS - 9}–${TURNS}`,
    );
    console.log(`What Restate uploads for a turn with a tool: ${figures.join("; ")}`);
    expect(promptOf(stack.openai.requests.at(-1)).filter((line) => line.startsWith("user"))).toHaveLength(TURNS);
    expect(mean(last, "session")).toBeLessThan(mean(first, "session") * 1.1);
    expect(mean(last, "stream")).toBeLessThan(mean(first, "stream") * 2);
    // The conversation is many times longer than what a turn uploads.
    expect(mean(last, "session")).toBeLessThan(WORDS.length * TURNS * 0.25);
  }, 600_000);

  test.runIf(THOROUGH)("a cold isolate reads the past once, not with each request", async () => {
    const chat = stack.conversation("Chat");
    stack.script = () => ({ text: WORDS });
    for (let turn = 0; turn < 60; turn++) await chat.say(`Turn ${turn}: ${WORDS}`);
    await stack.endpoint.restart();
    const requests = stack.proxy?.requests ?? [];
    requests.length = 0;
    await chat.say("Last");
    const past = requests.filter(({ target }) => target.endsWith("/turns"));
    expect(past.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(60 * WORDS.length);
    const sent = requests.filter(({ target }) => target.endsWith("/send"));
    expect(sent.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(60 * WORDS.length * 0.2);
  });
});
