/** What the chat routes have in common. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { SessionInfo } from "../../src/session/session-info.ts";
import type { IngressClient } from "../../src/ingress/ingress-client.ts";
import { failed } from "../agents/answers.ts";
import { keySpaceOf, type KeySpace } from "../agents/key-space.ts";
import { ingressClient } from "../agents/route-context.ts";
import { traceHeadersOf } from "../agents/trace-headers.ts";
import { logFailure } from "../operations/failures.ts";
import type { Log } from "../operations/log.ts";
import { HttpProblem } from "../problem.ts";
import { problems } from "../router.ts";
import { API_KEY_SCHEME } from "../openapi.ts";
import { sessionName } from "../session-name.ts";
import { TURN_ID } from "./input.ts";

/** How the routes behave. */
export interface ChatContext {
  /** The public sessions by name. */
  readonly sessions: ReadonlyMap<string, SessionInfo>;
  /** True when `auth` stands in for the API keys. */
  readonly hasAuth: boolean;
  /** True when nobody approves what their own conversation asks. */
  readonly fourEyes: boolean;
  /** Where streams that fail are told of. */
  readonly log: Log;
}

/** One conversation. */
export interface Conversation {
  readonly info: SessionInfo;
  /** As the caller knows it. */
  readonly name: string;
  /** As Restate knows it: in the caller's own space. So what belongs to it, such as the ids of turns, needs none. */
  readonly key: string;
  readonly keys: KeySpace;
  /** See `ChatContext`. */
  readonly fourEyes: boolean;
  readonly ingress: IngressClient;
  /** The caller's trace, and whose what is invoked is. */
  readonly headers: Readonly<Record<string, string>>;
  /** Aborted when the caller has gone. On Workers with `enable_request_signal` alone. */
  readonly signal: AbortSignal;
  /** Logs why a stream has ended too early. */
  readonly onFailure: (error: unknown) => void;
}

/** Every operation asks for an API key. */
export const CHAT_ABOUT: { tags: string[]; security: Record<string, string[]>[] } = {
  tags: ["chat"],
  security: [{ [API_KEY_SCHEME]: [] }],
};

/** What every operation may answer with. */
export const CHAT_PROBLEMS: ReturnType<typeof problems<400 | 401 | 404 | 429 | 500 | 502 | 503>> = problems(
  400,
  401,
  404,
  429,
  500,
  502,
  503,
);

/** Longest wait for a handler that does not wait for turns, in milliseconds. */
const HANDLER_MS = 15_000;
/** `interrupt` waits a while for the turn's end. */
export const INTERRUPT_MS = 60_000;

export const agentParam: z.ZodType<string, string> = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/, "must be a name, such as Assistant")
  .openapi({ example: "Assistant", description: "Name of the session's service" });

export const sessionParam: z.ZodType<string, string> = sessionName;

export const turnParam: z.ZodType<string, string> = z.string().regex(TURN_ID, "must be the id of a turn").openapi({
  description: "The turn: the id of its user message, unless it was run again",
});

/**
 * The caller's conversation of this name.
 *
 * @throws HttpProblem `not-found` (404), also for a session that is not public: nobody learns which.
 */
export async function conversationOf(
  context: Context,
  chat: ChatContext,
  agent: string,
  name: string,
): Promise<Conversation> {
  const info = chat.sessions.get(agent);
  if (info === undefined) throw new HttpProblem("not-found", 404, `There is no agent ${agent} to chat with`);
  const { headers, signal } = context.req.raw;
  const keys = await keySpaceOf(context, chat.hasAuth);
  const key = keys.forRestate(name);
  const onFailure = (error: unknown): void => logFailure(chat.log, error, context);
  const own = { info, name, key, keys, fourEyes: chat.fourEyes, signal, onFailure };
  return { ...own, ingress: ingressClient(context), headers: { ...traceHeadersOf(headers), ...keys.headers } };
}

/**
 * Calls a handler of the session that does not wait for turns.
 *
 * @throws HttpProblem `invocation-failed`, with the status that the handler chose.
 */
export async function callHandler(
  { info, key, ingress, headers }: Conversation,
  handler: "history" | "status" | "interrupt" | "steer" | "find",
  input?: unknown,
  timeoutMs: number = HANDLER_MS,
): Promise<unknown> {
  const body = input === undefined ? undefined : JSON.stringify(input);
  const result = await ingress.call({ service: info.name, key, handler }, { body, headers, timeoutMs });
  return valueOf(result);
}

/** The value of an invocation that ended with one. */
export function valueOf(result: Awaited<ReturnType<IngressClient["call"]>>): unknown {
  if (result.kind === "failure") throw failed(result);
  if (result.kind === "already-started" || result.bytes.byteLength === 0) return undefined;
  return JSON.parse(new TextDecoder().decode(result.bytes));
}
