import type { ChatTransport, UIMessage, UIMessageChunk } from "ai";
import type { Attempted } from "./answer.ts";
import { AgentClientError } from "./client-error.ts";
import { Connection } from "./connection.ts";
import { eventsIn } from "./event-stream.ts";
import { callHeaders, deadlineOf } from "./invocation.ts";
import { type AgentClientOptions, segment } from "./options.ts";
import { backoffMs } from "./retry.ts";

/** What happens to a message that is sent while a turn runs. */
export type ChatMode = "queue" | "interrupt" | "steer";

/** Options of `chatTransport()`. */
export interface ChatTransportOptions extends AgentClientOptions {
  /** Name of the session's service, such as `Assistant`. */
  readonly agent: string;
  /**
   * What a message does while a turn runs: it waits for its end, ends it, or is added to it at its next step. Default
   * `queue`. `sendMessage(message, { body: { mode } })` chooses for one message.
   */
  readonly mode?: ChatMode | undefined;
  /**
   * When an answer ends that waits for people. `pause` (default): then, so that `addToolApprovalResponse` of `useChat` can
   * send what they say. `end`: with the turn; approvals are then answered beside it, with `ChatClient.answer()`.
   */
  readonly until?: "pause" | "end" | undefined;
}

/** A longest time for the head of an answer, in milliseconds. */
const HEAD_MS = 60_000;

type SendOptions = Parameters<ChatTransport<UIMessage>["sendMessages"]>[0];

/**
 * A transport for `useChat`. It is to `DefaultChatTransport` what a durable agent is to a plain one: a connection that
 * breaks is taken up where it was, without the page noticing, and a message whose answer was lost is not sent twice.
 *
 * Of the conversation it posts the last message alone: the session has the rest.
 *
 * @throws AgentClientError `invalid-options`
 *
 * @example
 * ```ts
 * const { messages, sendMessage } = useChat({
 *   id: "chat-1",
 *   resume: true,
 *   transport: chatTransport({ url: "/", agent: "Assistant", apiKey: () => session.key }),
 * });
 * ```
 */
export function chatTransport<MESSAGE extends UIMessage = UIMessage>(
  options: ChatTransportOptions,
): ChatTransport<MESSAGE> {
  const connection = new Connection(options);
  const agent = segment("agent", options.agent);
  const { mode, until } = options;
  return {
    resumeStreamIsReplay: true,
    sendMessages: ({ chatId, messages, trigger, messageId, abortSignal, headers, body }) => {
      const post = { messages: [...newOf(messages, messageId)], trigger, messageId, mode, until, ...body };
      const turn = new TurnReader(connection, `/${agent}/${segment("chat id", chatId)}`, {
        until,
        abortSignal,
        headers,
      });
      return turn.send(JSON.stringify(post), trigger);
    },
    reconnectToStream: ({ chatId, abortSignal, headers }) =>
      new TurnReader(connection, `/${agent}/${segment("chat id", chatId)}`, { until, abortSignal, headers }).resume(),
  };
}

interface ReaderOptions {
  readonly until: "pause" | "end" | undefined;
  readonly abortSignal?: AbortSignal | undefined;
  readonly headers?: SendOptions["headers"];
}

/** One answer, over as many connections as it takes. */
class TurnReader {
  readonly #connection: Connection;
  readonly #path: string;
  readonly #options: ReaderOptions;

  constructor(connection: Connection, path: string, options: ReaderOptions) {
    this.#connection = connection;
    this.#path = path;
    this.#options = options;
  }

  /** Posts, which makes one turn however often it is done; a turn that is run again has no name so far, and is not repeated. */
  async send(body: string, trigger: SendOptions["trigger"]): Promise<ReadableStream<UIMessageChunk>> {
    const open = (isRepeatable: boolean): Promise<Response> =>
      this.#open("send a message of", { method: "POST", path: this.#path, body, isRepeatable });
    const first = await open(trigger === "submit-message");
    return this.#chunks(first, trigger === "submit-message" ? () => open(true) : undefined);
  }

