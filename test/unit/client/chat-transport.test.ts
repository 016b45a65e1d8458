/** The transport before a server that breaks off as each test wants. What the real app does: test/e2e/chat-react.test.ts. */
import type { ServerResponse } from "node:http";
import type { UIMessage, UIMessageChunk } from "ai";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AgentClientError, chatTransport } from "../../../src/client/index.ts";
import { listen, type LoopbackServer } from "../../../src/testing/http-server.ts";

const API_KEY = "key-of-the-unit-tests";
const EVENTS = { "content-type": "text/event-stream", "x-turn": "m1" };

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly authorization: string | undefined;
}

let server: LoopbackServer;
let seen: Seen[];
let handle: (response: ServerResponse, n: number) => void;

beforeEach(async () => {
  seen = [];
  server = await listen(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const { method = "", url = "", headers } = request;
    handle(response, seen.push({ method, url, body, authorization: headers.authorization }) - 1);
  });
});
afterEach(() => server.close());

const transport = (maxRetries = 3) =>
  chatTransport({ url: server.url, agent: "Chat", apiKey: API_KEY, retryDelayMs: 1, maxRetries });
const message = (id: string): UIMessage => ({ id, role: "user", parts: [{ type: "text", text: "Hi" }] });

function send(
  options: { trigger?: "submit-message" | "regenerate-message"; signal?: AbortSignal; retries?: number } = {},
): Promise<ReadableStream<UIMessageChunk>> {
  return transport(options.retries).sendMessages({
    trigger: options.trigger ?? "submit-message",
    chatId: "c 1",
    messageId: undefined,
    messages: [message("m0"), message("m1")],
    abortSignal: options.signal,
  });
}

async function deltas(stream: ReadableStream<UIMessageChunk>): Promise<string> {
  let text = "";
  for await (const chunk of stream) if (chunk.type === "text-delta") text += chunk.delta;
  return text;
}

const delta = (id: number, text: string): string =>
  `id: ${id}\ndata: ${JSON.stringify({ type: "text-delta", id: "0", delta: text })}\n\n`;

/** Sends this much and cuts the connection. */
function cut(response: ServerResponse, text: string): void {
  response.writeHead(200, EVENTS);
  response.write(text, () => setTimeout(() => response.destroy(), 20));
}

function end(response: ServerResponse, text: string): void {
  response.writeHead(200, EVENTS).end(`${text}data: [DONE]\n\n`);
}

test("of the conversation the last message is posted; the key goes into its header", async () => {
  handle = (response) => end(response, delta(1, "Hello"));
  expect(await deltas(await send())).toBe("Hello");
  expect(seen).toHaveLength(1);
  expect(seen[0]).toMatchObject({ method: "POST", url: "/chat/Chat/c%201", authorization: `Bearer ${API_KEY}` });
  expect(JSON.parse(seen[0]?.body ?? "")).toEqual({ messages: [message("m1")], trigger: "submit-message" });
});

test("a connection that breaks is taken up after the last event, as often as it gets further", async () => {
  handle = (response, n) => (n < 6 ? cut(response, delta(n + 1, String(n))) : end(response, delta(7, "6.")));
  expect(await deltas(await send())).toBe("0123456.");
  expect(seen.map(({ method, url }) => `${method} ${url}`).slice(1, 3)).toEqual([
    "GET /chat/Chat/c%201/stream?turn=m1&after=1",
    "GET /chat/Chat/c%201/stream?turn=m1&after=2",
  ]);
});

test("half an event is no event", async () => {
  const whole = delta(2, "über 漢字");
  const bytes = Buffer.from(whole);
  handle = (response, n) => {
    if (n > 0) return end(response, whole.replaceAll("\n", "\r\n"));
    response.writeHead(200, EVENTS);
    response.write(delta(1, "Hello "));
    response.write(bytes.subarray(0, bytes.indexOf("ü") + 1), () => setTimeout(() => response.destroy(), 20));
  };
  expect(await deltas(await send())).toBe("Hello über 漢字");
});

test("before the first event the message is posted again: it is one turn", async () => {
  handle = (response, n) => (n === 0 ? cut(response, ": open\n\n") : end(response, delta(1, "Hello")));
  expect(await deltas(await send())).toBe("Hello");
  expect(seen.map(({ method }) => method)).toEqual(["POST", "POST"]);
  expect(seen[1]?.body).toBe(seen[0]?.body);
});

test("a turn that is run again is not posted twice, but followed by its name", async () => {
  handle = (response, n) => (n === 0 ? cut(response, ": open\n\n") : end(response, delta(1, "Hello")));
  expect(await deltas(await send({ trigger: "regenerate-message" }))).toBe("Hello");
  expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
    "POST /chat/Chat/c%201",
    "GET /chat/Chat/c%201/stream?turn=m1",
  ]);
  seen.length = 0;
  handle = (response) => response.destroy();
  await expect(send({ trigger: "regenerate-message" })).rejects.toMatchObject({ code: "connection-failed" });
  expect(seen).toHaveLength(1);
});

test("it gives up when it gets no further", async () => {
  handle = (response) => cut(response, ": open\n\n");
  const error: unknown = await deltas(await send({ retries: 2 })).catch((thrown: unknown) => thrown);
  expect(AgentClientError.isInstance(error) && [error.kind, error.code]).toEqual(["unavailable", "connection-failed"]);
  expect(seen).toHaveLength(3);
});

test("a turn whose stream is not kept any more is an error, and not the end of an answer", async () => {
  handle = (response, n) => (n === 0 ? cut(response, delta(1, "Hel")) : void response.writeHead(204).end());
  await expect(deltas(await send())).rejects.toMatchObject({ code: "connection-failed" });
});

test("what the app refuses is not tried again", async () => {
  handle = (response) => {
    const problem = { code: "invalid-request", detail: "No", status: 400 };
    response.writeHead(400, { "content-type": "application/problem+json" }).end(JSON.stringify(problem));
  };
  await expect(send()).rejects.toMatchObject({ kind: "bad-request", code: "invalid-request" });
  expect(seen).toHaveLength(1);
});

test("nothing to resume", async () => {
  handle = (response) => void response.writeHead(204).end();
  expect(await transport().reconnectToStream({ chatId: "c1" })).toBeNull();
});

test("who stops reading is heard", async () => {
  const controller = new AbortController();
  let closed = false;
  handle = (response) => {
    response.on("close", () => (closed = true));
    response.writeHead(200, EVENTS);
    response.write(delta(1, "Hello"));
  };
  const reader = (await send({ signal: controller.signal })).getReader();
  await reader.read();
  controller.abort();
  await expect(reader.read()).rejects.toMatchObject({ name: "AbortError" });
  await expect.poll(() => closed).toBe(true);
  expect(seen).toHaveLength(1);
});
