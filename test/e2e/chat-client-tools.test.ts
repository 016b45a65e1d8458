/** Tools that the page executes: the real `useChat` of `@ai-sdk/react` with the real server, and what others may not do. */
import { DefaultChatTransport, isToolUIPart, type UIMessage } from "ai";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { turnOfConversation } from "../../src/testing/scripted-openai.ts";
import { plain } from "../unit/routes/chat/fold.ts";
import { ChatPage, type PageOptions } from "./chat-page.ts";
import { API_KEY, ChatStack, streamed } from "./chat-stack.ts";

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

const calls = (...toolCalls: { id: string; name: string; input: object }[]): void => {
  stack.script = (request) =>
    turnOfConversation(request) === 0
      ? { text: "One moment.", toolCalls }
      : { text: "You are at 52.", chunkDelayMs: 20 };
};
const locate = (id: string) => ({ id, name: "locate", input: { city: id } });

type Opened = Partial<Pick<PageOptions, "execute" | "resume">> & { readonly load?: boolean };

async function open(session: string, { execute, resume = false, load = false }: Opened = {}): Promise<ChatPage> {
  const transport = new DefaultChatTransport<UIMessage>({
    api: `${stack.endpoint.url}/chat/Chat`,
    headers: { authorization: `Bearer ${API_KEY}` },
  });
  const messages = load ? [...(await stack.messages(session))] : [];
  const page = new ChatPage({ session, transport, messages, resume, execute });
  pages.push(page);
  return page;
}

const statesOf = (message: UIMessage | undefined): unknown[] =>
  (message?.parts ?? []).flatMap((part) => (isToolUIPart(part) ? [part.state] : []));

const waits = ({ last, chat }: ChatPage): boolean =>
  chat.status === "ready" && statesOf(last).includes("input-available");

async function expectHistory(page: ChatPage, session: string): Promise<void> {
  await stack.isIdle(session);
  expect(plain(page.messages)).toEqual(plain([...(await stack.messages(session))]));
  expect(page.errors).toEqual([]);
}

const outputsTold = (): string => JSON.stringify(stack.openai.requests.at(-1)?.body["input"]);

