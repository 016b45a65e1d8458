import { Hono } from "hono";
import { type AnyService } from "../src/endpoint/restate-endpoint.ts";
import { healthRoute } from "./health.ts";
import { problem, problemOf } from "./problem.ts";
import { restateRoute } from "./restate.ts";

/** What an edge app serves. */
export interface EdgeAppOptions {
  /** What `service()`, `object()`, `workflow()` and `agentService()` made. */
  readonly services: readonly AnyService[];
  /** One stream for a whole invocation. For Deno and Node; refused on Workers. Default false. */
  readonly bidirectional?: boolean;
  /** Name in `/health`. Default `restate-edge-agents`. */
  readonly name?: string;
  /** Path of the Restate endpoint. Default `/restate`. */
  readonly mount?: string;
  /** More facts for `/health`. */
  readonly info?: () => Readonly<Record<string, unknown>>;
}

/**
 * The app: `export default createEdgeApp({ services })` is a Worker, and a server for `deno serve`.
 *
 * `GET /health` answers anyone; `/restate/*` answers Restate alone; everything else is 404. Errors are
 * `application/problem+json` (RFC 9457) with a stable `code`.
 */
export function createEdgeApp(options: EdgeAppOptions): Hono {
  const { services, bidirectional = false, name = "restate-edge-agents", mount = "/restate", info = () => ({}) } = options;
  return new Hono()
    .route("/", healthRoute({ name, info }))
    .route("/", restateRoute({ services, bidirectional, mount }))
    .notFound((context) => problem("not-found", 404, `Nothing is served at ${new URL(context.req.url).pathname}`))
    .onError((error) => {
      const answer = problemOf(error);
      if (answer.status >= 500 && !("errorCode" in error)) console.error("A request failed", error);
      return answer;
    });
}
