/** `/admin`: for operators. Without ADMIN_TOKEN there is nothing here. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { bearerGate } from "../auth.ts";
import { limitedJson } from "../body.ts";
import { shortened } from "../operations/not-found.ts";
import { HttpProblem } from "../problem.ts";
import { createRouter } from "../router.ts";
import { settingsOf } from "../settings.ts";
import { deploymentRoutes } from "./deployments.ts";
import { invocationRoutes } from "./invocations.ts";
import { kafkaClusterRoutes } from "./kafka-clusters.ts";
import { limitRoutes } from "./limits.ts";
import { serviceRoutes } from "./services.ts";
import { stateRoutes } from "./state.ts";
import { subscriptionRoutes } from "./subscriptions.ts";
import { versionRoutes } from "./version.ts";
import { virtualQueueRoutes } from "./virtual-queues.ts";

/** A value of a state may have 1,000 levels, and stands in some more. */
const BODY_LIMITS = { maxBytes: 1024 * 1024, timeoutMs: 10_000, maxLevels: 1_024 };

/**
 * The routes of the Admin API behind ADMIN_TOKEN, to be mounted at `/admin`.
 *
 * Without the setting every path answers `not-found` (404) as if nothing were mounted; with it every path, known or not,
 * answers `unauthorized` (401) to those who have no token.
 */
export function adminRoutes(): OpenAPIHono {
  const router = createRouter();
  router.use("*", gate(), noStore, limitedJson(BODY_LIMITS));
  router.route("/deployments", deploymentRoutes());
  router.route("/services", serviceRoutes());
  router.route("/invocations", invocationRoutes());
  router.route("/state", stateRoutes());
  router.route("/subscriptions", subscriptionRoutes());
  router.route("/kafka-clusters", kafkaClusterRoutes());
  router.route("/limits", limitRoutes());
  router.route("/virtual-queues", virtualQueueRoutes());
  router.route("/version", versionRoutes());
  return router;
}

function gate(): MiddlewareHandler {
  return bearerGate({
    setting: "ADMIN_TOKEN",
    tokens: (context) => settingsOf(context).ADMIN_TOKEN,
    // Of a virtual object, in the filter of invocations.
    ownQueryNames: ["key"],
    closed: (path) => new HttpProblem("not-found", 404, `Nothing is served at ${shortened(path)}`),
  });
}

const noStore: MiddlewareHandler = async (context, next) => {
  await next();
  context.header("cache-control", "no-store");
};
