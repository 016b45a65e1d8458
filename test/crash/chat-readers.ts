/** Readers of a turn that is in trouble. Each tells the message that it has in the end. */
import { setTimeout as delay } from "node:timers/promises";
import { readUIMessageStream, type UIMessage, type UIMessageChunk } from "ai";
import { chatTransport } from "../../src/client/index.ts";
import { fold } from "../unit/routes/chat/fold.ts";
import { API_KEY, type ChatStack, streamed } from "../e2e/chat-stack.ts";

/** What is read. */
export interface Reading {
  readonly agent: string;
  readonly session: string;
  readonly turn: string;
  readonly text: string;
}

/** Bytes after which a connection breaks, one number for each connection; then they hold. */
export type Cuts = readonly number[];

/** Sends the message, and reads with the client's transport. */
export async function sender(stack: ChatStack, reading: Reading, cuts: Cuts): Promise<UIMessage | undefined> {
  const { session: chatId, turn: id, text } = reading;
  const message: UIMessage = { id, role: "user", parts: [{ type: "text", text }] };
  const stream = await transport(stack, reading, cuts).sendMessages({
    trigger: "submit-message",
    chatId,
    messageId: undefined,
    messages: [message],
    abortSignal: undefined,
  });
  return lastOf(stream);
}

/** Comes while the turn runs, or after it, and reads from the beginning. */
export async function latecomer(
  stack: ChatStack,
  reading: Reading,
  afterMs: number,
  cuts: Cuts,
): Promise<UIMessage | undefined> {
  await delay(afterMs);
  const stream = await transport(stack, reading, cuts).reconnectToStream({ chatId: reading.session });
  return stream === null ? undefined : lastOf(stream);
}

/** A program of its own that knows events and offsets, and nothing of our client: leaves, and comes back. */
export async function wanderer(stack: ChatStack, { agent, session, turn }: Reading, stays: readonly number[]) {
  const chunks: UIMessageChunk[] = [];
  let after = 0;
  for (let n = 0; ; n++) {
    try {
      const headers = { "last-event-id": String(after) };
      const response = await stack.fetch(`/chat/${agent}/${session}/stream?turn=${turn}&until=end`, { headers });
      if (response.status === 200) {
        let seen = 0;
        const most = stays[n] ?? Number.MAX_SAFE_INTEGER;
        const { isDone } = await streamed(response, ({ id, chunk }) => {
          chunks.push(chunk);
          after = id ?? after;
          seen += 1;
          return seen >= most;
        });
        if (isDone) return await fold(chunks);
      }
      await response.body?.cancel().catch(() => undefined);
    } catch {
      // The Worker is away.
    }
    await delay(30);
  }
}

function transport(stack: ChatStack, { agent }: Reading, cuts: Cuts) {
  const left = [...cuts];
  return chatTransport({
    url: stack.endpoint.url,
    agent,
    apiKey: API_KEY,
    until: "end",
    maxRetries: 100,
    retryDelayMs: 20,
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      const bytes = left.shift();
      if (response.body === null || bytes === undefined) return response;
      return new Response(response.body.pipeThrough(cutAfter(bytes)), response);
    },
  });
}

async function lastOf(stream: ReadableStream<UIMessageChunk>): Promise<UIMessage | undefined> {
  let last: UIMessage | undefined;
  for await (const message of readUIMessageStream({ stream, terminateOnError: false })) last = message;
  return last;
}

/** Breaks a body after so many bytes, in the middle of an event. */
function cutAfter(bytes: number): TransformStream<Uint8Array, Uint8Array> {
  let left = bytes;
  return new TransformStream({
    transform(chunk, controller) {
      if (chunk.length < left) {
        left -= chunk.length;
        controller.enqueue(chunk);
        return;
      }
      controller.enqueue(chunk.slice(0, left));
      controller.error(new TypeError("network error"));
    },
  });
}
