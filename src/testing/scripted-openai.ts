/**
 * An HTTP server that speaks OpenAI's Responses protocol, as the AI SDK's `@ai-sdk/openai` uses it, and answers from a
 * script. Source of the protocol: OpenAI's API reference, "Responses" and "Streaming events".
 */
import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { listen, readJson } from "./http-server.ts";
import { outputItems, responseEvents, responseObject } from "./openai-responses.ts";

/** A tool call of a reply. */
export interface ScriptedToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

/** What the server answers to one request. */
export interface ScriptedReply {
  readonly text?: string;
  readonly reasoning?: string;
  readonly toolCalls?: readonly ScriptedToolCall[];
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number };
  /** Time before the answer begins, in milliseconds. */
  readonly delayMs?: number;
  /** Time between two streamed events, in milliseconds. */
  readonly chunkDelayMs?: number;
  /** An HTTP error instead of an answer. */
  readonly error?: {
    readonly status: number;
    readonly message?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  /** A body that does not parse. */
  readonly malformed?: boolean;
  /** Cuts the connection: before the answer (`0`), or after so many streamed events. */
  readonly cutAfter?: number;
}

/** A request as the server got it. */
export interface RecordedRequest {
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly stream: boolean;
  /** True once the client went away before the answer was complete. */
  aborted: boolean;
}

/** The answer to the `n`-th request, counted from 0. */
export type Script = (request: RecordedRequest, n: number) => ScriptedReply | Promise<ScriptedReply>;

/** A running scripted server. */
export interface ScriptedOpenAI {
  /** Base URL for `createOpenAI({ baseURL })`. */
  readonly baseURL: string;
  readonly requests: readonly RecordedRequest[];
  reset(): void;
  close(): Promise<void>;
}

/** Starts the server on a free loopback port. An array is answered in order; its last reply repeats. */
export async function startScriptedOpenAI(script: Script | readonly ScriptedReply[]): Promise<ScriptedOpenAI> {
  const requests: RecordedRequest[] = [];
  const answerTo: Script =
    typeof script === "function" ? script : (_, n) => script[Math.min(n, script.length - 1)] ?? { text: "" };
  const server = await listen(async (request, response) => {
    const body = ((await readJson(request)) ?? {}) as Record<string, unknown>;
    const recorded: RecordedRequest = {
      body,
      headers: request.headers,
      stream: body["stream"] === true,
      aborted: false,
    };
    requests.push(recorded);
    response.on("close", () => {
      recorded.aborted = !response.writableFinished;
    });
    const reply = await answerTo(recorded, requests.length - 1);
    await delay(reply.delayMs ?? 0);
    if (!response.destroyed) await send(response, reply, recorded, requests.length);
  });
  return {
    baseURL: `${server.url}/v1`,
    requests,
    reset: () => {
      requests.length = 0;
    },
    close: () => server.close(),
  };
}

/** How many of the conversation's tool calls have been answered: tells which turn a request belongs to. */
export function answeredToolCalls(request: RecordedRequest): number {
  const input = request.body["input"];
  if (!Array.isArray(input)) return 0;
  return input.filter((item: unknown) => (item as { type?: unknown }).type === "function_call_output").length;
}

async function send(
  response: ServerResponse,
  reply: ScriptedReply,
  request: RecordedRequest,
  n: number,
): Promise<void> {
  if (reply.cutAfter === 0) {
    response.destroy();
  } else if (reply.error !== undefined) {
    const { status, message = `scripted ${status}`, headers = {} } = reply.error;
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify({ error: { message, type: "scripted", code: null, param: null } }));
  } else if (reply.malformed === true) {
    response.writeHead(200, { "content-type": "application/json" });
    response.end('{"id": "resp_1", "output": [');
  } else if (request.stream) {
    await sendStream(response, reply, n);
  } else {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(responseObject(reply, outputItems(reply, n), n)));
  }
}

async function sendStream(response: ServerResponse, reply: ScriptedReply, n: number): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const [index, event] of responseEvents(reply, n).entries()) {
    if (response.destroyed) return;
    if (reply.cutAfter === index) {
      response.destroy();
      return;
    }
    response.write(
      `event: ${String(event["type"])}\ndata: ${JSON.stringify({ ...event, sequence_number: index })}\n\n`,
    );
    await delay(reply.chunkDelayMs ?? 0);
  }
  response.end();
}
