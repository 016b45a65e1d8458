/**
 * Entries as server-sent events, as the AI SDK's chat client reads them: `data:` with one chunk of the UI message stream,
 * `[DONE]` at the end, and in front of each event its offset as `id:`. A client that comes back says it as
 * `last-event-id`. While nothing comes, comments keep the connection open.
 */
import { currentSealing, withSealing } from "../encryption/sealing.ts";
import type { UIMessageChunk } from "ai";
import { pause } from "../http/pause.ts";

/** What becomes an event: an entry, or a chunk that is nowhere in the stream. */
export interface SseEntry {
  readonly offset?: number | undefined;
  readonly chunk: UIMessageChunk;
}

/** How entries become events. */
export interface SseOptions {
  /** Time without an event after which a comment is sent, in milliseconds. Default 15,000. */
  readonly keepAliveMs?: number;
  /**
   * What a reader is told when the entries fail, as with StreamLostError: chunks without an offset. Default: an error that
   * says nothing.
   */
  readonly onError?: (error: unknown) => readonly UIMessageChunk[] | PromiseLike<readonly UIMessageChunk[]>;
}

/** Headers of such an answer. The last one asks proxies not to collect it. */
export const SSE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache",
  "x-vercel-ai-ui-message-stream": "v1",
  "x-accel-buffering": "no",
};

const KEEP_ALIVE = ":\n\n";
const DONE = "data: [DONE]\n\n";
const DEFAULT_KEEP_ALIVE_MS = 15_000;
const MASKED: UIMessageChunk = { type: "error", errorText: "An error occurred." };

/** Entries, some at a time, such as `readStreamPages()` gives. */
export type EntryPages = AsyncIterable<readonly SseEntry[]>;

/**
 * The body of an answer. It takes entries as the client reads them, and leaves off with the client.
 *
 * @param open Opens the entries; they are to end when the signal is aborted, which says that the client has gone.
 * @example
 * ```ts
 * const body = sseBody((signal) => readStreamPages(store, stream, { after, signal }));
 * return new Response(body, { headers: SSE_HEADERS });
 * ```
 */
export function sseBody(
  open: (signal: AbortSignal) => EntryPages,
  options: SseOptions = {},
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const left = new AbortController();
  const events = sseEvents(open(left.signal), options);
  // Who pulls may be in no context, such as the platform that sends the answer.
  const sealing = currentSealing();
  return new ReadableStream(
    {
      pull: async (controller) => {
        const { value, done } = await withSealing(sealing, () => events.next());
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      cancel: async () => {
        left.abort();
        await events.return();
      },
    },
    // Nothing is taken before it is wanted.
    { highWaterMark: 0 },
  );
}

/** The same as text, some events at a time. */
export async function* sseEvents(
  pages: EntryPages,
  { keepAliveMs = DEFAULT_KEEP_ALIVE_MS, onError = () => [MASKED] }: SseOptions = {},
): AsyncGenerator<string, void, void> {
  const iterator = pages[Symbol.asyncIterator]();
  try {
    let next = iterator.next();
    for (;;) {
      const result = await within(keepAliveMs, next);
      if (result === undefined) {
        yield KEEP_ALIVE;
        continue;
      }
      if (result.done === true) break;
      yield result.value.map(sseEvent).join("");
      next = iterator.next();
    }
  } catch (error) {
    yield (await onError(error)).map((chunk) => sseEvent({ chunk })).join("");
  } finally {
    // Not awaited: it may wait for its store.
    iterator.return?.().catch(() => undefined);
  }
  yield DONE;
}

/** One entry as an event. */
export function sseEvent({ offset, chunk }: SseEntry): string {
  const data = dataOf(chunk);
  return offset === undefined ? data : `id: ${offset}\n${data}`;
}

/** Readers of one isolate are given the same chunks: each is written as JSON once for all of them. */
const written = new WeakMap<UIMessageChunk, string>();

function dataOf(chunk: UIMessageChunk): string {
  const known = written.get(chunk);
  if (known !== undefined) return known;
  const data = `data: ${JSON.stringify(chunk)}\n\n`;
  written.set(chunk, data);
  return data;
}

/** Undefined when it takes longer than `ms`. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const settled = new AbortController();
  try {
    return await Promise.race([promise, pause(ms, settled.signal).then(() => undefined)]);
  } finally {
    settled.abort();
  }
}
