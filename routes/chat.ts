/** `/chat`: conversations with the public sessions, for AI SDK clients and others. Only for callers with an API key. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { cors } from "hono/cors";
import { sessionInfo, type SessionInfo } from "../src/session/session-info.ts";
import { hideKeysInProblems } from "./agents/key-space.ts";
import { type AgentsRouteOptions, apiKeys } from "./agents.ts";
import type { ApprovalOptions } from "./approvals/approval-options.ts";
import { limitedJson } from "./body.ts";
import type { ChatContext } from "./chat/chat-context.ts";
import { conversationRoutes } from "./chat/conversation.ts";
import { resumeRoutes } from "./chat/resume.ts";
import { sendRoutes } from "./chat/send.ts";
import { timelineRoutes } from "./chat/timeline.ts";
import type { Log } from "./operations/log.ts";
import { rateLimit } from "./rate-limit.ts";
import { createRouter } from "./router.ts";

const BODY_TIMEOUT_MS = 10_000;
/** AI SDK clients post the whole conversation with each message. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** Headers of answers that pages of other origins may read. */
const EXPOSED = ["location", "retry-after", "x-request-id", "x-restate-id", "x-turn", "x-vercel-ai-ui-message-stream"];

/** Sessions among services, by name. */
export function sessionsOf(services: AgentsRouteOptions["publicServices"]): ReadonlyMap<string, SessionInfo> {
  const infos = services.map(sessionInfo).filter((info) => info !== undefined);
  return new Map(infos.map((info) => [info.name, info]));
}

/** The routes of the chat API, to be mounted at `/chat`. Who may use the agents API may use them. */
export function chatRoutes(
  options: AgentsRouteOptions & { readonly approvals?: ApprovalOptions | undefined },
  log: Log,
): OpenAPIHono {
  const { publicServices, auth = apiKeys(), maxBodyBytes: maxBytes = MAX_BODY_BYTES } = options;
  const hasAuth = options.auth !== undefined;
  const fourEyes = options.approvals?.fourEyes === true;
  const chat: ChatContext = { sessions: sessionsOf(publicServices), hasAuth, fourEyes, log };
  const router = createRouter();
  if (options.cors !== undefined) router.use("*", cors({ exposeHeaders: EXPOSED, ...options.cors }));
  router.use(
    "*",
    hideKeysInProblems(chat.hasAuth),
    auth,
    rateLimit(options.rateLimit),
    limitedJson({ maxBytes, timeoutMs: BODY_TIMEOUT_MS }),
  );
  router.route("/", conversationRoutes(chat));
  router.route("/", resumeRoutes(chat));
  router.route("/", sendRoutes(chat));
  router.route("/", timelineRoutes(chat));
  return router;
}
