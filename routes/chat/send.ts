/** `POST /chat/{agent}/{session}`: a message, answers to approvals, or outputs of tools; the answer is the turn, live. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { RegenerateTurn, SendMessage } from "../../src/session/session-types.ts";
import { HttpProblem } from "../problem.ts";
import { createRouter, problems } from "../router.ts";
import {
  agentParam,
  callHandler,
  CHAT_ABOUT,
  CHAT_PROBLEMS,
  type ChatContext,
  type Conversation,
  conversationOf,
  INTERRUPT_MS,
  sessionParam,
  valueOf,
} from "./chat-context.ts";
import { statusOf } from "./conversation.ts";
import { goOn } from "./go-on.ts";
import { type ChatBody, chatBody, type ChatRequest, chatRequestOf } from "./input.ts";
import type { EntryPages } from "../../src/stream/sse.ts";
import { sseResponse } from "./sse-response.ts";
import { sendSteering, sendTurn, steerAnswer, turnOfEdit } from "./send-turn.ts";
import { streamTurn, type Turn, turnPages } from "./turns.ts";

/** How long the answer's head waits until it is known what became of a message for the running turn, in milliseconds. */
const STEER_SOON_MS = 5_000;

/** What is answered: events. */
export const eventsResponse: {
  description: string;
  headers: Record<string, { description: string; schema: { type: "string" } }>;
  content: Record<string, { schema: z.ZodType }>;
} = {
  description: "The AI SDK's UI message stream. Each event of the turn's stream has its offset as `id`",
  headers: {
    "x-restate-id": { description: "Id of the turn's invocation", schema: { type: "string" } },
    "x-turn": { description: "Id of the turn", schema: { type: "string" } },
  },
  content: { "text/event-stream": { schema: z.string() } },
};

const about = {
  ...CHAT_ABOUT,
  method: "post",
  description:
    "Takes what the AI SDK's `DefaultChatTransport` sends. The same message twice is one turn, and both get its stream. " +
    "The turn goes on whoever listens.",
  responses: { 200: eventsResponse, ...CHAT_PROBLEMS, ...problems(403, 408, 409, 413, 415) },
} as const;
const body = { content: { "application/json": { schema: chatBody } }, required: true };

const sendToSession = createRoute({
  ...about,
  operationId: "sendChatMessage",
  summary: "Send a message of a conversation and stream the answer",
  path: "/{agent}/{session}",
  request: { params: z.object({ agent: agentParam, session: sessionParam }), body },
});

const sendToAgent = createRoute({
  ...about,
  operationId: "sendChatMessageToAgent",
  summary: "As sendChatMessage, with the session as `id` in the body",
  path: "/{agent}",
  request: { params: z.object({ agent: agentParam }), body },
});

/** The routes that send. */
export function sendRoutes(chat: ChatContext): OpenAPIHono {
  return createRouter()
    .openapi(sendToSession, async (context) => {
      const { agent, session } = context.req.valid("param");
      const conversation = await conversationOf(context, chat, agent, session);
      return post(context, conversation, context.req.valid("json"));
    })
    .openapi(sendToAgent, async (context) => {
      const { agent } = context.req.valid("param");
      const given = context.req.valid("json");
      const session = sessionParam.safeParse(given.id);
      if (!session.success) {
        throw new HttpProblem("invalid-request", 400, "Name the session: id in the body, or the path's last segment");
      }
      return post(context, await conversationOf(context, chat, agent, session.data), given);
    });
}

async function post(context: Context, conversation: Conversation, given: ChatBody): Promise<Response> {
  const { until = "pause" } = given;
  const request = chatRequestOf(given);
  switch (request.kind) {
    case "message": {
      if (request.mode === "steer") return steer(conversation, request, until);
      const input = await turnOfMessage(conversation, request);
      if (request.mode === "interrupt") await interruptOthers(conversation, input);
      return streamTurn(conversation, await sendTurn(conversation, input), { until });
    }
    case "regenerate": {
      const input: RegenerateTurn & { readonly turn: string } = {
        regenerate: true,
        turn: crypto.randomUUID(),
        ...(request.of === undefined ? {} : { of: request.of }),
      };
      if (request.mode === "interrupt") await interruptOthers(conversation, input);
      return streamTurn(conversation, await sendTurn(conversation, input), { until });
    }
    case "continue":
      return goOn({ context, conversation, until }, request);
  }
}

type MessageRequest = Extract<ChatRequest, { kind: "message" }>;

async function turnOfMessage(
  conversation: Conversation,
  { message, replaces }: MessageRequest,
): Promise<SendMessage & { readonly turn: string }> {
  if (replaces === undefined) return { message, turn: message.id };
  return { message, replaces, turn: await turnOfEdit(conversation, message) };
}

/** A message that is posted twice must not end its own turn; a turn that is run again is another one. */
async function interruptOthers(
  conversation: Conversation,
  { turn, regenerate, ...more }: (SendMessage | RegenerateTurn) & { readonly turn: string },
): Promise<void> {
  const { turn: running, message } = await statusOf(conversation);
  const isNew = regenerate === true || ("replaces" in more && more.replaces !== undefined);
  // The id of its turn may be another one than the message's, which it then answers all the same.
  const isOwn = running === turn || (!isNew && message?.id === turn);
  if (running === undefined || isOwn) return;
  await callHandler(conversation, "interrupt", { turn: running }, INTERRUPT_MS);
}

/**
 * Adds a message to the running turn. Its readers see it there; who sent it gets that news, and no second answer. The
 * turn takes it with its next step, which a long answer or a person may hold up: the connection waits for that.
 */
async function steer(
  conversation: Conversation,
  { message }: MessageRequest,
  until: "pause" | "end",
): Promise<Response> {
  const { ingress, onFailure } = conversation;
  const { id } = message;
  const steering = await sendSteering(conversation, message);
  const soon = await ingress.attach(steering, STEER_SOON_MS);
  if (soon === undefined) return sseResponse((signal) => later(signal), { "x-restate-id": steering }, onFailure);
  const known = steerAnswer.parse(valueOf(soon));
  const own = ownTurn(known);
  if (own !== undefined) return streamTurn(conversation, own, { until });
  const headers = { "x-restate-id": known.invocationId, "x-turn": known.turn };
  return sseResponse(() => news(known.turn), headers, onFailure);

  async function* news(turn: string): EntryPages {
    yield [{ chunk: { type: "data-steering", data: { id, turn }, transient: true } }];
  }

  async function* later(signal: AbortSignal): EntryPages {
    const gone = AbortSignal.any([signal, conversation.signal]);
    while (!gone.aborted) {
      const result = await ingress.attach(steering, STEER_SOON_MS);
      if (result === undefined) continue;
      const answer = steerAnswer.parse(valueOf(result));
      const turn = ownTurn(answer);
      yield* turn === undefined ? news(answer.turn) : turnPages(conversation, turn, { until }, signal);
      return;
    }
  }
}

/** The turn that a message became which no running turn took. */
function ownTurn({ delivered, turn, invocationId }: z.infer<typeof steerAnswer>): Turn | undefined {
  return delivered || invocationId === undefined ? undefined : { turn, invocationId };
}
