/** `/mcp`: agents as tools of an MCP server, for whoever speaks MCP and has an API key. */
import { createMcpHandler } from "@modelcontextprotocol/server";
import type { Context, Next } from "hono";
import { cors } from "hono/cors";
import { Hono } from "hono";
import type { AnyService } from "../src/endpoint/restate-endpoint.ts";
import { DefinitionError } from "../src/errors/definition-error.ts";
import { apiKeys, type AgentsRouteOptions } from "./agents.ts";
import { Targets } from "./agents/targets.ts";
import { limitedJson } from "./body.ts";
import { exposedAgents, type McpAgent } from "./mcp/exposed-agent.ts";
import {
  challenge,
  checkAuthorization,
  type McpAuthorization,
  METADATA_PATH,
  metadataOf,
} from "./mcp/resource-metadata.ts";
import { type ServerFacts, serverFor } from "./mcp/server.ts";
import type { Log } from "./operations/log.ts";
import { HttpProblem } from "./problem.ts";
import { rateLimit } from "./rate-limit.ts";

/** What is exposed, and how. */
export interface McpServerOptions {
  /**
   * Services of `agentService()` and sessions of `agentSession()`, or `{ service, … }` with a description, and a handler and an
   * input of your own. Each is a tool. They must be among the app's `services`; they need not be public at `/agents`.
   */
  readonly agents: readonly (AnyService | McpAgent)[];
  /** The server's name. Default: the app's. */
  readonly name?: string | undefined;
  /** The server's version. Default `1.0.0`. */
  readonly version?: string | undefined;
  /** Tells clients how the tools are to be used. */
  readonly instructions?: string | undefined;
  /**
   * With an `auth` of tokens that authorization servers issue: which those are. Clients learn it from
   * `/.well-known/oauth-protected-resource/mcp`, and of that from every 401.
   */
  readonly authorization?: McpAuthorization | undefined;
  /**
   * How long a call waits for its result, in milliseconds; then it answers that the run goes on, and the tool `get_result`
   * waits for it. Default 50,000, as clients of MCP give up after a minute unless they are told of progress.
   */
  readonly waitMs?: number | undefined;
  /** The same for callers that ask for progress, who are told every five seconds. Default 600,000. */
  readonly maxWaitMs?: number | undefined;
}

/** What the app knows. */
export interface McpHost extends Pick<
  AgentsRouteOptions,
  "auth" | "cors" | "rateLimit" | "maxBodyBytes" | "flowControl"
> {
  /** The app's name. */
  readonly name: string;
  /** Told of failures that nobody expected. */
  readonly log: Log;
}

/** The option `mcp` of `createEdgeApp()`. */
export interface McpServerApp {
  /** The services that it exposes. */
  readonly services: readonly AnyService[];
  /** Its routes, `/mcp` among them. */
  routes(host: McpHost): Hono;
}

const PATH = "/mcp";
const BODY_TIMEOUT_MS = 10_000;
const MAX_WAIT_MS = 24 * 60 * 60_000;

/**
 * Exposes agents as tools of an MCP server at `/mcp`: Streamable HTTP without sessions, for callers with a key in
 * AGENT_API_KEYS, or whom `auth` lets pass. A call runs as an invocation of Restate's, so that it survives the client's, and
 * this app's, end. With an idempotency key, in the header `idempotency-key` or as `restate-edge-agents/idempotency-key` in the
 * call's `_meta`, a call that is repeated is the same run and gets its result.
 *
 * @example
 * ```ts
 * export default createEdgeApp({ services: [weather], mcp: mcpServer({ agents: [weather] }) });
 * ```
 *
 * @throws DefinitionError when two tools have one name, for a service that cannot be a tool, and for times out of bounds.
 */
export function mcpServer(options: McpServerOptions): McpServerApp {
  const agents = exposedAgents(options.agents);
  const { version = "1.0.0", instructions, waitMs = 50_000, maxWaitMs = 600_000 } = options;
  for (const [name, value] of Object.entries({ waitMs, maxWaitMs })) {
    if (Number.isFinite(value) && value > 0 && value <= MAX_WAIT_MS) continue;
    throw new DefinitionError(
      `Cannot serve agents over MCP: ${name} must be a number above 0 and at most ${MAX_WAIT_MS}: current value is ${value}`,
    );
  }
  const { authorization } = options;
  if (authorization !== undefined) checkAuthorization(authorization);
  const services = agents.map(({ definition }) => definition);
  const targets = new Targets(services);
  return {
    services,
    routes: (host) => {
      const facts: ServerFacts = {
        agents,
        targets,
        name: options.name ?? host.name,
        version,
        instructions,
        waitMs,
        maxWaitMs,
        hasAuth: host.auth !== undefined,
        flowControl: host.flowControl,
        log: host.log,
      };
      const { auth = apiKeys(), maxBodyBytes: maxBytes = 1024 * 1024 } = host;
      const router = new Hono();
      if (authorization !== undefined) {
        router.get(METADATA_PATH, (context) => metadataOf(context, facts.name, authorization));
        router.use(PATH, challenge(authorization));
      }
      if (host.cors !== undefined) router.use(PATH, cors(host.cors));
      router.use(
        PATH,
        knownOrigin,
        auth,
        rateLimit(host.rateLimit),
        limitedJson({ maxBytes, timeoutMs: BODY_TIMEOUT_MS }),
      );
      // By its method: so the log has its route.
      router.post(PATH, (context) => answer(context, facts, maxBytes));
      return router.all(PATH, refuseOtherMethods);
    },
  };
}

/**
 * Pages of other origins are let in by `cors` alone, as the protocol wants it, whatever `auth` is: one that goes by cookies,
 * or by the network, would take a page for its user.
 *
 * @throws HttpProblem `forbidden` (403)
 */
async function knownOrigin(context: Context, next: Next): Promise<void> {
  const origin = context.req.header("origin");
  // A function of the app's may name an origin whoever asks.
  const letIn = context.res.headers.get("access-control-allow-origin");
  const isKnown =
    origin === undefined || origin === new URL(context.req.url).origin || letIn === "*" || letIn === origin;
  if (isKnown) return next();
  throw new HttpProblem("forbidden", 403, "Pages of this origin may not use it: add the origin to cors");
}

async function answer(context: Context, facts: ServerFacts, maxRequestBodySize: number): Promise<Response> {
  await refuseBatch(context.req.raw.clone());
  const handler = createMcpHandler(() => serverFor(context, facts), { maxRequestBodySize });
  return handler.fetch(context.req.raw);
}

/**
 * A batch, which MCP has no more since 2025-06-18, would be any number of calls that count as one for rate limits, and share
 * the idempotency key of the header.
 *
 * @throws HttpProblem `invalid-request` (400)
 */
async function refuseBatch(request: Request): Promise<void> {
  if (!/^\s*\[/.test(await request.text())) return;
  throw new HttpProblem("invalid-request", 400, "Send one message of MCP in each request, and no list of them");
}

/** There are no sessions that could be listened to, or ended. */
function refuseOtherMethods(): never {
  throw new HttpProblem("method-not-allowed", 405, "Send POST: this MCP server has no sessions", {
    headers: { allow: "POST" },
  });
}
