/** `/approvals`: what people are asked, and their answers. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { cors } from "hono/cors";
import type { ApprovalState } from "../src/approvals/approvals.ts";
import { type AgentsRouteOptions, apiKeys } from "./agents.ts";
import { approvalsOf, recorded, unknownApproval } from "./approvals/approval-context.ts";
import { answerSchema, approvalSchema, idParams, listSchema } from "./approvals/approval-schemas.ts";
import { linkRoutes } from "./approvals/link.ts";
import { limitedJson } from "./body.ts";
import { callerOf } from "./caller.ts";
import { API_KEY_SCHEME } from "./openapi.ts";
import { rateLimit } from "./rate-limit.ts";
import { createRouter, json, problems } from "./router.ts";

const CURSOR = /^\d{1,15}\.apr_[0-9a-z_]{1,60}$/;
const text = z.string().min(1).max(1_024);

const querySchema = z.strictObject({
  agent: text.optional().openapi({ description: "Name of the agent, or of the session's service" }),
  session: text.optional().openapi({ description: "Key of the conversation" }),
  state: z
    .enum(["pending", "decided", "approved", "denied", "expired", "cancelled"])
    .optional()
    .openapi({ description: "Default `pending`. Decided ones are listed by when that was" }),
  before: z.string().regex(CURSOR, "must be `next` of the page before").optional(),
  limit: z
    .string()
    .regex(/^\d{1,3}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.int().min(1).max(100))
    .optional()
    .openapi({ type: "integer", minimum: 1, maximum: 100, default: 50 }),
});

/** How approvals are served. */
export interface ApprovalRouteOptions extends Pick<AgentsRouteOptions, "auth" | "cors" | "rateLimit"> {
  /** Names of the approval objects. */
  readonly objects: readonly string[];
}

const BODY = { maxBytes: 64 * 1024, timeoutMs: 10_000 };
const DEFAULT_LIMIT = 50;
const DECIDED: readonly ApprovalState[] = ["approved", "denied", "expired", "cancelled"];

const about = { tags: ["approvals"], security: [{ [API_KEY_SCHEME]: [] }] };
const PROBLEMS = problems(400, 401, 404, 429, 500, 502, 503);

const list = createRoute({
  ...about,
  method: "get",
  path: "/",
  operationId: "listApprovals",
  summary: "List what people are asked, newest first",
  description: "With `session` it is one call to Restate, without it eight for each object that keeps approvals.",
  request: { query: querySchema },
  responses: { 200: json(listSchema, "A page of approvals"), ...PROBLEMS },
});

const get = createRoute({
  ...about,
  method: "get",
  path: "/{id}",
  operationId: "getApproval",
  summary: "Get one approval, with the whole input",
  request: { params: idParams },
  responses: { 200: json(approvalSchema, "The approval"), ...PROBLEMS },
});

const answer = createRoute({
  ...about,
  method: "post",
  path: "/{id}",
  operationId: "answerApproval",
  summary: "Approve or deny, or answer a question",
  description: "Exactly one answer is recorded. Later ones get 409 with what holds.",
  request: { params: idParams, body: { required: true, content: { "application/json": { schema: answerSchema } } } },
  responses: { 200: json(approvalSchema, "It is recorded"), ...PROBLEMS, ...problems(408, 409, 413, 415) },
});

/** The routes, to be mounted at `/approvals`. */
export function approvalRoutes({
  objects,
  auth = apiKeys(),
  cors: origins,
  rateLimit: limiter,
}: ApprovalRouteOptions): OpenAPIHono {
  const gated = createRouter();
  if (origins !== undefined) gated.use("*", cors({ exposeHeaders: ["retry-after", "x-request-id"], ...origins }));
  gated.use("*", auth, rateLimit(limiter), limitedJson(BODY));
  gated
    .openapi(list, async (context) => {
      const { state = "pending", limit = DEFAULT_LIMIT, ...filter } = context.req.valid("query");
      const states = state === "decided" ? DECIDED : [state];
      return context.json(await approvalsOf(context, objects).list({ ...filter, states, limit }), 200);
    })
    .openapi(get, async (context) => {
      const { id } = context.req.valid("param");
      const approval = await approvalsOf(context, objects).get(id);
      if (approval === undefined) throw unknownApproval(id);
      return context.json(approval, 200);
    })
    .openapi(answer, async (context) => {
      const { id } = context.req.valid("param");
      const request = { id, ...context.req.valid("json"), answeredBy: callerOf(context) };
      return context.json(recorded(id, await approvalsOf(context, objects).answer(request)), 200);
    });
  const router = createRouter();
  router.route("/", linkRoutes(objects));
  router.route("/", gated);
  return router;
}