  async resume(): Promise<ReadableStream<UIMessageChunk> | null> {
    const open = (): Promise<Response> => this.#follow({});
    const first = await open();
    if (first.status === 204) return null;
    return this.#chunks(first, open);
  }

  #follow(query: Readonly<Record<string, string>>): Promise<Response> {
    const { until } = this.#options;
    const all = { ...query, ...(until === undefined ? {} : { until }) };
    return this.#open("follow", { method: "GET", path: `${this.#path}/stream`, query: all, isRepeatable: true });
  }

  #open(
    verb: string,
    request: {
      readonly method: "GET" | "POST";
      readonly path: string;
      readonly body?: string;
      readonly query?: Readonly<Record<string, string>>;
      readonly isRepeatable: boolean;
    },
  ): Promise<Response> {
    const { abortSignal: signal, headers } = this.#options;
    const given = headers === undefined ? {} : Object.fromEntries(new Headers(headers));
    return this.#connection.open(
      {
        ...this.#attempted(verb),
        ...request,
        api: "chat",
        headers: {
          ...callHeaders({ headers: given }),
          accept: "text/event-stream",
          "content-type": request.body === undefined ? undefined : "application/json",
        },
      },
      deadlineOf({ signal, timeoutMs: HEAD_MS }),
    );
  }

  #attempted(verb: string): Attempted {
    return { action: `${verb} ${this.#path.slice(1)}` };
  }

  #chunks(first: Response, again: (() => Promise<Response>) | undefined): ReadableStream<UIMessageChunk> {
    const chunks = this.#read(first, again);
    return new ReadableStream<UIMessageChunk>(
      {
        pull: async (controller) => {
          const { done, value } = await chunks.next();
          if (done === true) controller.close();
          else controller.enqueue(value);
        },
        cancel: async () => {
          await chunks.return();
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** @param again Opens the answer again from its beginning; undefined when that would be another answer. */
  async *#read(
    first: Response,
    again: (() => Promise<Response>) | undefined,
  ): AsyncGenerator<UIMessageChunk, void, void> {
    const { abortSignal } = this.#options;
    const turn = first.headers.get("x-turn") ?? undefined;
    let last: string | undefined;
    let response: Response | undefined = first;
    for (let broken = 0; ;) {
      let cause: unknown;
      try {
        for await (const { id, data } of eventsIn(bodyOf(response, this.#attempted("follow")))) {
          if (data === "[DONE]") return;
          last = id ?? last;
          broken = 0;
          yield JSON.parse(data) as UIMessageChunk;
        }
      } catch (error) {
        abortSignal?.throwIfAborted();
        if (AgentClientError.isInstance(error)) throw error;
        cause = error;
      }
      broken += 1;
      if (broken > this.#connection.maxRetries) throw this.#lost(cause);
      await deadlineOf({ signal: abortSignal }).pause(backoffMs(broken, this.#connection.retryDelayMs));
      if (last !== undefined && turn !== undefined) response = await this.#follow({ turn, after: last });
      else if (again !== undefined) response = await again();
      else if (turn !== undefined) response = await this.#follow({ turn });
      else throw this.#lost(cause);
      // It has ended in the meantime, and its stream is not kept any more.
      if (response.status === 204) throw this.#lost(cause);
    }
  }

  #lost(cause: unknown): AgentClientError {
    const detail = "the connection broke and could not be taken up again; the turn goes on: load the conversation";
    return new AgentClientError({
      ...this.#attempted("follow"),
      kind: "unavailable",
      code: "connection-failed",
      detail,
      cause,
    });
  }
}

/** What the session does not have: the last message, or the one in which an approval was answered. */
function newOf(messages: readonly UIMessage[], messageId: string | undefined): readonly UIMessage[] {
  const continued = messages.filter(({ id, role }) => role === "assistant" && id === messageId);
  return continued.length > 0 ? continued : messages.slice(-1);
}

function bodyOf(response: Response, attempted: Attempted): ReadableStream<Uint8Array> {
  if (response.body !== null) return response.body;
  const detail = `the answer is ${response.status} without events; url may be wrong`;
  throw new AgentClientError({ ...attempted, kind: "server-error", code: "unexpected-answer", detail });
}
