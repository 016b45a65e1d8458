/** `/agents`: invoke agents from anywhere. Only public services, only for callers with an API key. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { AnyService } from "../src/endpoint/restate-endpoint.ts";
import type { FlowControlOf } from "./agents/flow-control.ts";
import { invocationRoutes } from "./agents/invocations.ts";
import { invokeRoutes } from "./agents/invoke.ts";
import { hideKeysInProblems } from "./agents/key-space.ts";
import { checkAgentsOptions } from "./agents/options.ts";
import type { AgentsContext } from "./agents/route-context.ts";
import { Targets } from "./agents/targets.ts";
import { bearerGate } from "./auth.ts";
import { limitedJson } from "./body.ts";
import { HttpProblem } from "./problem.ts";
import { rateLimit, type RateLimiter } from "./rate-limit.ts";
import { createRouter } from "./router.ts";
import { settingsOf } from "./settings.ts";

type HonoCorsOptions = NonNullable<Parameters<typeof cors>[0]>;

/** Options of `hono/cors`. Whose pages are meant must be said. */
export type CorsOptions = HonoCorsOptions & { origin: NonNullable<HonoCorsOptions["origin"]> };

/** How the agents API is served. */
export interface AgentsRouteOptions {
  /** The services that callers may invoke, without their `ingressPrivate` handlers. */
  readonly publicServices: readonly AnyService[];
  /**
   * Stands in for the API keys, such as `hono/jwt` or a check of Cloudflare Access. It throws or answers what is not to
   * pass, and may set `caller`, a text that names who asks; without it the `sub` of a JWT that `hono/jwt` has checked does.
   *
   * Callers who are named have rate limits, idempotency keys, invocations and conversations of their own: another's
   * invocation is `invocation-not-found`, and two who name a conversation alike have two. Of approvals they see those of
   * their own conversations and of runs that they began; see `approvals`. They share the keys of plain objects and workflows, which are the app's own
   * data, and a workflow's `run`, whose id is its only key: give such keys out by caller, or check them in `auth`.
   * Callers whom nothing names share everything, as API keys do: those are of one trust, so that a key can be replaced by
   * another. They reach nothing of a named caller's. A run is its caller's with the agents that it calls; what a handler
   * sends by hand is nobody's by name, whoever began it.
   */
  readonly auth?: MiddlewareHandler | undefined;
  /** Lets pages of other origins use the API; without it no browser lets them. Preflights are answered before `auth`. */
  readonly cors?: CorsOptions | undefined;
  /** Default: the Worker's rate-limit binding `RATE_LIMITER`, when there is one. */
  readonly rateLimit?: RateLimiter | undefined;
  /**
   * Where calls of services, those at `/mcp` too, count in Restate's flow control: which tenant's scope, which provider's limit key. Rules bound how
   * many run at a time (`/admin/limits`). On a server without flow control such calls are answered `unsupported-by-server`
   * (501): a limit that does not hold must not look as if it did. Objects, workflows and conversations are not asked about: a
   * scope would make others of them.
   */
  readonly flowControl?: FlowControlOf | undefined;
  /** How long a call waits for its result unless the caller says otherwise, in milliseconds. Then it answers 202. Default 60,000; at most a day. */
  readonly waitMs?: number | undefined;
  /** Longest wait that callers may ask for, in milliseconds. Default 120,000; at most a day. */
  readonly maxWaitMs?: number | undefined;
  /** Largest body of a request, in bytes. Default 1 MiB. */
  readonly maxBodyBytes?: number | undefined;
}

const BODY_TIMEOUT_MS = 10_000;

/** Headers of answers that pages of other origins may read. */
const EXPOSED = ["location", "preference-applied", "retry-after", "x-request-id", "x-restate-id"];

/**
 * The routes of the agents API, to be mounted at `/agents`.
 *
 * @throws DefinitionError for options that cannot be used.
 */
export function agentsRoutes(options: AgentsRouteOptions): OpenAPIHono {
  checkAgentsOptions(options);
  const { publicServices, auth = apiKeys(), maxBodyBytes: maxBytes = 1024 * 1024 } = options;
  const { waitMs = 60_000, maxWaitMs = 120_000 } = options;
  const agents: AgentsContext = {
    targets: new Targets(publicServices),
    hasAuth: options.auth !== undefined,
    waitMs,
    maxWaitMs,
    flowControl: options.flowControl,
  };
  const router = createRouter();
  if (options.cors !== undefined) router.use("*", cors({ exposeHeaders: EXPOSED, ...options.cors }));
  router.use(
    "*",
    hideKeysInProblems(agents.hasAuth),
    auth,
    rateLimit(options.rateLimit),
    limitedJson({ maxBytes, timeoutMs: BODY_TIMEOUT_MS }),
  );
  router.route("/", invocationRoutes(agents));
  router.route("/", invokeRoutes(agents));
  return router;
}

/** Lets callers pass that have a key in AGENT_API_KEYS. */
export function apiKeys(): MiddlewareHandler {
  return bearerGate({
    setting: "AGENT_API_KEYS",
    tokens: (context) => settingsOf(context).AGENT_API_KEYS,
    closed: () =>
      new HttpProblem(
        "api-keys-missing",
        503,
        "Nobody can invoke agents here: set AGENT_API_KEYS to keys of at least 16 characters, or their hashes",
      ),
  });
}
