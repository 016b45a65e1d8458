import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { VirtualQueue } from "../../src/admin/flow-control/virtual-queues.ts";
import { createRouter, json, problems } from "../router.ts";
import { ADMIN_PROBLEMS, ADMIN_SECURITY, adminClient, pathParameter, requireVirtualQueues } from "./admin-context.ts";

const about = { tags: ["admin"], security: ADMIN_SECURITY };
const id = pathParameter("id", /^[0-9A-Za-z_-]{1,128}$/, "vq_1fakR3nFgBcz0qEcxN6QEm4s");

const queueSchema: z.ZodType<VirtualQueue> = z
  .object({
    id: z.string(),
    paused: z.boolean(),
    service: z.string().optional(),
    scope: z.string().optional(),
    limitKey: z.string().optional(),
    waiting: z.int(),
    running: z.int(),
    suspended: z.int(),
  })
  .openapi("VirtualQueue");

const list = createRoute({
  ...about,
  operationId: "listVirtualQueues",
  summary: "List up to 1,000 queues that hold invocations or are paused",
  method: "get",
  path: "/",
  responses: { 200: json(z.object({ queues: queueSchema.array() }), "Queues"), ...ADMIN_PROBLEMS, ...problems(501) },
});

const pause = createRoute({
  ...about,
  operationId: "pauseVirtualQueue",
  summary: "Pause a queue",
  description: "restate-server 1.7.12 sets the mark, and was seen to start what is sent to the queue nevertheless.",
  method: "post",
  path: "/{id}/pause",
  request: { params: id },
  responses: { 202: { description: "It will be paused" }, ...ADMIN_PROBLEMS, ...problems(409, 501) },
});

const resume = createRoute({
  ...about,
  operationId: "resumeVirtualQueue",
  summary: "Let a paused queue go on",
  method: "post",
  path: "/{id}/resume",
  request: { params: id },
  responses: { 202: { description: "It will go on" }, ...ADMIN_PROBLEMS, ...problems(409, 501) },
});

/** `/virtual-queues` */
export function virtualQueueRoutes(): OpenAPIHono {
  const router = createRouter();
  router.openapi(list, async (context) => {
    const admin = adminClient(context);
    await requireVirtualQueues(admin);
    return context.json({ queues: [...(await admin.virtualQueues.list())] }, 200);
  });
  router.openapi(pause, async (context) => {
    const admin = adminClient(context);
    await requireVirtualQueues(admin);
    await admin.virtualQueues.pause(context.req.valid("param").id);
    return context.body(null, 202);
  });
  router.openapi(resume, async (context) => {
    const admin = adminClient(context);
    await requireVirtualQueues(admin);
    await admin.virtualQueues.resume(context.req.valid("param").id);
    return context.body(null, 202);
  });
  return router;
}
