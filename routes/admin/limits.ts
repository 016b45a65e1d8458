import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import {
  limitRuleSchema,
  type RuleChange,
  ruleChangeSchema,
  type RuleDeletion,
  ruleDeletionSchema,
} from "../../src/admin/flow-control/limits.ts";
import { createRouter, json, problems } from "../router.ts";
import {
  ADMIN_PROBLEMS,
  ADMIN_SECURITY,
  adminClient,
  BODY_PROBLEMS,
  jsonBody,
  requireVirtualQueues,
} from "./admin-context.ts";

const about = { tags: ["admin"], security: ADMIN_SECURITY };
const MAX_RULES = 1_000;

const changes: z.ZodType<{ readonly rules: readonly RuleChange[] }> = z
  .strictObject({ rules: ruleChangeSchema.array().min(1).max(MAX_RULES) })
  .openapi("RuleChanges");
const deletions: z.ZodType<{ readonly rules: readonly RuleDeletion[] }> = z
  .strictObject({ rules: ruleDeletionSchema.array().min(1).max(MAX_RULES) })
  .openapi("RuleDeletions");
const rules = z.object({ rules: limitRuleSchema.array() });

const list = createRoute({
  ...about,
  operationId: "listLimitRules",
  summary: "List the rules of flow control",
  method: "get",
  path: "/rules",
  responses: { 200: json(rules, "All rules"), ...ADMIN_PROBLEMS, ...problems(501) },
});

const upsert = createRoute({
  ...about,
  operationId: "writeLimitRules",
  summary: "Write rules of flow control, all or none",
  description: "A rule is replaced as a whole. 409 when a precondition does not hold.",
  method: "put",
  path: "/rules",
  request: { body: jsonBody(changes) },
  responses: { 200: json(rules, "Those rules"), ...ADMIN_PROBLEMS, ...BODY_PROBLEMS, ...problems(501) },
});

const remove = createRoute({
  ...about,
  operationId: "deleteLimitRules",
  summary: "Delete rules of flow control, all or none",
  method: "post",
  path: "/rules/bulk-delete",
  request: { body: jsonBody(deletions) },
  responses: {
    200: json(z.object({ deleted: z.string().array() }), "Patterns of those that were there"),
    ...ADMIN_PROBLEMS,
    ...BODY_PROBLEMS,
    ...problems(501),
  },
});

/** `/limits` */
export function limitRoutes(): OpenAPIHono {
  const router = createRouter();
  router.openapi(list, async (context) => {
    const admin = adminClient(context);
    await requireVirtualQueues(admin);
    return context.json({ rules: [...(await admin.limits.list())] }, 200);
  });
  router.openapi(upsert, async (context) => {
    const admin = adminClient(context);
    await requireVirtualQueues(admin);
    return context.json({ rules: [...(await admin.limits.upsert(context.req.valid("json").rules))] }, 200);
  });
  router.openapi(remove, async (context) => {
    const admin = adminClient(context);
    await requireVirtualQueues(admin);
    return context.json({ deleted: [...(await admin.limits.remove(context.req.valid("json").rules))] }, 200);
  });
  return router;
}
