/**
 * An HTTP server that speaks OpenAI's protocols, as the AI SDK's `@ai-sdk/openai` uses them, and answers from a script.
 * Source: OpenAI's API reference, "Responses" and "Streaming events"; for the other endpoints see openai-media.ts.
 */
import type { ServerResponse } from "node:http";
import { listen, readJson } from "./http-server.ts";
import { MEDIA_PATHS, mediaAnswer, type MediaPath } from "./openai-media.ts";
import { sendMedia, sendReply } from "./send-reply.ts";
import type { Script, ScriptedReply } from "./scripted-reply.ts";
import { waitUntil } from "./wait.ts";

export { answeredToolCalls, repliesByTurn, turnOfConversation } from "./scripted-reply.ts";
export type { Script, ScriptedReply, ScriptedToolCall } from "./scripted-reply.ts";

/** A request as the server got it. */
export interface RecordedRequest {
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly stream: boolean;
  /** When it came, as `performance.now()`. */
  readonly startedAt: number;
  /** When its answer was complete, or its connection had gone. Undefined until then. */
  finishedAt: number | undefined;
  /** True once the client went away before the answer was complete. A connection cut by the script does not count. */
  aborted: boolean;
}

/** A request of another endpoint than Responses. */
export interface RecordedMediaRequest extends Omit<RecordedRequest, "stream"> {
  readonly path: MediaPath;
}

/** A script of the other endpoints. `n` counts their requests, from 0. */
export type MediaScript = (request: RecordedMediaRequest, n: number) => ScriptedReply | Promise<ScriptedReply>;

/** Options of `startScriptedOpenAI`. */
export interface ScriptedOpenAIOptions {
  /** Answers requests for embeddings, images, speech and transcriptions. Default: each endpoint's default answer. */
  readonly media?: MediaScript;
}

/** A running scripted server. */
export interface ScriptedOpenAI {
  /** Base URL for `createOpenAI({ baseURL })`. */
  readonly baseURL: string;
  readonly requests: readonly RecordedRequest[];
  /** Requests of the other endpoints. They are not among `requests`. */
  readonly mediaRequests: readonly RecordedMediaRequest[];
  /** How many requests came since the start, or since `reset()`. */
  readonly count: number;
  /** Waits until `n` requests have come, or the predicate holds. `timeoutMs`: default 30,000. */
  waitFor(condition: number | ((requests: readonly RecordedRequest[]) => boolean), timeoutMs?: number): Promise<void>;
  /** Forgets the requests. */
  reset(): void;
  close(): Promise<void>;
}

/**
 * Starts the server on a free loopback port. An array is answered in order; its last reply repeats. A script that
 * throws is answered as a permanent error (400) with its message.
 */
export async function startScriptedOpenAI(
  script: Script | readonly ScriptedReply[],
  { media = () => ({}) }: ScriptedOpenAIOptions = {},
): Promise<ScriptedOpenAI> {
  const requests: RecordedRequest[] = [];
  const mediaRequests: RecordedMediaRequest[] = [];
  let answered = 0;
  const answerTo: Script =
    typeof script === "function" ? script : (_, n) => script[Math.min(n, script.length - 1)] ?? { text: "" };
  const server = await listen(async (request, response) => {
    const body = ((await readJson(request)) ?? {}) as Record<string, unknown>;
    const common = { body, headers: request.headers, startedAt: performance.now() };
    const path = MEDIA_PATHS.find((known) => request.url === `/v1${known}`);
    if (request.method === "POST" && path !== undefined) {
      const recorded: RecordedMediaRequest = { ...common, path, finishedAt: undefined, aborted: false };
      const n = mediaRequests.push(recorded) - 1;
      const onCut = track(response, recorded);
      const reply = await replyTo(media, recorded, n);
      await sendMedia(response, reply, mediaAnswer(path, body, reply), { onCut });
      return;
    }
    if (request.method !== "POST" || request.url !== "/v1/responses") {
      const message = `The scripted server does not answer ${request.method} ${request.url}`;
      await sendReply(response, { error: { status: 404, message } }, { stream: false, id: 0 });
      return;
    }
    const recorded: RecordedRequest = {
      ...common,
      stream: body["stream"] === true,
      finishedAt: undefined,
      aborted: false,
    };
    const n = requests.push(recorded) - 1;
    const id = ++answered;
    const onCut = track(response, recorded);
    const reply = await replyTo(answerTo, recorded, n);
    await sendReply(response, reply, { stream: recorded.stream, id, onCut });
  });
  return {
    baseURL: `${server.url}/v1`,
    requests,
    mediaRequests,
    get count() {
      return requests.length;
    },
    waitFor: (condition, timeoutMs = 30_000) => {
      const holds = typeof condition === "number" ? () => requests.length >= condition : () => condition(requests);
      const what = typeof condition === "number" ? `${condition} model calls` : "the condition on model calls";
      return waitUntil(`Waited for ${what}`, holds, { timeoutMs, everyMs: 2 });
    },
    reset: () => {
      requests.length = 0;
      mediaRequests.length = 0;
    },
    close: () => server.close(),
  };
}

/** Notes when a request ends. What it returns is to be called before the script cuts the connection. */
function track(response: ServerResponse, recorded: { finishedAt: number | undefined; aborted: boolean }): () => void {
  let cut = false;
  response.on("close", () => {
    recorded.finishedAt = performance.now();
    recorded.aborted = !response.writableFinished && !cut;
  });
  return () => {
    cut = true;
  };
}

async function replyTo<REQUEST>(
  script: (request: REQUEST, n: number) => ScriptedReply | Promise<ScriptedReply>,
  request: REQUEST,
  n: number,
): Promise<ScriptedReply> {
  try {
    return await script(request, n);
  } catch (error) {
    return { error: { status: 400, message: `The script threw: ${String(error)}` } };
  }
}
