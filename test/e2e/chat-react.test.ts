/** The real `useChat` of `@ai-sdk/react` with the real server, with the AI SDK's own transport and with ours. */
import { type ChatTransport, DefaultChatTransport, isToolUIPart, type UIMessage } from "ai";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { chatTransport } from "../../src/client/index.ts";
import { turnOfConversation } from "../../src/testing/scripted-openai.ts";
import { plain } from "../unit/routes/chat/fold.ts";
import { ChatPage } from "./chat-page.ts";
import { API_KEY, ChatStack, textOf } from "./chat-stack.ts";

const TRANSPORTS = ["DefaultChatTransport", "chatTransport"] as const;
const COUNT = "one two three four five six seven eight nine ten";

let stack: ChatStack;
const pages: ChatPage[] = [];

beforeAll(async () => {
  stack = await ChatStack.start("workerd");
}, 120_000);
afterAll(() => stack.stop());
beforeEach(() => {
  stack.reset();
});
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.close()));
});

describe.each(TRANSPORTS)("useChat with %s", (kind) => {
  const transportOf = (): ChatTransport<UIMessage> =>
    kind === "chatTransport"
      ? chatTransport({ url: stack.endpoint.url, agent: "Chat", apiKey: API_KEY })
      : new DefaultChatTransport({
          api: `${stack.endpoint.url}/chat/Chat`,
          headers: { authorization: `Bearer ${API_KEY}` },
        });

  async function open(session: string, options: { resume?: boolean; load?: boolean } = {}): Promise<ChatPage> {
    const { resume = false, load = false } = options;
    const messages = load ? [...(await stack.messages(session))] : [];
    const page = new ChatPage({ session, transport: transportOf(), messages, resume });
    pages.push(page);
    return page;
  }

  /** The page shows what the history has. */
  async function expectHistory(page: ChatPage, session: string): Promise<void> {
    const history = await stack.messages(session);
    expect(plain(page.messages)).toEqual(plain([...history]));
    expect(page.errors).toEqual([]);
  }

  test("sends, streams and shows; the next message goes on", async () => {
    const session = stack.newSession();
    stack.script = ({ body }) => ({
      text: JSON.stringify(body).includes("And then") ? "Nothing more." : COUNT,
      chunkDelayMs: 20,
    });
    const page = await open(session);
    await page.send("Count");
    await page.until("Nothing streams", ({ shown }) => shown.startsWith("one two"));
    expect(page.shown.length).toBeLessThan(COUNT.length);
    await page.settled();
    expect(page.shown).toBe(COUNT);
    await page.send("And then?");
    await page.settled();
    expect(page.messages.map((message) => textOf(message))).toEqual(["Count", COUNT, "And then?", "Nothing more."]);
    await expectHistory(page, session);
    const prompt = JSON.stringify(stack.openai.requests.at(-1)?.body["input"]);
    expect([prompt.split("one two").length, prompt.split("And then").length]).toEqual([2, 2]);
  });

  test("a page that is loaded again in mid-stream shows the rest, once", async () => {
    const session = stack.newSession();
    stack.script = () => ({ text: COUNT, chunkDelayMs: 80 });
    const page = await open(session);
    await page.send("Count");
    await page.until("Nothing streams", ({ shown }) => shown.startsWith("one two"));
    await page.close();
    const again = await open(session, { load: true, resume: true });
    await again.until("Nothing streams", ({ shown }) => shown.startsWith("one two"));
    await again.settled();
    expect(again.shown).toBe(COUNT);
    await expectHistory(again, session);
    expect(stack.openai.count).toBe(1);
    const late = await open(session, { load: true, resume: true });
    await late.until("It is not shown", ({ shown }) => shown === COUNT);
    expect(late.chat.status).toBe("ready");
  });

  test("two tabs show the same", async () => {
    const session = stack.newSession();
    stack.script = () => ({ text: COUNT, chunkDelayMs: 60 });
    const one = await open(session);
    await one.send("Count");
    await one.until("Nothing streams", ({ shown }) => shown.startsWith("one"));
    const two = await open(session, { load: true, resume: true });
    await two.until("The other tab streams", ({ chat }) => chat.status === "streaming");
    await Promise.all([one.settled(), two.settled()]);
    expect(plain(one.messages)).toEqual(plain(two.messages));
    await expectHistory(two, session);
  });

  const asking = (session: string, ...ids: string[]) => {
    stack.script = (request) =>
      turnOfConversation(request) === 0
        ? {
            text: "I can book.",
            toolCalls: ids.map((id) => ({ id: `call_${id}`, name: "book", input: { id: `${session}-${id}` } })),
          }
        : { text: "Done as you said.", chunkDelayMs: 20 };
  };
  const waiting = (page: ChatPage): string[] =>
    (page.last?.parts ?? []).flatMap((part) =>
      isToolUIPart(part) && part.state === "approval-requested" ? [part.approval.id] : [],
    );

  test("a person approves, and the turn goes on in the same message", async () => {
    const session = stack.newSession();
    asking(session, "a");
    const page = await open(session);
    await page.send("Book a");
    await page.until("Nobody is asked", (now) => waiting(now).length === 1 && now.chat.status === "ready");
    expect(stack.effects.count("book", `${session}-a`)).toBe(0);
    expect((await stack.chats().approvals(session)).map(({ tool, input }) => [tool, input])).toEqual([
      ["book", { id: `${session}-a` }],
    ]);
    await page.chat.addToolApprovalResponse({ id: waiting(page)[0] ?? "", approved: true });
    await page.until("The turn does not go on", ({ shown }) => shown.includes("Done as you said."));
    await page.settled();
    expect(stack.effects.count("book", `${session}-a`)).toBe(1);
    expect(page.messages).toHaveLength(2);
    await expectHistory(page, session);
    expect(stack.openai.count).toBe(2);
  });

  test("two are asked for; one is denied with a reason, which the model is told", async () => {
    const session = stack.newSession();
    asking(session, "a", "b");
    const page = await open(session);
    await page.send("Book both");
    await page.until("Nobody is asked", (now) => waiting(now).length === 2 && now.chat.status === "ready");
    const [first = "", second = ""] = waiting(page);
    await page.chat.addToolApprovalResponse({ id: second, approved: false, reason: "too dear" });
    await page.chat.addToolApprovalResponse({ id: first, approved: true });
    await page.until("The turn does not go on", ({ shown }) => shown.includes("Done as you said."));
    await page.settled();
    expect([stack.effects.count("book", `${session}-a`), stack.effects.count("book", `${session}-b`)]).toEqual([1, 0]);
    expect(JSON.stringify(stack.openai.requests.at(-1)?.body["input"])).toContain("too dear");
    await expectHistory(page, session);
  });

  test("an approval that waits survives a reload", async () => {
    const session = stack.newSession();
    asking(session, "a");
    const page = await open(session);
    await page.send("Book a");
    await page.until("Nobody is asked", (now) => waiting(now).length === 1);
    await page.close();
    const again = await open(session, { load: true, resume: true });
    await again.until("Nobody is asked again", (now) => waiting(now).length === 1 && now.chat.status === "ready");
    await again.chat.addToolApprovalResponse({ id: waiting(again)[0] ?? "", approved: true });
    await again.until("The turn does not go on", ({ shown }) => shown.includes("Done as you said."));
    await again.settled();
    await expectHistory(again, session);
    expect(stack.effects.count("book", `${session}-a`)).toBe(1);
  });

  test("who answers too late sees what was decided", async () => {
    const session = stack.newSession();
    asking(session, "a");
    const page = await open(session);
    await page.send("Book a");
    await page.until("Nobody is asked", (now) => waiting(now).length === 1 && now.chat.status === "ready");
    const [approval] = await stack.chats().approvals(session);
    await stack.chats().answer(approval?.id ?? "", { approved: false, reason: "the boss says no" });
    await page.chat.addToolApprovalResponse({ id: waiting(page)[0] ?? "", approved: true });
    await page.until("The turn does not go on", ({ shown }) => shown.includes("Done as you said."));
    await page.settled();
    expect(stack.effects.count("book", `${session}-a`)).toBe(0);
    await expectHistory(page, session);
  });

  test("an answer cannot be forged: another conversation's approval, an edited input", async () => {
    const [mine, other] = [stack.newSession(), stack.newSession()];
    asking(other, "a");
    const page = await open(other);
    await page.send("Book a");
    await page.until("Nobody is asked", (now) => waiting(now).length === 1 && now.chat.status === "ready");
    const message = structuredClone(page.last) as UIMessage;
    for (const part of message.parts) {
      if (!isToolUIPart(part) || part.state !== "approval-requested") continue;
      Object.assign(part, {
        state: "approval-responded",
        input: { id: "everything" },
        approval: { ...part.approval, approved: true },
      });
    }
    const foreign = await stack.fetch(`/chat/Chat/${mine}`, { json: { messages: [message], messageId: message.id } });
    expect(foreign.status).toBe(404);
    const own = await stack.fetch(`/chat/Chat/${other}`, { json: { messages: [message], messageId: message.id } });
    await own.text();
    expect([stack.effects.count("book", "everything"), stack.effects.count("book", `${other}-a`)]).toEqual([0, 1]);
  });

  test("stop lets go of the stream, not of the turn", async () => {
    const session = stack.newSession();
    stack.script = () => ({ text: COUNT, chunkDelayMs: 60 });
    const page = await open(session);
    await page.send("Count");
    await page.until("Nothing streams", ({ shown }) => shown.startsWith("one two"));
    await page.chat.stop();
    await page.until("It still streams", ({ chat }) => chat.status === "ready");
    expect(page.shown.length).toBeLessThan(COUNT.length);
    await stack.isIdle(session);
    expect(textOf((await stack.messages(session)).at(-1))).toBe(COUNT);
    expect(page.errors).toEqual([]);
  });

  test("a failure is shown, masked, and the next message works", async () => {
    const session = stack.newSession();
    stack.script = () => ({ error: { status: 400, message: "the secret prompt was refused" } });
    const page = await open(session);
    await page.send("Hi");
    await page.until("No error", ({ chat }) => chat.status === "error");
    expect(page.chat.error?.message).toBe("An error occurred.");
    stack.script = () => ({ text: "Better now." });
    await page.send("Again");
    await page.until("No answer", ({ shown }) => shown === "Better now.");
    await page.settled();
  });

  test("a message may interrupt the turn that runs", async () => {
    const session = stack.newSession();
    stack.script = (request) => {
      const prompt = JSON.stringify(request.body["input"]);
      if (prompt.includes("Never mind")) return { text: "As you like." };
      return { text: "word ".repeat(300), chunkDelayMs: 20 };
    };
    const page = await open(session);
    await page.send("Talk");
    await page.until("Nothing streams", ({ shown }) => shown.startsWith("word word"));
    await page.send("Never mind", { mode: "interrupt" });
    await page.until("No answer", ({ shown }) => shown === "As you like.");
    await page.settled();
    await page.until("The first answer does not end", ({ messages }) => messages.length === 4);
    expect(plain([...(await stack.messages(session))]).map((message) => textOf(message).slice(0, 9))).toEqual([
      "Talk",
      "word word",
      "Never min",
      "As you li",
    ]);
  });
});

