/** Messages that are edited and turns that are run again, with the real `useChat`; ids that were used before a deletion. */
import { DefaultChatTransport, type UIMessage } from "ai";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { plain } from "../unit/routes/chat/fold.ts";
import { ChatPage } from "./chat-page.ts";
import { API_KEY, ChatStack, streamed, textOf } from "./chat-stack.ts";

let stack: ChatStack;
const pages: ChatPage[] = [];

beforeAll(async () => {
  stack = await ChatStack.start("workerd");
}, 120_000);
afterAll(() => stack.stop());
beforeEach(() => {
  stack.reset();
  let n = 0;
  stack.script = () => ({ text: `Answer ${++n}`, chunkDelayMs: 10 });
});
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.close()));
});

function open(session: string): ChatPage {
  const transport = new DefaultChatTransport<UIMessage>({
    api: `${stack.endpoint.url}/chat/Chat`,
    headers: { authorization: `Bearer ${API_KEY}` },
  });
  const page = new ChatPage({ session, transport });
  pages.push(page);
  return page;
}

const prompt = (): string => JSON.stringify(stack.openai.requests.at(-1)?.body["input"]);
const textsOf = (messages: readonly UIMessage[]): string[] => messages.map((message) => textOf(message));
const idOf = (page: ChatPage, text: string): string => page.messages.find((one) => textOf(one) === text)?.id ?? "";

async function says(page: ChatPage, text: string, answer: string): Promise<void> {
  await page.send(text);
  await page.until("No answer", ({ shown }) => shown === answer);
  await page.settled();
}

async function expectHistory(page: ChatPage, session: string): Promise<void> {
  await stack.isIdle(session);
  expect(plain(page.messages)).toEqual(plain([...(await stack.messages(session))]));
  expect(page.errors).toEqual([]);
}

describe("useChat", () => {
  test("edits a message: the conversation goes on from there", async () => {
    const session = stack.newSession();
    const page = open(session);
    await says(page, "One", "Answer 1");
    await says(page, "Two", "Answer 2");
    await says(page, "Three", "Answer 3");
    void page.chat.sendMessage({ text: "Deux", messageId: idOf(page, "Two") });
    await page.until("No answer", ({ shown }) => shown === "Answer 4");
    await page.settled();
    expect(textsOf(page.messages)).toEqual(["One", "Answer 1", "Deux", "Answer 4"]);
    expect([prompt().includes("Two"), prompt().includes("Three"), prompt().includes("Deux")]).toEqual([
      false,
      false,
      true,
    ]);
    await expectHistory(page, session);
    await says(page, "Quatre", "Answer 5");
    // And once more the one that was edited, which has kept its id.
    void page.chat.sendMessage({ text: "Two", messageId: idOf(page, "Deux") });
    await page.until("No answer", ({ shown }) => shown === "Answer 6");
    await page.settled();
    expect(textsOf(page.messages)).toEqual(["One", "Answer 1", "Two", "Answer 6"]);
    await expectHistory(page, session);
  });

  test("edits an earlier message without changing it: the conversation goes on from there, too", async () => {
    const session = stack.newSession();
    const page = open(session);
    await says(page, "One", "Answer 1");
    await says(page, "Two", "Answer 2");
    void page.chat.sendMessage({ text: "One", messageId: idOf(page, "One") });
    await page.until("No answer", ({ shown }) => shown === "Answer 3");
    await page.settled();
    expect(textsOf(page.messages)).toEqual(["One", "Answer 3"]);
    await expectHistory(page, session);
  });

  test("runs an earlier turn again", async () => {
    const session = stack.newSession();
    const page = open(session);
    await says(page, "One", "Answer 1");
    await says(page, "Two", "Answer 2");
    void page.chat.regenerate({ messageId: page.messages[1]?.id ?? "" });
    await page.until("No answer", ({ shown }) => shown === "Answer 3");
    await page.settled();
    expect(textsOf(page.messages)).toEqual(["One", "Answer 3"]);
    await expectHistory(page, session);
  });

  test("edits the message that is being answered: it waits, or interrupts, as the mode says", async () => {
    for (const mode of ["queue", "interrupt"]) {
      const session = stack.newSession();
      stack.openai.reset();
      stack.script = ({ body }) =>
        JSON.stringify(body["input"]).includes("Deux")
          ? { text: "Short." }
          : { text: "word ".repeat(mode === "queue" ? 40 : 400), chunkDelayMs: 20 };
      const page = open(session);
      await page.send("Two");
      await page.until("Nothing streams", ({ shown }) => shown.startsWith("word word"));
      const id = idOf(page, "Two");
      await page.chat.stop();
      void page.chat.sendMessage({ text: "Deux", messageId: id }, { body: { mode } });
      await page.until("No answer", ({ shown }) => shown === "Short.");
      await page.settled();
      await expectHistory(page, session);
      expect(textsOf(page.messages)).toEqual(["Deux", "Short."]);
    }
  });
});

