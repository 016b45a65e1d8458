import { Hono } from "hono";
import { type AnyService } from "../src/endpoint/restate-endpoint.ts";
import { DefinitionError } from "../src/errors/definition-error.ts";
import { healthRoute } from "./health.ts";
import { isProblem, problem, problemOf } from "./problem.ts";
import { restateRoute } from "./restate.ts";

/** What an edge app serves. */
export interface EdgeAppOptions {
  /** What `service()`, `object()`, `workflow()` and `agentService()` made. */
  readonly services: readonly AnyService[];
  /** One stream for a whole invocation. For Deno and Node; refused on Workers. Default false. */
  readonly bidirectional?: boolean;
  /** Name in `/health`. Default `restate-edge-agents`. */
  readonly name?: string;
  /** Path of the Restate endpoint, such as `/internal/restate`. Default `/restate`. */
  readonly mount?: string;
  /** More facts for `/health`. */
  readonly info?: () => Readonly<Record<string, unknown>>;
}

/**
 * The app: `export default createEdgeApp({ services })` is a Worker, and a server for `deno serve`.
 *
 * `GET /health` answers anyone; `/restate/*` answers Restate alone; everything else is 404. Errors are
 * `application/problem+json` (RFC 9457) with a stable `code`.
 *
 * @throws DefinitionError when `mount` is not a path.
 */
export function createEdgeApp(options: EdgeAppOptions): Hono {
  const {
    services,
    bidirectional = false,
    name = "restate-edge-agents",
    mount = "/restate",
    info = () => ({}),
  } = options;
  checkMount(mount);
  return new Hono()
    .route("/", healthRoute({ name, info }))
    .route("/", restateRoute({ services, bidirectional, mount }))
    .notFound((context) => problem("not-found", 404, `Nothing is served at ${new URL(context.req.url).pathname}`))
    .onError((error) => {
      if (!isProblem(error)) console.error("A request failed", error);
      return problemOf(error);
    });
}

/** Plain characters only: Hono would read a pattern into others, and Restate's signature check a different path. */
function checkMount(mount: string): void {
  if (/^(\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+$/.test(mount)) return;
  throw new DefinitionError(
    `Cannot create the edge app: mount must be a path such as "/restate", without a slash at its end: current value is "${mount}"`,
  );
}
