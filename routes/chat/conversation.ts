/** What is known of conversations: `GET /chat`, and `GET`, `PATCH`, `DELETE` and interrupt of one. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { HistoryInput, SessionStatus, UpdateInput } from "../../src/session/session-types.ts";
import { pending } from "../agents/answers.ts";
import { callOrAccept, type Outcome } from "../agents/call.ts";
import { pendingResponse } from "../agents/route-context.ts";
import { createRouter, json, problems } from "../router.ts";
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
  turnParam,
  valueOf,
} from "./chat-context.ts";
import type { Context } from "hono";

/** How long `PATCH` and `DELETE` wait for the turns before them, in milliseconds. */
const WAIT_MS = 10_000;

const agentsSchema = z.object({ agents: z.array(z.object({ name: z.string() })) }).openapi("ChatAgents");

const usageSchema = z.looseObject({}).openapi({ description: "Tokens of all turns, as the AI SDK counts them" });

const statusSchema = z.looseObject({
  state: z.enum(["idle", "running"]),
  turn: z.string().optional(),
  invocationId: z.string().optional(),
  startedAt: z.string().optional(),
  message: z.looseObject({ id: z.string() }).optional(),
  title: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  usage: usageSchema,
  turns: z.int(),
});

const messageSchema = z.looseObject({ id: z.string(), role: z.string(), parts: z.array(z.looseObject({})) });

const conversationSchema = statusSchema
  .omit({ message: true })
  .extend({
    session: z.string(),
    messages: z.array(messageSchema).openapi({
      description: "UI messages, oldest first; of a turn that runs the user's message alone",
    }),
    before: z.int().optional().openapi({ description: "For `?before=`, when there are older turns" }),
  })
  .openapi("Conversation");

const interruptSchema = z
  .object({ turn: z.string().optional(), result: z.enum(["ended", "cancelled", "queued", "idle"]) })
  .openapi("Interrupted");

const params = z.object({ agent: agentParam, session: sessionParam });
const number = (what: string) =>
  z
    .string()
    .regex(/^\d{1,9}$/, "must be a number")
    .transform(Number)
    .optional()
    .openapi({ type: "string", description: what });

const list = createRoute({
  ...CHAT_ABOUT,
  operationId: "listChatAgents",
  summary: "Agents to chat with",
  method: "get",
  path: "/",
  responses: { 200: json(agentsSchema, "The public sessions"), ...CHAT_PROBLEMS },
});

const get = createRoute({
  ...CHAT_ABOUT,
  operationId: "getConversation",
  summary: "A conversation: its messages, and what it does now",
  method: "get",
  path: "/{agent}/{session}",
  request: {
    params,
    query: z.object({
      before: number("Only turns before this place: `before` of another answer"),
      limit: number("Most turns. Default 50, at most 200; 0: no messages"),
    }),
  },
  responses: {
    200: json(conversationSchema, "The conversation; one that was never begun has no turns"),
    ...CHAT_PROBLEMS,
  },
});

const updateSchema = z
  .strictObject({
    title: z.string().max(1_000).nullable().optional(),
    metadata: z.record(z.string(), z.unknown()).nullable().optional(),
  })
  .openapi("ConversationUpdate");

const patch = createRoute({
  ...CHAT_ABOUT,
  operationId: "updateConversation",
  summary: "Change the title or the metadata; null removes",
  description: "Waits for the turns before it. When that takes long the answer becomes 202: it will be done.",
  method: "patch",
  path: "/{agent}/{session}",
  request: { params, body: { content: { "application/json": { schema: updateSchema } }, required: true } },
  responses: {
    200: json(statusSchema.openapi("ConversationStatus"), "As it is now"),
    202: pendingResponse,
    ...CHAT_PROBLEMS,
    ...problems(408, 413, 415),
  },
});

const remove = createRoute({
  ...CHAT_ABOUT,
  operationId: "resetConversation",
  summary: "Forget a conversation; a turn that runs is ended first",
  method: "delete",
  path: "/{agent}/{session}",
  request: { params },
  responses: { 202: pendingResponse, 204: { description: "It is forgotten" }, ...CHAT_PROBLEMS },
});

