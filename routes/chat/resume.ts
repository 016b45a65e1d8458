/** `GET /chat/{agent}/{session}/stream`: the running turn, from its beginning or from where the client was. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { streamIdOf } from "../../src/session/session-info.ts";
import { createRouter } from "../router.ts";
import {
  agentParam,
  CHAT_ABOUT,
  CHAT_PROBLEMS,
  type ChatContext,
  type Conversation,
  conversationOf,
  sessionParam,
  turnParam,
} from "./chat-context.ts";
import { statusOf } from "./conversation.ts";
import { eventsResponse } from "./send.ts";
import { findTurn } from "./send-turn.ts";
import { streamTurn, type Turn } from "./turns.ts";

const offset = z
  .string()
  .regex(/^\d{1,15}$/, "must be an offset: a number from 0")
  .transform(Number)
  .optional();

const route = createRoute({
  ...CHAT_ABOUT,
  operationId: "resumeChatStream",
  summary: "Follow a turn: the one that runs, or the one that is named",
  description: "Any number of readers. A turn that has ended can be read as long as its stream is kept.",
  method: "get",
  path: "/{agent}/{session}/stream",
  request: {
    params: z.object({ agent: agentParam, session: sessionParam }),
    query: z.object({
      turn: turnParam.optional(),
      after: offset.openapi({ type: "string", description: "Go on after this offset. Default 0: from the beginning" }),
      until: z.enum(["pause", "end"]).optional().openapi({
        description: "`pause` (default): the answer ends when the turn waits for people alone. `end`: it stays open",
      }),
    }),
    headers: z.object({
      "last-event-id": offset.openapi({ type: "string", description: "As `after`, and before it: what browsers send" }),
    }),
  },
  responses: { 200: eventsResponse, 204: { description: "Nothing runs" }, ...CHAT_PROBLEMS },
});

/** The route that follows a turn. */
export function resumeRoutes(chat: ChatContext): OpenAPIHono {
  return createRouter().openapi(route, async (context) => {
    const { agent, session } = context.req.valid("param");
    const { turn: named, after, until = "pause" } = context.req.valid("query");
    const { "last-event-id": lastEventId } = context.req.valid("header");
    const conversation = await conversationOf(context, chat, agent, session);
    const turn = named === undefined ? await runningTurn(conversation) : await namedTurn(conversation, named);
    if (turn === undefined) return new Response(null, { status: 204 });
    return streamTurn(conversation, turn, { until, after: lastEventId ?? after ?? 0 });
  });
}

async function runningTurn(conversation: Conversation): Promise<Turn | undefined> {
  const { turn, invocationId } = await statusOf(conversation);
  return turn === undefined || invocationId === undefined ? undefined : { turn, invocationId };
}

/** Also one that is queued, or has ended. */
async function namedTurn(conversation: Conversation, turn: string): Promise<Turn | undefined> {
  const running = await runningTurn(conversation);
  if (running?.turn === turn) return running;
  const found = await findTurn(conversation, turn);
  if (found === undefined) return undefined;
  const { info, key } = conversation;
  const stream = streamIdOf(info.name, key, turn);
  const isKept = await info.streams?.read(stream, { after: 0, waitMs: 0 });
  // A queued turn has no stream so far; one that has ended and been forgotten has none any more.
  if (isKept?.exists !== true && (await conversation.ingress.output(found.invocationId)) !== undefined)
    return undefined;
  return found;
}
