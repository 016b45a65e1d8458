/** `GET /chat/{agent}/{session}/timeline`: what the journal has of a turn, step by step. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { AdminHttp } from "../../src/admin/admin-http.ts";
import type { Invocation } from "../../src/admin/invocations/invocation.ts";
import { Invocations } from "../../src/admin/invocations/invocations.ts";
import { timelineSchema } from "../admin/timeline-schema.ts";
import { playgroundControl } from "../playground-control.ts";
import { HttpProblem } from "../problem.ts";
import { createRouter, json } from "../router.ts";
import { restateAddress, settingsOf } from "../settings.ts";
import {
  agentParam,
  CHAT_ABOUT,
  CHAT_PROBLEMS,
  type ChatContext,
  conversationOf,
  sessionParam,
} from "./chat-context.ts";

/** Turns that are looked through for the one that runs: later ones may be queued behind it. */
const MAX_TURNS = 20;

/** Statuses of an invocation that has not begun. */
const NOT_BEGUN: ReadonlySet<string> = new Set(["pending", "scheduled", "ready"]);

const turnTimelineSchema = timelineSchema
  .and(
    z.object({
      requests: z
        .int()
        .optional()
        .openapi({ description: "How often Restate has called the app for it; known to the development stack alone" }),
    }),
  )
  .openapi("TurnTimeline");

const route = createRoute({
  ...CHAT_ABOUT,
  operationId: "getConversationTimeline",
  summary: "The steps of the turn that runs, or of the last one",
  description: "What its journal has: state, duration and attempts of each step, and tokens. Needs RESTATE_ADMIN_URL.",
  method: "get",
  path: "/{agent}/{session}/timeline",
  request: { params: z.object({ agent: agentParam, session: sessionParam }) },
  responses: {
    200: json(turnTimelineSchema, "The timeline; without what the steps gave"),
    ...CHAT_PROBLEMS,
  },
});

/** The route about a turn's journal. */
export function timelineRoutes(chat: ChatContext): OpenAPIHono {
  return createRouter().openapi(route, async (context) => {
    const { agent, session } = context.req.valid("param");
    const { info, key, keys } = await conversationOf(context, chat, agent, session);
    const settings = settingsOf(context);
    const invocations = new Invocations(new AdminHttp(restateAddress(settings, "admin")));
    const { id } = await lastBegun(invocations, info.name, key);
    const [timeline, requests] = await Promise.all([
      invocations.timeline(id),
      playgroundControl(settings)?.requestsOf(id),
    ]);
    const shown = turnTimelineSchema.parse(JSON.parse(keys.hide(JSON.stringify({ ...timeline, requests }))));
    return context.json(shown, 200);
  });
}

/** @throws HttpProblem `invocation-not-found` (404) for a conversation without turns, or whose turns Restate has forgotten. */
async function lastBegun(invocations: Invocations, service: string, key: string): Promise<Invocation> {
  const page = await invocations.list({ service, key, handler: "send" }, { limit: MAX_TURNS });
  const [newest] = page.invocations;
  const found = page.invocations.find(({ status }) => !NOT_BEGUN.has(status)) ?? newest;
  if (found !== undefined) return found;
  throw new HttpProblem("invocation-not-found", 404, "The conversation has no turn yet, or Restate has forgotten them");
}
