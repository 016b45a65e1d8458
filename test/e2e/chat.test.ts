/** The chat API on a real stack: what is sent, streamed, resumed, and what is said of conversations. */
import type { UIMessage } from "ai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { turnOfConversation } from "../../src/testing/scripted-openai.ts";
import { fold, plain } from "../unit/routes/chat/fold.ts";
import { THOROUGH } from "../thorough.ts";
import { API_KEY, ChatStack, streamed, textOf } from "./chat-stack.ts";
import { RUNTIMES } from "./lab-stack.ts";

const COUNT = "one two three four five six seven eight nine ten";
const chunksOf = (events: Awaited<ReturnType<typeof streamed>>["events"]) => events.map(({ chunk }) => chunk);

describe.each(RUNTIMES)("on %s", (runtime) => {
  let stack: ChatStack;

  beforeAll(async () => {
    stack = await ChatStack.start(runtime, { countIngress: true });
  }, 120_000);
  afterAll(() => stack.stop());
  beforeEach(() => {
    stack.reset();
  });

  const post = (path: string, json: object, init: RequestInit = {}) => stack.fetch(path, { ...init, json });
  const user = (id: string, text: string) => ({ id, role: "user", parts: [{ type: "text", text }] });

  test("a message is answered live, and the stream is the history", async () => {
    const session = stack.newSession();
    stack.script = (request) =>
      turnOfConversation(request) === 0
        ? { text: "Let me see.", toolCalls: [{ id: "call_1", name: "look", input: { id: `${session}-map` } }] }
        : { text: "It is to the left.", chunkDelayMs: 10 };
    const response = await post("/chat/Chat", {
      id: session,
      messages: [user("m1", "Where?")],
      trigger: "submit-message",
    });
    expect([response.status, response.headers.get("x-vercel-ai-ui-message-stream")]).toEqual([200, "v1"]);
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    expect(response.headers.get("x-turn")).toBe("m1");
    expect(response.headers.get("x-restate-id")).toMatch(/^inv_/);
    const { events, isDone } = await streamed(response);
    expect(isDone).toBe(true);
    const ids = events.map(({ id = 0 }) => id);
    expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
    const message = await fold(chunksOf(events));
    expect(textOf(message)).toBe("Let me see.|It is to the left.");
    expect(stack.effects.count("look", `${session}-map`)).toBe(1);
    const history = await stack.messages(session);
    expect(history[0]).toEqual(user("m1", "Where?"));
    expect(plain(history[1])).toEqual(message);
  });

  test("the same message twice is one turn, and both get its stream", async () => {
    const session = stack.newSession();
    stack.script = () => ({ text: "Only once, please.", chunkDelayMs: 20 });
    const path = `/chat/Chat/${session}`;
    const both = await Promise.all([1, 2].map(() => post(path, { messages: [user("m1", "Hi")] })));
    expect(new Set(both.map(({ headers }) => headers.get("x-restate-id"))).size).toBe(1);
    const [one, two] = await Promise.all(both.map((response) => streamed(response)));
    expect(one).toEqual(two);
    expect(stack.openai.count).toBe(1);
    expect(await stack.messages(session)).toHaveLength(2);
    // And once more when it is over.
    expect(await streamed(await post(path, { messages: [user("m1", "Hi")] }))).toEqual(one);
    expect(stack.openai.count).toBe(1);
  });

  test("turns queue, and each reader gets its own", async () => {
    const session = stack.newSession();
    stack.script = ({ body }) => ({
      text: `Answer to ${JSON.stringify(body).includes("Two") ? "Two" : "One"}`,
      delayMs: 200,
    });
    const path = `/chat/Chat/${session}`;
    const first = await post(path, { messages: [user("m1", "One")] });
    const second = await post(path, { messages: [user("m2", "Two")] });
    const [one, two] = await Promise.all([streamed(first), streamed(second)]);
    expect(textOf(await fold(chunksOf(one.events)))).toBe("Answer to One");
    expect(textOf(await fold(chunksOf(two.events)))).toBe("Answer to Two");
    expect((await stack.messages(session)).map(({ id }) => id)).toEqual(["m1", "m1-answer", "m2", "m2-answer"]);
  });

  test("a reader leaves and comes back where it was; another one comes late; the turn does not care", async () => {
    const session = stack.newSession();
    stack.script = () => ({ text: COUNT, chunkDelayMs: 60 });
    const path = `/chat/Chat/${session}`;
    const before = await streamed(await post(path, { messages: [user("m1", "Count")] }), ({ id = 0 }) => id >= 4);
    const running = await stack.chats().get(session);
    expect(running).toMatchObject({ state: "running", turn: "m1", messages: [user("m1", "Count")] });
    const headers = { "last-event-id": String(before.events.at(-1)?.id) };
    const [rest, whole] = await Promise.all([
      streamed(await stack.fetch(`${path}/stream`, { headers })),
      streamed(await stack.fetch(`${path}/stream`)),
    ]);
    expect([...before.events, ...rest.events]).toEqual(whole.events);
    expect(textOf(await fold(chunksOf(whole.events)))).toBe(COUNT);
    expect((await stack.fetch(`${path}/stream`)).status).toBe(204);
    const again = await streamed(await stack.fetch(`${path}/stream?turn=m1&after=${whole.events.at(-2)?.id}`));
    expect(again.events).toEqual(whole.events.slice(-1));
    expect((await stack.fetch(`${path}/stream?turn=never`)).status).toBe(204);
  });

  // On workerd it takes half a minute.
  test.skipIf(runtime === "workerd" && !THOROUGH)("a client that has gone is not read for any more", async () => {
    const session = stack.newSession();
    stack.script = () => ({ hang: true });
    const path = `/chat/Chat/${session}`;
    const reads = (): number =>
      stack.ingress?.requests.filter(({ target }) => target.includes(session) && target.endsWith("/read")).length ?? 0;
    const gone = new AbortController();
    const response = await post(path, { messages: [user("m1", "Hi")], until: "end" }, { signal: gone.signal });
    const reading = response.text().catch(() => "gone");
    await expect.poll(reads, { timeout: 10_000 }).toBeGreaterThan(3);
    gone.abort();
    expect(await reading).toBe("gone");
    // workerd notices with the next thing that it sends: with a comment, after 15 seconds.
    let before = -1;
    const isQuiet = (): boolean => before === (before = reads());
    await expect.poll(isQuiet, { interval: 3_000, timeout: 40_000 }).toBe(true);
    expect((await stack.chats().get(session)).state).toBe("running");
    await stack.chats().interrupt(session);
  });

  test("a session without streams answers at the end", async () => {
    const session = stack.newSession();
    stack.script = () => ({ text: "All at once." });
    const { events, isDone } = await streamed(await post(`/chat/Plain/${session}`, { message: "Hi" }));
    expect([textOf(await fold(chunksOf(events))), isDone]).toEqual(["All at once.", true]);
  });

  test("a failure is told, and masked", async () => {
    const session = stack.newSession();
    stack.script = () => ({ error: { status: 400, message: "the secret prompt was refused" } });
    const { events, isDone } = await streamed(await post(`/chat/Chat/${session}`, { messages: [user("m1", "Hi")] }));
    expect([chunksOf(events).at(-1), isDone]).toEqual([{ type: "error", errorText: "An error occurred." }, true]);
    expect(JSON.stringify([events, await stack.messages(session)])).not.toContain("secret");
    stack.script = () => ({ text: "Better now." });
    const next = await streamed(await post(`/chat/Chat/${session}`, { messages: [user("m2", "Again")] }));
    expect(textOf(await fold(chunksOf(next.events)))).toBe("Better now.");
  });

  test("a turn that is killed ends for its readers, and the next one works", async () => {
    const session = stack.newSession();
    stack.script = () => ({ text: "word ".repeat(200), chunkDelayMs: 30 });
    const path = `/chat/Chat/${session}`;
    const response = await post(path, { messages: [user("m1", "Talk")] });
    const id = response.headers.get("x-restate-id") ?? "";
    let texts = 0;
    const { events, isDone } = await streamed(response, ({ chunk }) => {
      if (chunk.type === "text-delta" && ++texts === 3) void stack.restate.killInvocation(id);
      return false;
    });
    expect([chunksOf(events).at(-1), isDone]).toEqual([{ type: "error", errorText: "An error occurred." }, true]);
    expect((await stack.fetch(`${path}/stream`)).status).toBe(204);
    stack.script = () => ({ text: "Better now." });
    const next = await streamed(await post(path, { messages: [user("m2", "Again")] }));
    expect(textOf(await fold(chunksOf(next.events)))).toBe("Better now.");
  });

  test("a stream that gets lost costs the live parts, not the answer", async () => {
    const session = stack.newSession();
    stack.script = () => ({ text: COUNT, chunkDelayMs: 60 });
    const response = await post(`/chat/Chat/${session}`, { messages: [user("m1", "Count")] });
    const reading = streamed(response);
    await stack.openai.waitFor(1);
    await stack.restate.call(`Chat.streams/${encodeURIComponent(`Chat/${session}/m1`)}/remove`);
    const { events, isDone } = await reading;
    expect(isDone).toBe(true);
    expect(textOf(await fold(chunksOf(events)))).toBe(COUNT);
    await stack.isIdle(session);
    expect(textOf((await stack.messages(session)).at(-1))).toBe(COUNT);
  });

  test("an interruption ends the answer where it is", async () => {
    const session = stack.newSession();
    stack.script = () => ({ text: "word ".repeat(200), chunkDelayMs: 30 });
    const response = await post(`/chat/Chat/${session}`, { messages: [user("m1", "Talk")] });
    let texts = 0;
    const reading = streamed(response, ({ chunk }) => {
      if (chunk.type === "text-delta" && ++texts === 3) void stack.chats().interrupt(session);
      return false;
    });
    const { events, isDone } = await reading;
    expect(isDone).toBe(true);
    const message = await fold(chunksOf(events));
    expect(textOf(message)).toMatch(/^word word word/);
    expect(textOf(message).length).toBeLessThan(600);
    expect(plain((await stack.messages(session)).at(-1))).toEqual(message);
    expect(await stack.chats().interrupt(session)).toEqual({ result: "idle" });
  });

  test("a message may interrupt: both reach the model", async () => {
    const session = stack.newSession();
    stack.script = ({ body }) =>
      JSON.stringify(body).includes("Stop that")
        ? { text: "Stopped." }
        : { text: "word ".repeat(200), chunkDelayMs: 30 };
    const path = `/chat/Chat/${session}`;
    const first = await post(path, { messages: [user("m1", "Talk")] });
    const talking = streamed(first);
    await stack.openai.waitFor(1);
    const second = await streamed(await post(path, { messages: [user("m2", "Stop that")], mode: "interrupt" }));
    expect(textOf(await fold(chunksOf(second.events)))).toBe("Stopped.");
    expect((await talking).isDone).toBe(true);
    const prompt = JSON.stringify(stack.openai.requests.at(-1)?.body["input"]);
    expect([prompt.includes("Talk"), prompt.includes("Stop that")]).toEqual([true, true]);
  });

  test("a turn that runs is ended, and run again", async () => {
    const session = stack.newSession();
    stack.script = () => ({ text: "word ".repeat(500), chunkDelayMs: 20 });
    const path = `/chat/Chat/${session}`;
    const talking = streamed(await post(path, { messages: [user("m1", "Talk")] }));
    await stack.openai.waitFor(1);
    stack.script = () => ({ text: "Shorter." });
    const again = { messages: [user("m1", "Talk")], trigger: "regenerate-message", mode: "interrupt" };
    expect(textOf(await fold(chunksOf((await streamed(await post(path, again))).events)))).toBe("Shorter.");
    expect((await talking).isDone).toBe(true);
    expect((await stack.messages(session)).map((message) => textOf(message))).toEqual(["Talk", "Shorter."]);
  });

  test("a turn is run again", async () => {
    const session = stack.newSession();
    let n = 0;
    stack.script = () => ({ text: `Try ${++n}` });
    const path = `/chat/Chat/${session}`;
    await streamed(await post(path, { messages: [user("m1", "Hi")] }));
    const again = await post(path, {
      messages: [user("m1", "Hi")],
      trigger: "regenerate-message",
      messageId: "m1-answer",
    });
    expect(textOf(await fold(chunksOf((await streamed(again)).events)))).toBe("Try 2");
    const history = await stack.messages(session);
    expect(history.map((message) => textOf(message))).toEqual(["Hi", "Try 2"]);
    const wrong = await streamed(await post(path, { messages: [user("other", "Hi")], trigger: "regenerate-message" }));
    expect(chunksOf(wrong.events).at(-1)).toMatchObject({ type: "error" });
  });

  test("title and metadata are kept, and all is forgotten on request", async () => {
    const session = stack.newSession();
    stack.script = () => ({ text: "Hello." });
    const path = `/chat/Chat/${session}`;
    const empty = await stack.fetch(path);
    expect([empty.status, await empty.json()]).toMatchObject([200, { session, state: "idle", messages: [], turns: 0 }]);
    await streamed(await post(path, { messages: [user("m1", "Hi")] }));
    const changed = await stack.fetch(path, {
      method: "PATCH",
      json: { title: "Greetings", metadata: { color: "blue" } },
    });
    expect([changed.status, await changed.json()]).toMatchObject([200, { title: "Greetings" }]);
    const known = await stack.chats().get<UIMessage>(session);
    expect(known).toMatchObject({ title: "Greetings", metadata: { color: "blue" }, turns: 1 });
    expect((await stack.chats().get(session, { limit: 0 })).messages).toEqual([]);
    expect((await stack.fetch(path, { method: "DELETE" })).status).toBe(204);
    expect((await stack.chats().get(session)).messages).toEqual([]);
  });

  test("who has no key, and sessions that are not public, get nothing", async () => {
    const noKey = await fetch(`${stack.endpoint.url}/chat`, {});
    expect(noKey.status).toBe(401);
    expect(await (await stack.fetch("/chat")).json()).toEqual({
      agents: [{ name: "Chat" }, { name: "Plain" }, { name: "Ahead" }, { name: "Flaky" }],
    });
    for (const agent of ["Hidden", "Chat.streams", "Chat.approvals", "Nobody"]) {
      const answers = await Promise.all([
        post(`/chat/${agent}/c`, { message: "Hi" }),
        stack.fetch(`/chat/${agent}/c`),
        stack.fetch(`/chat/${agent}/c/stream`),
        post(`/chat/${agent}/c/interrupt`, {}),
        stack.fetch(`/chat/${agent}/c`, { method: "DELETE" }),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
    }
    expect((await fetch(`${stack.endpoint.url}/chat?key=${API_KEY}`)).status).toBe(400);
  });
});
