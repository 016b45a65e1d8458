import type { Hono } from "hono";
import type { BlankEnv } from "hono/types";
import { withCompanions } from "../src/endpoint/companions.ts";
import { type AnyService } from "../src/endpoint/restate-endpoint.ts";
import { DefinitionError } from "../src/errors/definition-error.ts";
import type { JournalEncryption } from "../src/encryption/journal-encryption.ts";
import type { SpanExporter } from "../src/telemetry/span.ts";
import { adminRoutes } from "./admin/admin-routes.ts";
import { agentsRoutes, type AgentsRouteOptions } from "./agents.ts";
import { checkAgentsOptions } from "./agents/options.ts";
import { approvalRoutes } from "./approvals.ts";
import {
  type ApprovalOptions,
  approvalObjectsOf,
  checkApprovalOptions,
  servedObjectsOf,
} from "./approvals/approval-options.ts";
import { chatRoutes, sessionsOf } from "./chat.ts";
import { withEncryption } from "./encryption.ts";
import { healthRoute } from "./health.ts";
import { withBindings } from "./operations/bindings.ts";
import { errorsOnly } from "./operations/errors-only.ts";
import { openApiRoute, registerSecuritySchemes } from "./openapi.ts";
import { answerFailures } from "./operations/failures.ts";
import { consoleLog, type Log, quietLog } from "./operations/log.ts";
import type { McpServerApp } from "./mcp.ts";
import { notFound } from "./operations/not-found.ts";
import { observe } from "./operations/observe.ts";
import { shapesOf } from "./operations/service-shape.ts";
import { wellFormedUrl } from "./operations/well-formed-url.ts";
import { playgroundRoutes } from "./playground.ts";
import type { PlaygroundFiles } from "./playground-files.ts";
import { readyRoute } from "./ready.ts";
import { restateRoute } from "./restate.ts";
import { createRouter } from "./router.ts";

/**
 * What an edge app serves. The options of the agents API (`auth`, `cors`, `rateLimit`, `waitMs`, `maxWaitMs`,
 * `maxBodyBytes`) are those of `AgentsRouteOptions`.
 */
export interface EdgeAppOptions extends Partial<AgentsRouteOptions> {
  /** What `service()`, `object()`, `workflow()`, `agentService()` and `agentSession()` made. */
  readonly services: readonly AnyService[];
  /**
   * Those of `services` that callers with an API key may invoke at `/agents`, without their `ingressPrivate` handlers.
   * Default none: then nothing is served there. What `approvalObject()` made is not invoked: its approvals are served at
   * `/approvals` when it is public, as those of public sessions are.
   */
  readonly publicServices?: readonly AnyService[];
  /** Whose approvals are served at `/approvals` beside those of `publicServices`, and who may review those of others. */
  readonly approvals?: ApprovalOptions | undefined;
  /** Agents as tools of an MCP server at `/mcp`: what `mcpServer()` made. Default: there is none. */
  readonly mcp?: McpServerApp;
  /** One stream for a whole invocation. For Deno and Node; refused on Workers. Default false. */
  readonly bidirectional?: boolean;
  /** Name in `/health`. Default `restate-edge-agents`. */
  readonly name?: string;
  /**
   * Path of the Restate endpoint, such as `/internal/restate`. Below it, `/v/<version>` is the endpoint of one version.
   * Default `/restate`.
   */
  readonly mount?: string;
  /** More facts for `/health`. */
  readonly info?: () => Readonly<Record<string, unknown>>;
  /**
   * Where log lines go: one a request, one for each failure that nobody expected. They hold no body, token, key or query
   * value. Default: JSON to the console. `false`: only the failures.
   */
  readonly log?: Log | false;
  /**
   * Where the spans of agents go. Default: over OTLP/HTTP to where `OTEL_EXPORTER_OTLP_ENDPOINT` says, if it is set.
   * `otlpTelemetry()` makes one with more options. `false`: nowhere.
   */
  readonly telemetry?: SpanExporter | false;
  /**
   * How what Restate keeps is encrypted. Default: with the keys in JOURNAL_KEYS, if it is set. `journalEncryption()` makes one
   * with keys of your own. `false`: not at all.
   */
  readonly encryption?: JournalEncryption | false;
  /**
   * Where the playground's files are, such as `playgroundFolder(…)`. Default: the Worker's static assets, binding `ASSETS`.
   * `false`: there is no playground. It is served in development, and elsewhere with the setting `PLAYGROUND=on`.
   */
  readonly playground?: PlaygroundFiles | false;
}