describe("useChat", () => {
  test("executes a call, and the turn goes on in the same message", async () => {
    const session = stack.newSession();
    calls(locate("call_1"));
    const page = await open(session, { execute: () => ({ lat: 52 }) });
    await page.send("Where am I?");
    await page.until("The turn does not go on", ({ shown }) => shown.includes("You are at 52."));
    await page.settled();
    expect(page.executed).toEqual(["call_1"]);
    expect(page.messages).toHaveLength(2);
    expect(outputsTold()).toContain('\\"lat\\":52');
    await expectHistory(page, session);
    expect(stack.openai.count).toBe(2);
  });

  test("an error is told to the model", async () => {
    const session = stack.newSession();
    calls(locate("call_1"));
    const page = await open(session, { execute: () => new Error("No GPS here") });
    await page.send("Where am I?");
    await page.until("The turn does not go on", ({ shown }) => shown.includes("You are at 52."));
    await page.settled();
    expect(outputsTold()).toContain("No GPS here");
    await expectHistory(page, session);
  });

  test("an output that does not fit its schema is an error for the model, and the page sees that", async () => {
    const session = stack.newSession();
    calls(locate("call_1"));
    const page = await open(session, { execute: () => ({ lat: "north" }) });
    await page.send("Where am I?");
    await page.until("The turn does not go on", ({ shown }) => shown.includes("You are at 52."));
    await page.settled();
    expect(statesOf(page.last)).toEqual(["output-error"]);
    expect(outputsTold()).toContain("does not fit its schema");
    await expectHistory(page, session);
  });

  test("two calls, a tool that runs on the server and an approval in one step", async () => {
    const session = stack.newSession();
    const id = `${session}-x`;
    calls(
      locate("call_1"),
      locate("call_2"),
      { id: "call_3", name: "look", input: { id } },
      {
        id: "call_4",
        name: "book",
        input: { id },
      },
    );
    const page = await open(session, { execute: ({ input }) => ({ lat: (input as { city: string }).city.length }) });
    await page.send("Do all of it");
    const asked = (): string | undefined =>
      page.last?.parts.flatMap((part) =>
        isToolUIPart(part) && part.state === "approval-requested" ? [part.approval.id] : [],
      )[0];
    await page.until("Nobody is asked", () => asked() !== undefined && page.chat.status === "ready");
    expect(page.executed.toSorted()).toEqual(["call_1", "call_2"]);
    await page.chat.addToolApprovalResponse({ id: asked() ?? "", approved: true });
    await page.until("The page does not go on", ({ chat }) => chat.status !== "ready");
    await page.until("The turn does not go on", ({ shown }) => shown.includes("You are at 52."));
    await page.settled();
    expect([stack.effects.count("look", id), stack.effects.count("book", id)]).toEqual([1, 1]);
    expect(page.executed.toSorted()).toEqual(["call_1", "call_2"]);
    await expectHistory(page, session);
  });

  test("call ids that a provider uses in each step again", async () => {
    const session = stack.newSession();
    stack.script = (request) =>
      turnOfConversation(request) < 3 ? { toolCalls: [locate("call_1")] } : { text: "You are at 52." };
    const page = await open(session, { execute: () => ({ lat: page.executed.length }) });
    await page.send("Where am I?");
    await page.until("The turn does not go on", ({ shown }) => shown.includes("You are at 52."));
    await page.settled();
    expect(page.executed).toEqual(["call_1", "call_1", "call_1"]);
    // The page itself cannot tell them apart: what was last is shown of all.
    const [, message] = await stack.messages(session);
    expect(message?.parts.flatMap((part) => (isToolUIPart(part) ? [part.output] : []))).toEqual([
      { lat: 1 },
      { lat: 2 },
      { lat: 3 },
    ]);
    expect(page.errors).toEqual([]);
    expect(stack.openai.count).toBe(4);
  });

  test("a page that is loaded again sees the call that waits, and executes it", async () => {
    const session = stack.newSession();
    calls(locate("call_1"));
    const page = await open(session);
    await page.send("Where am I?");
    await page.until("No call waits", waits);
    await page.close();
    const again = await open(session, { load: true, resume: true, execute: () => ({ lat: 52 }) });
    await again.until("The turn does not go on", ({ shown }) => shown.includes("You are at 52."));
    await again.settled();
    await expectHistory(again, session);
  });

  test("the Worker is killed while the call waits, and goes on", async () => {
    const session = stack.newSession();
    calls(locate("call_1"));
    const page = await open(session);
    await page.send("Where am I?");
    await page.until("No call waits", waits);
    await stack.endpoint.kill();
    await stack.endpoint.restart();
    void page.chat.addToolOutput({ tool: "locate", toolCallId: "call_1", output: { lat: 52 } });
    await page.until("The output is not there", ({ last }) => statesOf(last).includes("output-available"));
    void page.chat.sendMessage();
    await page.until("The turn does not go on", ({ shown }) => shown.includes("You are at 52."));
    await page.settled();
    await expectHistory(page, session);
    expect(stack.openai.count).toBe(2);
  });

  test("two tabs execute the call: the first output counts, and the other tab sees it", async () => {
    const session = stack.newSession();
    calls(locate("call_1"));
    const one = await open(session);
    await one.send("Where am I?");
    await one.until("No call waits", waits);
    const two = await open(session, { load: true, resume: true });
    await two.until("No call waits in the other tab", waits);
    const bring = (page: ChatPage, lat: number): void => {
      void page.chat.addToolOutput({ tool: "locate", toolCallId: "call_1", output: { lat } });
      void page.chat.sendMessage();
    };
    stack.script = async () => {
      // The other tab comes while the model answers.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      return { text: "You are at 52." };
    };
    bring(one, 52);
    await one.until("The turn does not go on", () => stack.openai.count === 2);
    bring(two, 1);
    await Promise.all([one, two].map((page) => page.until("It does not end", ({ shown }) => shown.includes("52."))));
    await Promise.all([one.settled(), two.settled()]);
    expect(outputsTold()).toContain('\\"lat\\":52');
    expect(outputsTold()).not.toContain('\\"lat\\":1');
    await expectHistory(one, session);
    await expectHistory(two, session);
  });

  test("after an interruption an output comes too late: the page is told, once, and the next message works", async () => {
    const session = stack.newSession();
    calls(locate("call_1"));
    const page = await open(session, { execute: () => undefined });
    await page.send("Where am I?");
    await page.until("No call waits", waits);
    expect((await stack.chats().interrupt(session)).result).toBe("cancelled");
    void page.chat.addToolOutput({ tool: "locate", toolCallId: "call_1", output: { lat: 52 } });
    await page.until("No error", ({ chat }) => chat.status === "error");
    expect(page.errors.map(({ message }) => message).join()).toContain("tool-call-not-pending");
    expect(stack.openai.count).toBe(1);
    stack.script = () => ({ text: "Back again." });
    await page.send("Are you there?");
    await page.until("No answer", ({ shown }) => shown === "Back again.");
    expect(page.errors).toHaveLength(1);
    expect(outputsTold()).not.toContain("lat");
  });
});