const interrupt = createRoute({
  ...CHAT_ABOUT,
  operationId: "interruptConversation",
  summary: "End the turn that runs where it is",
  description: "What it has said stays in the conversation. With `turn`, only that one, also while it is queued.",
  method: "post",
  path: "/{agent}/{session}/interrupt",
  request: {
    params,
    body: { content: { "application/json": { schema: z.strictObject({ turn: turnParam.optional() }) } } },
  },
  responses: { 200: json(interruptSchema, "What was ended"), ...CHAT_PROBLEMS, ...problems(408, 413, 415) },
});

/** The routes about conversations. */
export function conversationRoutes(chat: ChatContext): OpenAPIHono {
  const find = (context: Context, { agent, session }: z.output<typeof params>): Promise<Conversation> =>
    conversationOf(context, chat, agent, session);
  return createRouter()
    .openapi(list, (context) => context.json({ agents: [...chat.sessions.keys()].map((name) => ({ name })) }, 200))
    .openapi(get, async (context) => {
      const conversation = await find(context, context.req.valid("param"));
      return context.json(await describe(conversation, context.req.valid("query")), 200);
    })
    .openapi(interrupt, async (context) => {
      const conversation = await find(context, context.req.valid("param"));
      // Without a body there is nothing to validate.
      const { turn } = (context.req.valid("json") as { readonly turn?: string } | undefined) ?? {};
      const answer = await callHandler(conversation, "interrupt", turn === undefined ? {} : { turn }, INTERRUPT_MS);
      return context.json(interruptSchema.parse(answer), 200);
    })
    .openapi(patch, async (context) => {
      const conversation = await find(context, context.req.valid("param"));
      const outcome = await exclusive(conversation, "update", context.req.valid("json"));
      if (outcome.kind === "accepted") return accepted(context, outcome.id);
      return context.json(statusSchema.parse(valueOf(outcome)), 200);
    })
    .openapi(remove, async (context) => {
      const conversation = await find(context, context.req.valid("param"));
      await callHandler(conversation, "interrupt", {}, INTERRUPT_MS);
      const outcome = await exclusive(conversation, "reset");
      if (outcome.kind === "accepted") return accepted(context, outcome.id);
      valueOf(outcome);
      return new Response(null, { status: 204 });
    });
}

async function describe(
  conversation: Conversation,
  { before, limit }: { readonly before?: number | undefined; readonly limit?: number | undefined },
): Promise<z.output<typeof conversationSchema>> {
  // First: a turn that ends in between is then in the history.
  const { message, ...status } = statusSchema.parse(await statusOf(conversation));
  const input: HistoryInput = {
    form: "ui",
    ...(before === undefined ? {} : { before }),
    ...(limit === undefined ? {} : { limit: Math.min(200, limit) }),
  };
  const page = limit === 0 ? { messages: [] } : historyPage.parse(await callHandler(conversation, "history", input));
  const isNew = message !== undefined && before === undefined && limit !== 0 && !page.messages.some(isOf(message.id));
  return {
    ...status,
    session: conversation.name,
    messages: isNew ? [...page.messages, messageSchema.parse(message)] : page.messages,
    ...(page.before === undefined ? {} : { before: page.before }),
  };
}

const historyPage = z.object({ messages: z.array(messageSchema), before: z.int().optional() });

function isOf(id: string): (message: { readonly id: string }) => boolean {
  return (message) => message.id === id;
}

/** Calls a handler that waits for the turns before it. */
async function exclusive(
  { ingress, info, key, headers }: Conversation,
  handler: "update" | "reset",
  input?: UpdateInput,
): Promise<Outcome> {
  const ownKey = crypto.randomUUID();
  const request = {
    body: input === undefined ? undefined : JSON.stringify(input),
    headers,
    idempotencyKey: ownKey,
    timeoutMs: WAIT_MS,
  };
  return callOrAccept(ingress, { service: info.name, key, handler }, request, ownKey);
}

/** Its result will be where those of the agents API are. */
function accepted(context: Context, id: string): Response {
  const base = new URL(context.req.url).pathname.split("/").slice(0, -3);
  return pending({ id, status: "accepted", location: [...base, "agents", "invocations", id].join("/") });
}

/** What the session does now. */
export async function statusOf(conversation: Conversation): Promise<SessionStatus> {
  return statusSchema.parse(await callHandler(conversation, "status")) as unknown as SessionStatus;
}
