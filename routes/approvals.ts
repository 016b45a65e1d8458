/** `/approvals`: what people are asked, and their answers. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { cors } from "hono/cors";
import type { Approval, ApprovalState } from "../src/approvals/approvals.ts";
import { type AgentsRouteOptions, apiKeys } from "./agents.ts";
import { hideKeysInProblems } from "./agents/key-space.ts";
import { approvalsOf, recorded, unknownApproval } from "./approvals/approval-context.ts";
import type { ApprovalOptions } from "./approvals/approval-options.ts";
import { answerSchema, approvalSchema, idParams, listSchema } from "./approvals/approval-schemas.ts";
import { type ApprovalView, approvalViewOf, refuseOwn } from "./approvals/approval-view.ts";
import { linkRoutes } from "./approvals/link.ts";
import { limitedJson } from "./body.ts";
import { callerOf } from "./caller.ts";
import { API_KEY_SCHEME } from "./openapi.ts";
import { rateLimit } from "./rate-limit.ts";
import { createRouter, json, problems } from "./router.ts";
import { sessionName } from "./session-name.ts";

const CURSOR = /^\d{1,15}\.apr_[0-9a-z_]{1,60}$/;

const querySchema = z.strictObject({
  agent: z
    .string()
    .min(1)
    .max(1_024)
    .optional()
    .openapi({ description: "Name of the agent, or of the session's service" }),
  session: sessionName
    .optional()
    .openapi({ description: "The conversation; of a caller with a name one of the caller's own" }),
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
  /** Names of all approval objects, for those with a link. */
  readonly objects: readonly string[];
  /** Names of those whose approvals are served to callers. Without any there are only links. */
  readonly served: readonly string[];
  readonly mayReview?: ApprovalOptions["mayReview"];
  readonly fourEyes?: ApprovalOptions["fourEyes"];
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
  description:
    "With `session` it is one call to Restate, without it eight for each object that keeps approvals. A caller with a name " +
    "sees those of the caller's own conversations and runs, and those that the app lets the caller review. A page may have fewer " +
    "than `limit`: there are more as long as there is `next`.",
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
  responses: { 200: json(approvalSchema, "It is recorded"), ...PROBLEMS, ...problems(403, 408, 409, 413, 415) },
});

/** The routes, to be mounted at `/approvals`. */
export function approvalRoutes(options: ApprovalRouteOptions): OpenAPIHono {
  const router = createRouter();
  router.route("/", linkRoutes(options.objects));
  if (options.served.length > 0) router.route("/", gatedRoutes(options));
  return router;
}

function gatedRoutes({ served, auth, cors: origins, rateLimit: limiter, mayReview, fourEyes }: ApprovalRouteOptions) {
  const hasAuth = auth !== undefined;
  const router = createRouter();
  if (origins !== undefined) router.use("*", cors({ exposeHeaders: ["retry-after", "x-request-id"], ...origins }));
  router.use("*", hideKeysInProblems(hasAuth), auth ?? apiKeys(), rateLimit(limiter), limitedJson(BODY));
  const viewOf = (context: Context): Promise<ApprovalView> => approvalViewOf(context, hasAuth, mayReview);
  /** @throws HttpProblem `approval-not-found` (404), also for what the caller may not see: nobody learns which. */
  const find = async (context: Context, { sees }: ApprovalView, id: string): Promise<Approval> => {
    const approval = await approvalsOf(context, served).get(id);
    if (approval === undefined || (await sees?.(approval)) === false) throw unknownApproval(id);
    return approval;
  };
  return router
    .openapi(list, async (context) => {
      const { state = "pending", limit = DEFAULT_LIMIT, session, ...query } = context.req.valid("query");
      const { sees, shown, filter, sessionKey } = await viewOf(context);
      const request = {
        ...query,
        ...filter,
        ...(session === undefined ? {} : { session: sessionKey(session) }),
        states: state === "decided" ? DECIDED : [state],
        limit,
      };
      const { approvals, next } = await approvalsOf(context, served).list(request, sees);
      return context.json({ approvals: approvals.map(shown), next }, 200);
    })
    .openapi(get, async (context) => {
      const view = await viewOf(context);
      return context.json(view.shown(await find(context, view, context.req.valid("param").id)), 200);
    })
    .openapi(answer, async (context) => {
      const { id } = context.req.valid("param");
      const view = await viewOf(context);
      // Whose a question is never changes, so it is enough to have looked before.
      const isChecked = fourEyes === true && context.req.valid("json").approved;
      const approval = view.sees !== undefined || isChecked ? await find(context, view, id) : undefined;
      if (isChecked && approval !== undefined) await refuseOwn(context, approval);
      const request = { id, ...context.req.valid("json"), answeredBy: callerOf(context) };
      return context.json(recorded(id, await approvalsOf(context, served).answer(request), view.shown), 200);
    });
}
