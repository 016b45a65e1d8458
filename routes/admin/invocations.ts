/** `/admin/invocations`: find invocations, look into them, act on them. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { INVOCATION_ACTIONS, type InvocationAction } from "../../src/admin/invocations/invocation-actions.ts";
import { InvocationNotFoundError } from "../../src/errors/invocation-not-found-error.ts";
import { createRouter, json, problems } from "../router.ts";
import { ADMIN_PROBLEMS, ADMIN_SECURITY, adminClient, BODY_PROBLEMS, jsonBody } from "./admin-context.ts";
import {
  batchAnswerSchema,
  batchSchema,
  invocationPageSchema,
  invocationPath,
  invocationSchema,
  journalPageSchema,
  journalQuery,
  listQuery,
  payloadsQuery,
  restartQuery,
  resumeQuery,
} from "./invocation-schemas.ts";
import { timelineSchema } from "./timeline-schema.ts";

const about = { tags: ["admin"], security: ADMIN_SECURITY };

const list = createRoute({
  ...about,
  operationId: "listInvocations",
  summary: "List invocations",
  description: "A page goes on where the one before ended, also while new invocations arrive.",
  method: "get",
  path: "/",
  request: { query: listQuery },
  responses: { 200: json(invocationPageSchema, "A page of invocations"), ...ADMIN_PROBLEMS },
});

const batch = createRoute({
  ...about,
  operationId: "batchInvocations",
  summary: "Do the same with many invocations",
  description:
    "With up to 1,000 ids, or with all that match a filter if they are at most `atMost`. The answer tells what happened to each; one that is refused does not stop the others.",
  method: "post",
  path: "/batch",
  request: { body: jsonBody(batchSchema) },
  responses: { 200: json(batchAnswerSchema, "What happened"), ...ADMIN_PROBLEMS, ...BODY_PROBLEMS },
});

const get = createRoute({
  ...about,
  operationId: "getInvocation",
  summary: "Get an invocation",
  method: "get",
  path: "/{id}",
  request: { params: invocationPath },
  responses: { 200: json(invocationSchema, "The invocation"), ...ADMIN_PROBLEMS },
});

const journal = createRoute({
  ...about,
  operationId: "getInvocationJournal",
  summary: "Get the journal of an invocation, as the server has it",
  method: "get",
  path: "/{id}/journal",
  request: { params: invocationPath, query: journalQuery },
  responses: { 200: json(journalPageSchema, "Entries of the journal"), ...ADMIN_PROBLEMS },
});

const timeline = createRoute({
  ...about,
  operationId: "getInvocationTimeline",
  summary: "Get an invocation as an agent's timeline",
  description:
    "Model steps, tools and everything else that was journaled: how long it took, how often it failed, and why.",
  method: "get",
  path: "/{id}/timeline",
  request: { params: invocationPath, query: payloadsQuery },
  responses: { 200: json(timelineSchema, "The timeline"), ...ADMIN_PROBLEMS },
});

const doneSchema = z.object({ id: z.string(), action: z.enum(INVOCATION_ACTIONS) }).openapi("InvocationActionResult");

/** Actions that take nothing but the invocation. */
const PLAIN = [
  ["cancel", "Ask a handler to end"],
  ["kill", "End an invocation without its handler"],
  ["pause", "Pause an invocation at its next chance"],
  ["purge", "Forget a completed invocation"],
  ["purge-journal", "Forget the journal of a completed invocation"],
] as const satisfies readonly (readonly [InvocationAction, string])[];

const ACTION_PROBLEMS = { ...ADMIN_PROBLEMS, ...problems(409) };

const resume = createRoute({
  ...about,
  operationId: "resumeInvocation",
  summary: "Resume an invocation, also on another deployment",
  method: "post",
  path: "/{id}/resume",
  request: { params: invocationPath, query: resumeQuery },
  responses: { 202: json(doneSchema, "It goes on"), ...ACTION_PROBLEMS },
});

const restart = createRoute({
  ...about,
  operationId: "restartInvocation",
  summary: "Run a completed invocation again as a new one, from its beginning or from one of its steps",
  method: "post",
  path: "/{id}/restart",
  request: { params: invocationPath, query: restartQuery },
  responses: {
    201: json(doneSchema.extend({ newId: z.string() }).openapi("InvocationRestarted"), "The new invocation"),
    ...ACTION_PROBLEMS,
    // Its journal is gone, or too short for the step.
    ...problems(410, 422),
  },
});

/** To be mounted at `/invocations`. */
export function invocationRoutes(): OpenAPIHono {
  const router = createRouter();
  addReadRoutes(router);
  for (const [action, summary] of PLAIN) {
    const route = createRoute({
      ...about,
      operationId: `${action === "purge-journal" ? "purgeJournalOf" : action}Invocation` as const,
      summary,
      method: "post",
      path: `/{id}/${action}`,
      request: { params: invocationPath },
      responses: { 202: json(doneSchema, "Restate has accepted it"), ...ACTION_PROBLEMS },
    });
    router.openapi(route, async (context) => {
      const { id } = context.req.valid("param");
      await adminClient(context).invocations.act(id, action);
      return context.json({ id, action }, 202);
    });
  }
  router.openapi(resume, async (context) => {
    const { id } = context.req.valid("param");
    await adminClient(context).invocations.act(id, "resume", context.req.valid("query"));
    return context.json({ id, action: "resume" as const }, 202);
  });
  router.openapi(restart, async (context) => {
    const { id } = context.req.valid("param");
    const newId = (await adminClient(context).invocations.act(id, "restart", context.req.valid("query"))) ?? "";
    return context.json({ id, action: "restart" as const, newId }, 201);
  });
  router.openapi(batch, async (context) => {
    const { action, ids, filter = {}, atMost = 0, dryRun = false, ...options } = context.req.valid("json");
    const { invocations } = adminClient(context);
    const { matched, items } =
      ids === undefined
        ? await invocations.actOnMatching(filter, action, { ...options, atMost, dryRun })
        : { matched: new Set(ids).size, items: await invocations.actOnAll(ids, action, options) };
    const done = items.filter((item) => item.done).length;
    return context.json({ action, dryRun, matched, done, items }, 200);
  });
  return router;
}

function addReadRoutes(router: OpenAPIHono): void {
  router.openapi(list, async (context) => {
    const { limit, cursor, order, total, ...filter } = context.req.valid("query");
    const page = await adminClient(context).invocations.list(filter, { limit, cursor, order, total });
    return context.json(page, 200);
  });
  router.openapi(get, async (context) => {
    const { id } = context.req.valid("param");
    const invocation = await adminClient(context).invocations.get(id);
    if (invocation === undefined) throw new InvocationNotFoundError(id);
    return context.json(invocation, 200);
  });
  router.openapi(journal, async (context) => {
    const { payloads, after, limit } = context.req.valid("query");
    const most = payloads === true ? Math.min(limit ?? 100, 100) : limit;
    const page = await adminClient(context).invocations.journal(context.req.valid("param").id, {
      payloads,
      after,
      limit: most,
    });
    return context.json(page, 200);
  });
  router.openapi(timeline, async (context) => {
    const { id } = context.req.valid("param");
    return context.json(await adminClient(context).invocations.timeline(id, context.req.valid("query")), 200);
  });
}