// The tool of the second one takes longer than the answer's head waits.
test.each([700, 6_000])(
  "a message is added to the turn that runs, and the page sees it there: %i ms",
  async (effectMs) => {
    const session = stack.newSession();
    stack.effectMs = effectMs;
    stack.script = (request) =>
      turnOfConversation(request) === 0 && !JSON.stringify(request.body).includes("And be quick")
        ? { text: "Looking.", toolCalls: [{ id: "call_1", name: "look", input: { id: `${session}-map` } }] }
        : { text: "Quickly done." };
    const page = new ChatPage({
      session,
      transport: chatTransport({ url: stack.endpoint.url, agent: "Chat", apiKey: API_KEY, mode: "steer" }),
    });
    pages.push(page);
    await page.send("Look");
    await page.until("Nothing streams", ({ shown }) => shown.startsWith("Looking."));
    await page.send("And be quick");
    const answer = (): UIMessage | undefined => page.messages.find(({ role }) => role === "assistant");
    await page.until("It does not end", () => textOf(answer()) === "Looking.|Quickly done.");
    expect(answer()?.parts.some((part) => part.type === "steering-message")).toBe(true);
    await stack.isIdle(session);
    const history = await stack.messages(session);
    expect(history).toHaveLength(2);
    expect(plain(answer())).toEqual(plain(history[1]));
    expect([stack.openai.count, stack.effects.count("look", `${session}-map`)]).toEqual([2, 1]);
  },
);