const post = (session: string, text: string, id: string, more: object = {}): Promise<Response> =>
  stack.fetch(`/chat/Chat/${session}`, {
    json: { messages: [{ id, role: "user", parts: [{ type: "text", text }] }], ...more },
  });
async function answerOf(response: Response): Promise<string> {
  const { events } = await streamed(response);
  return events.flatMap(({ chunk }) => (chunk.type === "text-delta" ? [chunk.delta] : [])).join("");
}

describe("an edit that is posted", () => {
  test("twice is one turn; after others it is another one; of an unknown message it is 404", async () => {
    const session = stack.newSession();
    expect(await answerOf(await post(session, "One", "m1"))).toBe("Answer 1");
    const edit = (text: string): Promise<Response> => post(session, text, "m1", { messageId: "m1" });
    const both = await Promise.all([edit("Uno"), edit("Uno")].map(async (one) => answerOf(await one)));
    expect(both).toEqual(["Answer 2", "Answer 2"]);
    expect(await answerOf(await edit("Uno"))).toBe("Answer 2");
    expect(await answerOf(await edit("Eins"))).toBe("Answer 3");
    expect(await answerOf(await edit("Uno"))).toBe("Answer 4");
    expect(stack.openai.count).toBe(4);
    expect(textsOf(await stack.messages(session))).toEqual(["Uno", "Answer 4"]);
    const unknown = await post(session, "Two", "m2", { messageId: "m2" });
    expect([unknown.status, ((await unknown.json()) as { code: string }).code]).toEqual([404, "not-found"]);
  });
});

describe("after a conversation was deleted", () => {
  test("a message whose id was used then is answered anew, once, however often it is posted", async () => {
    const session = stack.newSession();
    for (const life of [1, 2, 3]) {
      const answers = await Promise.all([1, 2, 3].map(async () => answerOf(await post(session, `Life ${life}`, "m1"))));
      expect(new Set(answers)).toEqual(new Set([`Answer ${life}`]));
      expect(await answerOf(await post(session, `Life ${life}`, "m1"))).toBe(`Answer ${life}`);
      expect(stack.openai.count).toBe(life);
      expect(textsOf(await stack.messages(session))).toEqual([`Life ${life}`, `Answer ${life}`]);
      const [, answer] = await stack.messages(session);
      const turn = answer?.id.replace(/-answer$/, "") ?? "";
      const named = await stack.fetch(`/chat/Chat/${session}/stream?turn=${turn}`);
      expect(await answerOf(named)).toBe(`Answer ${life}`);
      const deleted = await stack.fetch(`/chat/Chat/${session}`, { method: "DELETE" });
      expect(deleted.status).toBe(204);
      expect(await stack.messages(session)).toEqual([]);
    }
  });

  test("a message for a running turn whose id was used then reaches the model, once", async () => {
    const session = stack.newSession();
    for (const life of [1, 2, 3]) {
      const steer = () => post(session, `Life ${life}`, "s1", { mode: "steer" });
      const answers = await Promise.all([1, 2].map(async () => answerOf(await steer())));
      expect(new Set(answers)).toEqual(new Set([`Answer ${life}`]));
      expect(await answerOf(await steer())).toBe(`Answer ${life}`);
      expect(stack.openai.count).toBe(life);
      expect(textsOf(await stack.messages(session))).toEqual([`Life ${life}`, `Answer ${life}`]);
      expect((await stack.fetch(`/chat/Chat/${session}`, { method: "DELETE" })).status).toBe(204);
    }
  });
});