describe("what is posted", () => {
  const waiting = async (session: string): Promise<UIMessage> => {
    calls(locate("call_1"), { id: "call_2", name: "look", input: { id: `${session}-own` } });
    const answer = await stack.fetch(`/chat/Chat/${session}`, { json: { message: "Where am I?" } });
    const { events } = await streamed(answer);
    expect(events.map(({ chunk }) => chunk.type)).toContain("data-client-call");
    const id = `${answer.headers.get("x-turn")}-answer`;
    return { id, role: "assistant", parts: [] };
  };
  const part = (toolCallId: string, more: object) => ({
    type: "tool-locate",
    toolCallId,
    state: "output-available",
    ...more,
  });
  const post = (session: string, message: UIMessage, ...parts: object[]): Promise<Response> =>
    stack.fetch(`/chat/Chat/${session}`, {
      json: { messages: [{ ...message, parts: [{ type: "step-start" }, ...parts] }], messageId: message.id },
    });

  test("is not believed: another input, another tool's output, another conversation's call", async () => {
    const [mine, other] = [stack.newSession(), stack.newSession()];
    const message = await waiting(other);
    const forged = part("call_1", { input: { city: "forged" }, output: { lat: 66 } });
    expect((await post(mine, message, forged)).status).toBe(404);
    await streamed(await post(other, message, { ...part("call_2", { output: "forged" }), type: "tool-look" }, forged));
    await stack.isIdle(other);
    expect(outputsTold()).not.toContain("forged");
    expect(outputsTold()).toContain('\\"lat\\":66');
    expect(stack.effects.count("look", `${other}-own`)).toBe(1);
    expect(JSON.stringify(await stack.messages(other))).not.toContain("forged");
  });

  test("twice is taken once; later it is told how it ended; too large an output is an error", async () => {
    const session = stack.newSession();
    const message = await waiting(session);
    const large = part("call_1", { input: {}, output: { lat: "x".repeat(300 * 1024) } });
    const answers = await Promise.all([post(session, message, large), post(session, message, large)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    await Promise.all(answers.map((answer) => answer.text()));
    await stack.isIdle(session);
    expect(outputsTold()).toContain("larger than 256 KiB");
    const early = await streamed(await post(session, message, part("call_1", { input: {}, output: { lat: 1 } })));
    expect(early.events.at(-1)?.chunk.type).toBe("finish");
  });

  test("calls that wait are nothing for people to approve", async () => {
    const session = stack.newSession();
    await waiting(session);
    expect(await stack.chats().approvals(session)).toEqual([]);
    await stack.chats().interrupt(session);
  });
});
