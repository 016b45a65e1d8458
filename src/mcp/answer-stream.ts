/**
 * The stream in which a server answers one request. The AI SDK's transport reads such a stream to its end and then waits on;
 * it asks for nothing that it has missed.
 *
 * - S1 A stream that ends without the answer is asked for again from where it ended (`last-event-id`), when its events have
 *   ids: the call goes on at the server, and is not made again. Servers of 2025-11-25 may end streams on purpose, so that
 *   nobody holds a connection.
 * - S2 When that cannot be, an error is put in the answer's place, at once.
 * - S3 Who is told of progress waits on; see `Deadline`.
 */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { isJsonObject, type JsonObject } from "../journal/json.ts";
import { pause } from "../http/pause.ts";

/** Stands in the `data` of the error at a stream's end. */
export const STREAM_ENDED = "restate-edge-agents: stream ended";

/** What an answer's stream is made of. */
export interface AnswerStreamInit {
  readonly body: ReadableStream<Uint8Array>;
  /** Of the request. */
  readonly requestId: unknown;
  /** Of the request: nothing is asked for again after it. */
  readonly signal: AbortSignal | undefined;
  /** Asks for what came after this event. */
  readonly reopen: (lastEventId: string) => Promise<Response>;
  readonly onProgress: () => void;
  /** The answer is there, or will not come. */
  readonly onSettled: () => void;
}

/** Pause before a stream is asked for again, in milliseconds, if the server does not say; and within which it may say. */
const RETRY_MS = 1_000;
const SHORTEST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 15_000;
/** So often in a row a stream that cannot be had is asked for again. */
const MAX_FAILURES = 4;

/** The stream, with an answer in any case. */
export function answerStream(init: AnswerStreamInit): ReadableStream<Uint8Array> {
  const reader = new AnswerReader(init);
  const events = reader.events();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await events.next();
      if (done === true) controller.close();
      else controller.enqueue(eventBytes(value));
    },
    cancel: () => reader.close(),
  });
}

class AnswerReader {
  readonly #init: AnswerStreamInit;
  #reader: ReadableStreamDefaultReader<Uint8Array>;
  #lastEventId: string | undefined;
  #retryMs: number = RETRY_MS;
  #isAnswered = false;

  constructor(init: AnswerStreamInit) {
    this.#init = init;
    this.#reader = init.body.getReader();
  }

  async *events(): AsyncGenerator<EventSourceMessage, void, void> {
    try {
      do {
        yield* this.#read();
      } while (!this.#isAnswered && (await this.#goOn()));
      if (!this.#isAnswered) yield this.#noAnswer();
    } finally {
      this.#init.onSettled();
      this.close();
    }
  }

  /** Not awaited: the connection may be stuck. */
  close(): void {
    this.#reader.cancel().catch(() => undefined);
  }

  /** What comes until the answer, or until this stream ends, in whatever way. */
  async *#read(): AsyncGenerator<EventSourceMessage, void, void> {
    const decoder = new TextDecoder();
    const events: EventSourceMessage[] = [];
    const onRetry = (ms: number): void => {
      this.#retryMs = ms;
    };
    const parser = createParser({ onEvent: (event) => events.push(event), onRetry });
    for (;;) {
      const { done, value } = await this.#reader.read().catch(() => ({ done: true, value: undefined }) as const);
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      for (const event of events.splice(0)) {
        this.#lastEventId = event.id ?? this.#lastEventId;
        if (event.data === "") continue; // Only says where the stream begins.
        this.#hear(event);
        yield event;
        if (this.#isAnswered) return;
      }
    }
  }

  #hear({ data }: EventSourceMessage): void {
    const { requestId, onProgress } = this.#init;
    const message = parsed(data);
    if (message === undefined) return;
    const { id, method, params } = message;
    // As the AI SDK takes it: some servers answer with the number as a text.
    const isOwn = (given: unknown): boolean => given === requestId || given === String(requestId);
    if (method === undefined && isOwn(id)) this.#isAnswered = true;
    const isProgress = method === "notifications/progress" && isJsonObject(params);
    if (isProgress && isOwn(params["progressToken"])) onProgress();
  }

  /** S1: true when there is more to read. */
  async #goOn(): Promise<boolean> {
    const { signal, reopen } = this.#init;
    const lastEventId = this.#lastEventId;
    // An empty one takes back those before it.
    if (lastEventId === undefined || lastEventId === "") return false;
    const retryMs = Math.min(Math.max(this.#retryMs, SHORTEST_RETRY_MS), LONGEST_RETRY_MS);
    for (let failures = 0; failures < MAX_FAILURES; failures++) {
      await pause(retryMs, signal);
      if (signal?.aborted === true) return false;
      const response = await reopen(lastEventId).catch(() => undefined);
      const isStream = response?.headers.get("content-type")?.includes("text/event-stream") === true;
      if (response?.ok === true && isStream && response.body !== null) {
        this.#reader = response.body.getReader();
        return true;
      }
      await response?.body?.cancel().catch(() => undefined);
      // What it has refused it will refuse again.
      if (response !== undefined && response.status < 500 && response.status !== 429) return false;
    }
    return false;
  }

  /** S2 */
  #noAnswer(): EventSourceMessage {
    const error = { code: -32_000, message: "The connection ended before the answer", data: STREAM_ENDED };
    const data = JSON.stringify({ jsonrpc: "2.0", id: this.#init.requestId, error });
    return { data };
  }
}

const encoder = new TextEncoder();

function eventBytes({ event = "message", data }: EventSourceMessage): Uint8Array {
  const lines = data.split("\n").map((line) => `data: ${line}\n`);
  return encoder.encode(`event: ${event}\n${lines.join("")}\n`);
}

/** A message as JSON; undefined when it is none. */
export function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
