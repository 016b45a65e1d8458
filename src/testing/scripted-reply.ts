import type { RecordedRequest } from "./scripted-openai.ts";

/** A tool call of a reply. */
export interface ScriptedToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

/** What a scripted model answers to one request. Several of `text`, `reasoning` and `toolCalls` may be there. */
export interface ScriptedReply {
  readonly text?: string;
  readonly reasoning?: string;
  readonly toolCalls?: readonly ScriptedToolCall[];
  /** Output items as the Responses protocol has them, after all others: what has no field of its own here. */
  readonly items?: readonly Readonly<Record<string, unknown>>[];
  /** Of a request for embeddings: the vectors. Default: `wordEmbedding` of each text. */
  readonly embeddings?: readonly (readonly number[])[];
  /** Of a request for images or speech: the image or the audio. Default: a PNG of one pixel, the head of an MP3 file. */
  readonly bytes?: Uint8Array;
  /** Default: 10 tokens in, 5 out. */
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number };
  /** Why the answer ends early; a provider's `incomplete_details`. */
  readonly incomplete?: "max_output_tokens" | "content_filter";
  /** Time before the answer begins, in milliseconds. Default 0. */
  readonly delayMs?: number;
  /** Time between two streamed events, in milliseconds. Default 0. */
  readonly chunkDelayMs?: number;
  /** Streams the bytes in pieces of this size, across the borders of events and characters. Default: whole events. */
  readonly chunkBytes?: number;
  /** An HTTP error instead of an answer. */
  readonly error?: {
    readonly status: number;
    readonly message?: string;
    /** Such as `{ "retry-after": "1" }`. */
    readonly headers?: Readonly<Record<string, string>>;
  };
  /** An error after a 200: streamed instead of the end, or the answer's `error`. */
  readonly failed?: { readonly code: string; readonly message: string };
  /** A body that does not parse; of a stream, its second event. */
  readonly malformed?: boolean;
  /** Cuts the connection: before the answer (`0`), after so many streamed events, or (not streaming) within the body. */
  readonly cutAfter?: number;
  /** Never answers; ends when the client or the server goes away. */
  readonly hang?: boolean;
}

/** The answer to the `n`-th request, counted from 0. */
export type Script = (request: RecordedRequest, n: number) => ScriptedReply | Promise<ScriptedReply>;

/** How many of the conversation's tool calls have been answered: tells which turn a request belongs to. */
export function answeredToolCalls(request: RecordedRequest): number {
  return itemsOf(request).filter(isToolOutput).length;
}

/**
 * The turn of a request, counted from 0: how many batches of tool outputs came since the last user message. It depends
 * on the conversation alone, so a call that is repeated after a crash has the same turn.
 */
export function turnOfConversation(request: RecordedRequest): number {
  const items = itemsOf(request);
  const turn = items.slice(items.findLastIndex((item) => item["role"] === "user") + 1);
  return turn.filter((item, index) => isToolOutput(item) && !isToolOutput(turn[index + 1] ?? {})).length;
}

/**
 * A script that answers by `turnOfConversation`: the first reply to a question, the second one when its tools have
 * answered, and so on. A repeated call gets the same reply, and is seen as a second request of the same turn.
 * A turn for which there is no reply gets a permanent error (400) that says so.
 *
 * @example
 * ```ts
 * const openai = await startScriptedOpenAI(
 *   repliesByTurn([
 *     { toolCalls: [{ id: "call_1", name: "getWeather", input: { city: "Berlin" } }] },
 *     { text: "It is raining in Berlin." },
 *   ]),
 * );
 * ```
 */
export function repliesByTurn(replies: readonly ScriptedReply[]): Script {
  return (request) => {
    const turn = turnOfConversation(request);
    const message = `The script has ${replies.length} replies and was asked for the one of turn ${turn}`;
    return replies[turn] ?? { error: { status: 400, message } };
  };
}

type Item = Readonly<Record<string, unknown>>;

function itemsOf(request: RecordedRequest): Item[] {
  const input = request.body["input"];
  return Array.isArray(input) ? (input as Item[]) : [];
}

function isToolOutput(item: Item): boolean {
  return item["type"] === "function_call_output";
}