test("who adds a message hears what became of it, also when the turn takes it late", async () => {
  const session = stack.newSession();
  // Longer than the answer's head waits.
  stack.effectMs = 6_000;
  stack.script = (request) =>
    JSON.stringify(request.body).includes("And be quick")
      ? { text: "Quickly done." }
      : { text: "Looking.", toolCalls: [{ id: "call_1", name: "look", input: { id: `${session}-late` } }] };
  const page = new ChatPage({
    session,
    transport: chatTransport({ url: stack.endpoint.url, agent: "Chat", apiKey: API_KEY }),
  });
  pages.push(page);
  await page.send("Look");
  await page.until("Nothing streams", ({ shown }) => shown.startsWith("Looking."));
  const answer = await fetch(`${stack.endpoint.url}/chat/Chat/${session}`, {
    method: "POST",
    headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ message: "And be quick", mode: "steer" }),
  });
  expect([answer.status, answer.headers.get("x-turn")]).toEqual([200, null]);
  const told = await answer.text();
  expect(told).toMatch(/^data: \{"type":"data-steering","data":\{"id":"[^"]+","turn":"[^"]+"\},"transient":true\}$/m);
  expect(told).toContain("data: [DONE]");
  await page.until("It does not end", ({ shown }) => shown.endsWith("Quickly done."));
});

