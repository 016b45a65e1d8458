/**
 * An HTTP server that speaks OpenAI's Responses protocol, as the AI SDK's `@ai-sdk/openai` uses it, and answers from a
 * script. Source of the protocol: OpenAI's API reference, "Responses" and "Streaming events".
 */
import { listen, readJson } from "./http-server.ts";
import { sendReply } from "./send-reply.ts";
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

/** A running scripted server. */
export interface ScriptedOpenAI {
  /** Base URL for `createOpenAI({ baseURL })`. */
  readonly baseURL: string;
  readonly requests: readonly RecordedRequest[];
  /** How many requests came since the start, or since `reset()`. */
  readonly count: number;
  /** Waits until `n` requests have come, or the predicate holds. `timeoutMs`: default 10,000. */
  waitFor(condition: number | ((requests: readonly RecordedRequest[]) => boolean), timeoutMs?: number): Promise<void>;
  /** Forgets the requests. */
  reset(): void;
  close(): Promise<void>;
}

/**
 * Starts the server on a free loopback port. An array is answered in order; its last reply repeats. A script that
 * throws is answered as a permanent error (400) with its message.
 */
export async function startScriptedOpenAI(script: Script | readonly ScriptedReply[]): Promise<ScriptedOpenAI> {
  const requests: RecordedRequest[] = [];
  let answered = 0;
  const answerTo: Script =
    typeof script === "function" ? script : (_, n) => script[Math.min(n, script.length - 1)] ?? { text: "" };
  const server = await listen(async (request, response) => {
    const body = ((await readJson(request)) ?? {}) as Record<string, unknown>;
    if (request.method !== "POST" || request.url !== "/v1/responses") {
      const message = `The scripted server answers POST /v1/responses only, not ${request.method} ${request.url}`;
      await sendReply(response, { error: { status: 404, message } }, { stream: false, id: 0 });
      return;
    }
    const recorded: RecordedRequest = {
      body,
      headers: request.headers,
      stream: body["stream"] === true,
      startedAt: performance.now(),
      finishedAt: undefined,
      aborted: false,
    };
    const n = requests.push(recorded) - 1;
    const id = ++answered;
    let cut = false;
    response.on("close", () => {
      recorded.finishedAt = performance.now();
      recorded.aborted = !response.writableFinished && !cut;
    });
    const reply = await replyTo(answerTo, recorded, n);
    await sendReply(response, reply, { stream: recorded.stream, id, onCut: () => (cut = true) });
  });
  return {
    baseURL: `${server.url}/v1`,
    requests,
    get count() {
      return requests.length;
    },
    waitFor: (condition, timeoutMs = 10_000) => {
      const holds = typeof condition === "number" ? () => requests.length >= condition : () => condition(requests);
      const what = typeof condition === "number" ? `${condition} model calls` : "the condition on model calls";
      return waitUntil(`Waited for ${what}`, holds, { timeoutMs, everyMs: 2 });
    },
    reset: () => {
      requests.length = 0;
    },
    close: () => server.close(),
  };
}

async function replyTo(script: Script, request: RecordedRequest, n: number): Promise<ScriptedReply> {
  try {
    return await script(request, n);
  } catch (error) {
    return { error: { status: 400, message: `The script threw: ${String(error)}` } };
  }
}
