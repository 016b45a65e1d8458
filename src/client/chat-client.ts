import type { UIMessage } from "ai";
import { type Answer, asRecord } from "./answer.ts";
import { Connection, type ClientRequest } from "./connection.ts";
import { callHeaders, deadlineOf } from "./invocation.ts";
import { type AgentClientOptions, type RequestOptions, segment } from "./options.ts";

/** A conversation. Times are ISO 8601. */
export interface Conversation<MESSAGE extends UIMessage = UIMessage> {
  readonly session: string;
  readonly state: "idle" | "running";
  /** The turn that runs, and its invocation. */
  readonly turn?: string | undefined;
  readonly invocationId?: string | undefined;
  readonly startedAt?: string | undefined;
  readonly title?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Tokens of all turns, as the AI SDK counts them. */
  readonly usage: Readonly<Record<string, unknown>>;
  readonly turns: number;
  /** Oldest first; of a turn that runs the user's message alone. What `useChat` takes as `messages`. */
  readonly messages: MESSAGE[];
  /** For `before`, when there are older turns. */
  readonly before?: number | undefined;
}

/** What was ended. */
export interface Interrupted {
  readonly turn?: string | undefined;
  /** `idle`: there was nothing to end. `queued`: the turn has not begun, and will end as soon as it does. */
  readonly result: "ended" | "cancelled" | "queued" | "idle";
}

/** A question to a person. Times are ISO 8601. */
export interface ChatApproval {
  readonly id: string;
  readonly kind: "approval" | "question";
  readonly state: "pending" | "approved" | "denied" | "expired" | "cancelled";
  readonly tool: string;
  readonly toolCallId: string;
  readonly input: unknown;
  readonly reason?: string | undefined;
  readonly requestedAt: string;
  readonly expiresAt?: string | undefined;
  readonly answeredAt?: string | undefined;
  readonly answer?: string | undefined;
}

/** Which part of a conversation is read. */
export interface HistoryOptions extends RequestOptions {
  /** Only turns before this place: the `before` of another answer. */
  readonly before?: number | undefined;
  /** Most turns. Default 50, at most 200; 0: no messages. */
  readonly limit?: number | undefined;
}

/** Options of `createChatClient()`. */
export interface ChatClientOptions extends AgentClientOptions {
  /** Name of the session's service, such as `Assistant`. */
  readonly agent: string;
}

/** What can be done with conversations besides talking. Every function throws AgentClientError. */
export interface ChatClient {
  /** A conversation and its messages. One that was never begun has none. */
  get<MESSAGE extends UIMessage = UIMessage>(session: string, options?: HistoryOptions): Promise<Conversation<MESSAGE>>;
  /** Ends the turn that runs, with what it has said. */
  interrupt(session: string, options?: RequestOptions & { readonly turn?: string | undefined }): Promise<Interrupted>;
  /** Changes title and metadata; null removes. Waits for the turns before it, but not long. */
  update(
    session: string,
    changes: { readonly title?: string | null; readonly metadata?: Readonly<Record<string, unknown>> | null },
    options?: RequestOptions,
  ): Promise<void>;
  /** Forgets a conversation; a turn that runs is ended first. */
  reset(session: string, options?: RequestOptions): Promise<void>;
  /** Questions of a conversation that nobody has answered. */
  approvals(session: string, options?: RequestOptions): Promise<readonly ChatApproval[]>;
  /**
   * Answers a question. Exactly one answer counts.
   *
   * @throws AgentClientError `approval-answered` (409) for one that came too late, `approval-not-found` (404)
   */
  answer(
    id: string,
    answer: { readonly approved: boolean; readonly reason?: string | undefined },
    options?: RequestOptions,
  ): Promise<ChatApproval>;
}

const REQUEST_MS = 60_000;

/**
 * Conversations of one agent: their messages, and what people decide about them. `chatTransport()` is for talking.
 *
 * @throws AgentClientError `invalid-options`
 *
 * @example
 * ```ts
 * const chats = createChatClient({ url: "/", agent: "Assistant", apiKey: () => session.key });
 * const { messages } = await chats.get("chat-1");
 * await chats.interrupt("chat-1");
 * for (const { id, tool } of await chats.approvals("chat-1")) await chats.answer(id, { approved: tool === "bookTrip" });
 * ```
 */
export function createChatClient(options: ChatClientOptions): ChatClient {
  const connection = new Connection(options);
  const agent = options.agent;
  const base = `/${segment("agent", agent)}`;
  const pathOf = (session: string): string => `${base}/${segment("session", session)}`;

  const ask = async (
    action: string,
    request: Pick<ClientRequest, "method" | "path" | "api" | "query" | "body">,
    given: RequestOptions = {},
  ): Promise<unknown> => {
    const headers = {
      ...callHeaders(given),
      "content-type": request.body === undefined ? undefined : "application/json",
    };
    const all: ClientRequest = { action, api: "chat", headers, isRepeatable: true, ...request };
    const answer: Answer = await connection.send(all, deadlineOf(given, REQUEST_MS));
    return answer.body;
  };

  return {
    get: async (session, { before, limit, ...rest } = {}) => {
      const query = {
        ...(before === undefined ? {} : { before: String(before) }),
        ...(limit === undefined ? {} : { limit: String(limit) }),
      };
      return (await ask(
        `get a conversation of ${agent}`,
        { method: "GET", path: pathOf(session), query },
        rest,
      )) as never;
    },
    interrupt: async (session, { turn, ...rest } = {}) => {
      const body = JSON.stringify(turn === undefined ? {} : { turn });
      const path = `${pathOf(session)}/interrupt`;
      return (await ask(`interrupt a turn of ${agent}`, { method: "POST", path, body }, rest)) as Interrupted;
    },
    update: async (session, changes, rest) => {
      const body = JSON.stringify(changes);
      await ask(`update a conversation of ${agent}`, { method: "PATCH", path: pathOf(session), body }, rest);
    },
    reset: async (session, rest) => {
      await ask(`reset a conversation of ${agent}`, { method: "DELETE", path: pathOf(session) }, rest);
    },
    approvals: async (session, rest) => {
      const query = { agent, session, state: "pending" };
      const answer = await ask(
        `list approvals of ${agent}`,
        { method: "GET", api: "approvals", path: "", query },
        rest,
      );
      const list = asRecord(answer)?.["approvals"];
      return (Array.isArray(list) ? list : []) as ChatApproval[];
    },
    answer: async (id, answer, rest) => {
      const body = JSON.stringify(answer);
      const path = `/${segment("id", id)}`;
      return (await ask("answer an approval", { method: "POST", api: "approvals", path, body }, rest)) as ChatApproval;
    },
  };
}