test("a broken connection is taken up where it was, without the page noticing", async () => {
  const session = stack.newSession();
  const text = COUNT.repeat(3);
  stack.script = () => ({ text, chunkDelayMs: 25 });
  let cuts = 0;
  const page = new ChatPage({
    session,
    transport: chatTransport({
      url: stack.endpoint.url,
      agent: "Chat",
      apiKey: API_KEY,
      retryDelayMs: 20,
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        if (response.body === null || cuts >= 4) return response;
        return new Response(response.body.pipeThrough(cutAfter(300 + cuts * 150, () => (cuts += 1))), response);
      },
    }),
  });
  pages.push(page);
  await page.send("Count");
  await page.until("No answer", ({ chat, shown }) => chat.status === "ready" && shown.length > 0);
  await page.settled();
  expect(page.shown).toBe(text);
  expect([cuts, page.errors, stack.openai.count]).toEqual([4, [], 1]);
  expect(plain(page.messages)).toEqual(plain([...(await stack.messages(session))]));
});

/** Breaks after so many bytes, in the middle of an event. */
function cutAfter(bytes: number, onCut: () => void): TransformStream<Uint8Array, Uint8Array> {
  let left = bytes;
  return new TransformStream({
    transform(chunk, controller) {
      if (chunk.length < left) {
        left -= chunk.length;
        controller.enqueue(chunk);
        return;
      }
      controller.enqueue(chunk.slice(0, left));
      onCut();
      controller.error(new TypeError("network error"));
    },
  });
}
