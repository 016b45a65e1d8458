import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import {
  type Deployment,
  deploymentSchema,
  type DetailedDeployment,
  detailedDeploymentSchema,
  type DeploymentFacts,
} from "../../src/admin/deployments/deployment-schemas.ts";
import type { DrainStatus } from "../../src/admin/deployments/deployments.ts";
import { registerWithReport } from "../../src/admin/deployments/registration-report.ts";
import { RestateRefusedError } from "../../src/errors/restate-refused-error.ts";
import { HttpProblem } from "../problem.ts";
import { createRouter, json, problems } from "../router.ts";
import {
  ADMIN_PROBLEMS,
  ADMIN_SECURITY,
  adminClient,
  BODY_PROBLEMS,
  jsonBody,
  pathParameter,
  querySwitch,
} from "./admin-context.ts";
import { deploymentUpdateSchema, deploymentRegistrationSchema, registrationReportSchema } from "./deployment-bodies.ts";

const about = { tags: ["admin"], security: ADMIN_SECURITY };
const id = pathParameter("id", /^dp_[0-9A-Za-z]{1,64}$/, "dp_117Sc4tiwdHF3JmbS5fTblD");

const drainSchema: z.ZodType<DrainStatus> = z
  .object({
    pinnedInvocations: z.int().openapi({ description: "Invocations that began on it and have not completed" }),
    latestOf: z.string().array().openapi({ description: "Services whose new invocations go to it" }),
    drained: z.boolean().openapi({ description: "True when neither an invocation nor a service needs it" }),
  })
  .openapi("DrainStatus");

interface DeploymentAnswer extends DetailedDeployment {
  readonly drain: DrainStatus;
}

const deploymentAnswer: z.ZodType<DeploymentAnswer> = z
  .intersection(detailedDeploymentSchema, z.object({ drain: drainSchema }))
  .openapi("DeploymentWithDrainStatus");

const list = createRoute({
  ...about,
  operationId: "listDeployments",
  summary: "List deployments",
  description: "Values of headers are hidden: `***`.",
  method: "get",
  path: "/",
  responses: {
    200: json(z.object({ deployments: deploymentSchema.array() }), "All deployments"),
    ...ADMIN_PROBLEMS,
  },
});

const get = createRoute({
  ...about,
  operationId: "getDeployment",
  summary: "Get a deployment, and whether it is still needed",
  method: "get",
  path: "/{id}",
  request: { params: id },
  responses: { 200: json(deploymentAnswer, "The deployment"), ...ADMIN_PROBLEMS },
});

const register = createRoute({
  ...about,
  operationId: "registerDeployment",
  summary: "Register a deployment, or find out with dryRun what that would change",
  description:
    "Restate asks the URI for its services and sends their new invocations there. A URI that is registered already is not asked again unless `force` is true (`outcome: known`). A dry run answers 200 also when Restate would refuse: `outcome: refused`, with the reason.",
  method: "post",
  path: "/",
  request: { body: jsonBody(deploymentRegistrationSchema) },
  responses: {
    200: json(registrationReportSchema, "A dry run, or the URI was registered already"),
    201: json(registrationReportSchema, "A new deployment"),
    ...ADMIN_PROBLEMS,
    ...BODY_PROBLEMS,
  },
});

const update = createRoute({
  ...about,
  operationId: "updateDeployment",
  summary: "Change where a deployment is or what is sent to it",
  description:
    "For repairing a deployment that invocations are pinned to. `headers` replaces all of them. Services stay as they were discovered unless `overwrite` is true.",
  method: "patch",
  path: "/{id}",
  request: { params: id, body: jsonBody(deploymentUpdateSchema) },
  responses: { 200: json(detailedDeploymentSchema, "The deployment"), ...ADMIN_PROBLEMS, ...BODY_PROBLEMS },
});

const remove = createRoute({
  ...about,
  operationId: "deleteDeployment",
  summary: "Delete a deployment that nothing needs",
  description:
    "409 `deployment-in-use` while invocations are pinned to it or it is the latest of a service. With `force` it is deleted nevertheless: those invocations fail until they are moved to another deployment.",
  method: "delete",
  path: "/{id}",
  request: { params: id, query: z.strictObject({ force: querySwitch }) },
  responses: { 204: { description: "It is deleted" }, ...ADMIN_PROBLEMS, ...problems(409) },
});

/** `/deployments` */
export function deploymentRoutes(): OpenAPIHono {
  const router = createRouter();
  router.openapi(list, async (context) => {
    const deployments: readonly Deployment[] = await adminClient(context).deployments.list();
    return context.json({ deployments: deployments.map(withoutSecrets) }, 200);
  });
  router.openapi(get, async (context) => {
    const { deployments } = adminClient(context);
    const { id } = context.req.valid("param");
    const [deployment, drain] = await Promise.all([deployments.get(id), deployments.drained(id)]);
    return context.json({ ...withoutSecrets(deployment), drain }, 200);
  });
  router.openapi(register, async (context) => {
    const report = await registerWithReport(adminClient(context), context.req.valid("json")).catch(discoveryFailed);
    if (report.dryRun || report.outcome !== "created") return context.json(report, 200);
    const base = new URL(context.req.url).pathname.replace(/\/$/, "");
    return context.json(report, 201, { location: `${base}/${report.deploymentId}` });
  });
  router.openapi(update, async (context) => {
    const { id } = context.req.valid("param");
    const changed = await adminClient(context).deployments.update(id, context.req.valid("json")).catch(discoveryFailed);
    return context.json(withoutSecrets(changed), 200);
  });
  router.openapi(remove, async (context) => {
    const { deployments } = adminClient(context);
    const { id } = context.req.valid("param");
    if (context.req.valid("query").force !== true) refuseIfNeeded(id, await deployments.drained(id));
    await deployments.remove(id);
    return context.body(null, 204);
  });
  return router;
}

function refuseIfNeeded(id: string, drain: DrainStatus): void {
  if (drain.drained) return;
  const { pinnedInvocations, latestOf } = drain;
  const reasons = [
    ...(pinnedInvocations === 0 ? [] : [`${pinnedInvocations} invocations that have not completed are pinned to it`]),
    ...(latestOf.length === 0 ? [] : [`it is the latest deployment of ${latestOf.join(", ")}`]),
  ];
  const detail = `Cannot delete ${id}: ${reasons.join(", and ")}. ?force=true deletes it nevertheless`;
  throw new HttpProblem("deployment-in-use", 409, detail, { members: { drain } });
}

/** Headers are where the keys of a deployment are. */
function withoutSecrets<FACTS extends DeploymentFacts>(deployment: FACTS): FACTS {
  const { headers } = deployment;
  if (headers === undefined) return deployment;
  return { ...deployment, headers: Object.fromEntries(Object.keys(headers).map((name) => [name, "***"])) };
}

/** Restate answers 500 when an endpoint cannot be discovered: the URI of the request was wrong, not Restate. */
function discoveryFailed(error: unknown): never {
  if (!(error instanceof RestateRefusedError) || error.code < 500) throw error;
  const { restateCode } = error.fields;
  throw new HttpProblem("restate-refused", 422, error.message, {
    members: restateCode === undefined ? {} : { restateCode },
    cause: error,
  });
}
