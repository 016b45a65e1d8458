/** What a turn uploads to the Worker does not grow with the conversation. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { THOROUGH } from "../thorough.ts";
import { call } from "./lab-stack.ts";
import { type Conversation, promptOf, SessionStack } from "./session-stack.ts";

const TURNS = 200;
const WORDS = "This sentence is what one turn adds to the conversation. ".repeat(8);

/** What Restate uploaded for one turn. */
interface Upload {
  /** All requests, of the session and of its companions. */
  readonly bytes: number;
  readonly requests: number;
  /** Of `send` alone. */
  readonly sendBytes: number;
}

describe("a conversation of 200 turns on workerd", () => {
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
      const sent = proxy.requests.filter(({ target }) => target.endsWith("/send"));
      const sum = (all: readonly { readonly bytes: number }[]): number => all.reduce((n, { bytes }) => n + bytes, 0);
      uploads.push({ bytes: sum(proxy.requests), requests: proxy.requests.length, sendBytes: sum(sent) });
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
    const figures = (["bytes", "sendBytes", "requests"] as const).map(
      (of) => `${of}: ${mean(first, of)} in turns 6–15, ${mean(last, of)} in turns ${TURNS - 9}–${TURNS}`,
    );
    console.log(`What Restate uploads for a turn with a tool: ${figures.join("; ")}`);
    expect(promptOf(stack.openai.requests.at(-1)).filter((line) => line.startsWith("user"))).toHaveLength(TURNS);
    expect(mean(last, "bytes")).toBeLessThan(mean(first, "bytes") * 1.1);
    expect(mean(last, "sendBytes")).toBeLessThan(mean(first, "sendBytes") * 1.1);
    expect(mean(last, "requests")).toBeLessThanOrEqual(mean(first, "requests") * 1.3);
    // One turn of the conversation is longer than all that a turn uploads besides its own message.
    expect(mean(last, "sendBytes")).toBeLessThan(WORDS.length * TURNS * 0.1);
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
