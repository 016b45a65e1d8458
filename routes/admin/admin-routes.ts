/** `/admin`: for operators. Without ADMIN_TOKEN there is nothing here. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { bearerGate } from "../auth.ts";
import { limitedJson } from "../body.ts";
import { HttpProblem } from "../problem.ts";
import { createRouter } from "../router.ts";
import { settingsOf } from "../settings.ts";
import { deploymentRoutes } from "./deployments.ts";
import { kafkaClusterRoutes } from "./kafka-clusters.ts";
import { limitRoutes } from "./limits.ts";
import { serviceRoutes } from "./services.ts";
import { subscriptionRoutes } from "./subscriptions.ts";
import { versionRoutes } from "./version.ts";
import { virtualQueueRoutes } from "./virtual-queues.ts";

const BODY_LIMITS = { maxBytes: 1024 * 1024, timeoutMs: 10_000 };

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
  router.route("/subscriptions", subscriptionRoutes());
  router.route("/kafka-clusters", kafkaClusterRoutes());
  router.route("/limits", limitRoutes());
  router.route("/virtual-queues", virtualQueueRoutes());
  router.route("/version", versionRoutes());
  refuseOtherMethods(router);
  return router;
}

function gate(): MiddlewareHandler {
  return bearerGate({
    setting: "ADMIN_TOKEN",
    tokens: (context) => settingsOf(context).ADMIN_TOKEN,
    closed: (path) => new HttpProblem("not-found", 404, `Nothing is served at ${path}`),
  });
}

const noStore: MiddlewareHandler = async (context, next) => {
  await next();
  context.header("cache-control", "no-store");
};

/** A path that exists answers 405 to methods that it does not have. */
function refuseOtherMethods(router: OpenAPIHono): void {
  const methods = new Map<string, Set<string>>();
  for (const { path, method } of router.routes) {
    if (method === "ALL") continue;
    methods.set(path, (methods.get(path) ?? new Set()).add(method));
  }
  for (const [path, known] of methods) {
    const allow = [...(known.has("GET") ? [...known, "HEAD"] : known)].sort().join(", ");
    router.all(path, ({ req }) => {
      throw new HttpProblem("method-not-allowed", 405, `Cannot ${req.method} ${req.path}: use ${allow}`, {
        headers: { allow },
      });
    });
  }
}
