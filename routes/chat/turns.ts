/** Turns of a conversation: where their streams are, and how they ended. */
import { z } from "@hono/zod-openapi";
import type { UIMessage } from "ai";
import { answerIdOf, streamIdOf } from "../../src/session/session-info.ts";
import { callHandler, type Conversation } from "./chat-context.ts";
import type { EntryPages } from "../../src/stream/sse.ts";
import { sseResponse } from "./sse-response.ts";
import { type TurnResult, turnResult } from "./turn-result.ts";
import { readTurn, type TurnReading } from "./turn-stream.ts";

/** A turn, and the invocation that it is. */
export interface Turn {
  readonly turn: string;
  readonly invocationId: string;
}

const historySchema = z.looseObject({ messages: z.array(z.looseObject({ id: z.string() })) });

/** Turns back in which the message of a turn that has just ended is looked for. */
const LOOK_BACK = 5;

/** How a client reads a turn. */
export type TurnRequest = Pick<TurnReading, "until" | "message" | "answered"> & { readonly after?: number | undefined };

/** Streams a turn to a client. */
export function streamTurn(conversation: Conversation, turn: Turn, request: TurnRequest): Response {
  const headers = { "x-restate-id": turn.invocationId, "x-turn": turn.turn };
  return sseResponse((signal) => turnPages(conversation, turn, request, signal), headers, conversation.onFailure);
}

/** What `streamTurn` answers, some entries at a time. */
export function turnPages(
  conversation: Conversation,
  { turn, invocationId }: Turn,
  request: TurnRequest,
  signal: AbortSignal,
): EntryPages {
  const { info, key } = conversation;
  return readTurn({
    ...request,
    store: info.streams,
    stream: streamIdOf(info.name, key, turn),
    after: request.after ?? 0,
    result: () => resultOf(conversation, { turn, invocationId }),
    // A body is cancelled only when something is sent to a client that has gone: at the latest a comment.
    signal: AbortSignal.any([signal, conversation.signal]),
  });
}

/** How a turn ended; undefined while it goes on, or is queued. A turn that failed may have said something. */
export async function resultOf(
  conversation: Conversation,
  { turn, invocationId }: Turn,
): Promise<TurnResult | undefined> {
  const result = await turnResult(conversation.ingress, invocationId);
  if (result === undefined || result.message !== undefined) return result;
  const history = historySchema.safeParse(await callHandler(conversation, "history", { limit: LOOK_BACK }));
  const message = history.data?.messages.find(({ id }) => id === answerIdOf(turn));
  return { ...result, message: message as UIMessage | undefined };
}

/** The turn whose assistant message has this id; undefined when none can have. */
export function turnOfAnswer(id: string): string | undefined {
  const suffix = answerIdOf("");
  const turn = id.endsWith(suffix) ? id.slice(0, id.length - suffix.length) : undefined;
  return turn === "" ? undefined : turn;
}