/**
 * The app: `export default createEdgeApp({ services })` is a Worker, and a server for `deno serve`.
 *
 * - `GET /health`, `GET /ready` and `GET /openapi.json` answer anyone.
 * - `/restate/*` answers Restate alone; `/restate/v/<version>/*` when it runs that version, else 503.
 * - `/agents/*` invokes `publicServices` for callers with a key in AGENT_API_KEYS, or whom `auth` lets pass.
 * - `/chat/*` is for the same callers: conversations with those of `publicServices` that `agentSession()` made.
 * - `/approvals/*` shows and takes what people are asked by public sessions, and what public approval objects keep, for the
 *   same callers; `approvals` says more. People with a signed link reach what it is for.
 * - `/mcp` has the agents of `mcp` as tools, for the same callers; `/.well-known/oauth-protected-resource/mcp` says whose tokens
 *   open it, if `mcp` does.
 * - `/admin/*` operates Restate for those with ADMIN_TOKEN. Without that setting it is not there.
 * - `/` is the playground, in development or with PLAYGROUND=on.
 *
 * Everything else is 404. Errors are `application/problem+json` (RFC 9457) with a stable `code`. Every answer has an
 * `x-request-id`.
 *
 * @throws DefinitionError when `mount` is not a path or belongs to another route, for a public service that is not one of
 *   `services`, for `approvals` that cannot be, for a number of milliseconds or bytes out of bounds, and for `cors` without `origin`.
 *
 * @example
 * ```ts
 * export default createEdgeApp({ services: [travel, billing], publicServices: [travel] });
 * ```
 */
export function createEdgeApp(options: EdgeAppOptions): Hono {
  const {
    publicServices = [],
    bidirectional = false,
    name = "restate-edge-agents",
    mount = "/restate",
    info = () => ({}),
    log = consoleLog,
    mcp,
    telemetry,
    encryption,
  } = options;
  const failureLog = log === false ? quietLog : log;
  const services = withCompanions(options.services);
  checkMount(mount);
  checkPublic("publicServices", publicServices, services);
  checkPublic("the agents of mcp", mcp?.services ?? [], services);
  checkApprovalOptions(options.approvals ?? {}, services, options.auth !== undefined);
  checkAgentsOptions(options);
  const app = createRouter<BlankEnv>();
  app.use(
    withBindings,
    observe({ services, mount, log: log === false ? undefined : log }),
    errorsOnly,
    wellFormedUrl(mount),
  );
  app.use(withEncryption(encryption));
  registerSecuritySchemes(app);
  app.route("/", healthRoute({ name, info }));
  const isPublic = publicServices.length > 0;
  const objects = approvalObjectsOf(services);
  const served = servedObjectsOf(publicServices, options.approvals);
  const needsApiKeys = (isPublic || mcp !== undefined || served.length > 0) && options.auth === undefined;
  const shapes = [...shapesOf(services).values()];
  const needsIngress = isPublic || mcp !== undefined || objects.length > 0;
  app.route("/", readyRoute({ shapes, needsIngress, needsApiKeys, telemetry, encryption }));
  app.route("/", openApiRoute(app, name));
  if (isPublic) app.route("/agents", agentsRoutes({ ...options, publicServices }));
  if (sessionsOf(publicServices).size > 0) app.route("/chat", chatRoutes({ ...options, publicServices }, failureLog));
  if (objects.length > 0)
    app.route("/approvals", approvalRoutes({ ...options, ...options.approvals, objects, served }));
  if (mcp !== undefined) app.route("/", mcp.routes({ ...options, name, log: failureLog }));
  app.route("/admin", adminRoutes());
  if (options.playground !== false) {
    app.route("/", playgroundRoutes({ name, files: options.playground, auth: options.auth }));
  }
  app.route("/", restateRoute({ services, bidirectional, mount, name, telemetry, encryption }));
  app.notFound(notFound(app));
  app.onError(answerFailures(failureLog));
  return app;
}

/** First segments of the other routes' paths. */
const TAKEN: ReadonlySet<string> = new Set([
  "admin",
  "agents",
  "approvals",
  "chat",
  "health",
  "mcp",
  "openapi.json",
  "playground",
  "ready",
]);

/** Plain characters only: Hono would read a pattern into others, and Restate's signature check a different path. */
function checkMount(mount: string): void {
  const isPath = /^(\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+$/.test(mount);
  if (isPath && !TAKEN.has(mount.split("/")[1] ?? "")) return;
  throw new DefinitionError(
    isPath
      ? `Cannot create the edge app: mount must not begin with the path of another route: current value is "${mount}"`
      : `Cannot create the edge app: mount must be a path such as "/restate", without a slash at its end: current value is "${mount}"`,
  );
}

/** Restate would not know it: every call would be a 404 that nobody understands. */
function checkPublic(what: string, publicServices: readonly AnyService[], services: readonly AnyService[]): void {
  const names = new Set(services.map(({ name }) => name));
  const stranger = publicServices.find(({ name }) => !names.has(name));
  if (stranger === undefined) return;
  throw new DefinitionError(
    `Cannot create the edge app: ${what} must be among services: current value has "${stranger.name}"`,
  );
}
