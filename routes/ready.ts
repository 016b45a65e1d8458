import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { waitUntilOf } from "./operations/wait-until.ts";
import { Readiness, type ReadinessOptions, type Report } from "./readiness/readiness.ts";
import { createRouter, json, problems } from "./router.ts";
import { settingsOf } from "./settings.ts";

const checkSchema = z.object({
  name: z.string(),
  status: z.enum(["pass", "fail", "skip"]).openapi({ description: "`skip`: nothing to check, or not known" }),
  detail: z.string(),
  durationMs: z.number(),
});

const reportSchema: z.ZodType<Report> = z
  .object({ status: z.enum(["pass", "fail"]), checks: checkSchema.array() })
  .openapi("Readiness", {
    example: {
      status: "pass",
      checks: [{ name: "identity-keys", status: "pass", detail: "1 identity key", durationMs: 0 }],
    },
  });

const route = createRoute({
  method: "get",
  path: "/ready",
  operationId: "getReady",
  summary: "Readiness",
  description:
    "Whether the app can do its work: identity keys, Restate's ingress and Admin API, whether this version is registered and the latest, traces, and API keys where agents need them. Checked at most every few seconds.",
  tags: ["operations"],
  responses: {
    200: json(reportSchema, "No check failed"),
    ...problems(400),
    503: {
      description: "A check failed",
      content: { ...json(reportSchema, "").content, ...problems(503)[503].content },
    },
  },
});

/** `GET /ready`: 200 or 503 with named checks. */
export function readyRoute(options: ReadinessOptions): OpenAPIHono {
  const readiness = new Readiness(options);
  return createRouter().openapi(route, async (context) => {
    const report = await readiness.report(settingsOf(context), waitUntilOf(context));
    if (report.status === "pass") return context.json(report, 200);
    return context.json(report, 503, { "retry-after": "5" });
  });
}
