/**
 * One connection to an MCP server. It belongs to one request of the runtime, never to two: on Workers, I/O that one request
 * has begun must not be used by another.
 *
 * - N1 It is opened inside the first step that needs it, used by the steps of the same attempt, and closed with it.
 * - N2 A session that the server has lost is replaced by a new one, once; then the step fails and is retried.
 * - N3 A call during which the server may ask for something has a connection of its own: nothing tells to which of
 *   several calls a question belongs.
 */
import {
  createMCPClient,
  ElicitationRequestSchema,
  type ElicitationRequest,
  type ElicitResult,
  type MCPClient,
  MCPClientError,
} from "@ai-sdk/mcp";
import { currentPlace, type Invocation } from "../journal/ambient.ts";
import { pause } from "../http/pause.ts";
import { waitUntilOf } from "../telemetry/wait-until.ts";
import { Deadline } from "./deadline.ts";
import { guardedFetch, SessionLost } from "./guarded-fetch.ts";
import { mcpFailure } from "./mcp-failure.ts";
import type { McpClientOptions } from "./mcp-options.ts";
import { Secrets } from "./secrets.ts";

const TIMEOUT_MS = 60_000;
const LONGEST_MS = 600_000;
const CONNECT_TIMEOUT_MS = 15_000;
/** Longest time to tell a server that its session is over, in milliseconds. */
const CLOSE_TIMEOUT_MS = 5_000;

/** Answers what the server asks for. */
export type Elicit = (request: ElicitationRequest) => ElicitResult | Promise<ElicitResult>;

/** One request to a server. */
export interface McpWork<T> {
  /** Such as `tools/call search`, for messages. */
  readonly operation: string;
  readonly signal: AbortSignal | undefined;
  /** Answers what the server asks for meanwhile; undefined: it is told that nobody can be asked. */
  readonly elicit?: Elicit | undefined;
  readonly run: (client: MCPClient, signal: AbortSignal) => Promise<T>;
}

class Connection {
  readonly client: MCPClient;
  /** Rejects when answers cannot come any more. */
  readonly broken: Promise<never>;

  readonly #background: ReadonlySet<Promise<void>>;

  /** @param background Work that is to end before the connection does. */
  constructor(client: MCPClient, broken: Promise<never>, background: ReadonlySet<Promise<void>>) {
    this.client = client;
    this.broken = broken;
    this.#background = background;
  }

  /** Ends the session. It never rejects. */
  async close(): Promise<void> {
    const end = new AbortController();
    const closing = Promise.allSettled(this.#background).then(() => this.client.close());
    await Promise.race([closing.catch(() => undefined), pause(CLOSE_TIMEOUT_MS, end.signal)]);
    end.abort();
  }
}

/** The connections of one attempt to one server. */
interface Pool {
  connection: Promise<Connection> | undefined;
  readonly secrets: Secrets;
}

const pools = new WeakMap<Invocation, Map<McpClientOptions, Pool>>();

/** What was sent to prove who this app is; kept for messages alone. */
function secretsOf(place: ReturnType<typeof currentPlace>, options: McpClientOptions): Secrets {
  return place === undefined ? new Secrets() : poolOf(place.invocation, options).secrets;
}

/**
 * Does `work` at the server of `options`, inside the running step; outside of a handler, with a connection for it alone.
 *
 * @throws what `mcpFailure()` makes of it.
 */
export async function atServer<T>(options: McpClientOptions, work: McpWork<T>): Promise<T> {
  const place = currentPlace();
  const secrets = secretsOf(place, options);
  const facts = { server: options.name, operation: work.operation, secrets };
  const alone = place === undefined || work.elicit !== undefined;
  try {
    if (alone) return await withOwn(options, work, secrets);
    const pool = poolOf(place.invocation, options);
    try {
      return await within(options, await pooled(place.invocation, options, pool), work);
    } catch (error) {
      if (!(error instanceof SessionLost)) throw error;
      pool.connection = undefined; // N2
      return await within(options, await pooled(place.invocation, options, pool), work);
    }
  } catch (error) {
    throw mcpFailure(error, facts);
  }
}

async function withOwn<T>(options: McpClientOptions, work: McpWork<T>, secrets: Secrets): Promise<T> {
  const connection = await open(options, secrets, work.elicit, work.signal);
  try {
    return await within(options, connection, work);
  } finally {
    await connection.close();
  }
}

function poolOf(invocation: Invocation, options: McpClientOptions): Pool {
  const servers = pools.get(invocation) ?? new Map<McpClientOptions, Pool>();
  pools.set(invocation, servers);
  const pool = servers.get(options) ?? { connection: undefined, secrets: new Secrets() };
  servers.set(options, pool);
  return pool;
}

/** N1: steps that begin together share one attempt to connect; one that failed is not kept. */
function pooled(invocation: Invocation, options: McpClientOptions, pool: Pool): Promise<Connection> {
  if (pool.connection !== undefined) return pool.connection;
  const { attemptCompletedSignal: ended, extraArgs } = invocation.sdkContext.request();
  const connection = open(options, pool.secrets, undefined, ended);
  pool.connection = connection;
  connection.catch(() => {
    if (pool.connection === connection) pool.connection = undefined;
  });
  const close = (): void => {
    const closing = connection.then(
      (opened) => opened.close(),
      () => undefined,
    );
    waitUntilOf(extraArgs)?.(closing);
  };
  if (ended.aborted) close();
  else ended.addEventListener("abort", close, { once: true });
  return connection;
}

async function within<T>(options: McpClientOptions, connection: Connection, work: McpWork<T>): Promise<T> {
  const { timeoutMs = TIMEOUT_MS, longestMs = LONGEST_MS } = options;
  const late = new Deadline(timeoutMs, longestMs);
  const signal = AbortSignal.any([late.signal, ...(work.signal === undefined ? [] : [work.signal])]);
  try {
    const working = late.run(() => work.run(connection.client, signal));
    return await Promise.race([working, connection.broken, rejected(signal)]);
  } catch (error) {
    if (late.signal.aborted) throw new Error(`no answer within ${timeoutMs} ms`, { cause: error });
    throw error;
  } finally {
    late.stop();
  }
}

async function open(
  options: McpClientOptions,
  secrets: Secrets,
  elicit: Elicit | undefined,
  outer: AbortSignal | undefined,
): Promise<Connection> {
  const { transport = "auto" } = options;
  if (transport === "sse") return openAs("sse", options, secrets, elicit, outer);
  try {
    return await openAs("http", options, secrets, elicit, outer);
  } catch (error) {
    const isOlder = MCPClientError.isInstance(error) && [400, 404, 405].includes(error.statusCode ?? 0);
    if (transport === "http" || !isOlder) throw error;
    return openAs("sse", options, secrets, elicit, outer).catch(() => {
      throw error;
    });
  }
}

async function openAs(
  transport: "http" | "sse",
  options: McpClientOptions,
  secrets: Secrets,
  elicit: Elicit | undefined,
  outer: AbortSignal | undefined,
): Promise<Connection> {
  const { name: server, auth, headers = {}, discovery, connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
  const url = new URL(typeof options.url === "function" ? await options.url() : options.url);
  const { promise: broken, reject: onBroken } = Promise.withResolvers<never>();
  broken.catch(() => undefined);
  const background = new Set<Promise<void>>();
  const fetch = guardedFetch({
    server,
    url,
    headers: typeof headers === "function" ? headers : () => headers,
    hasAuth: auth !== undefined,
    transport,
    listens: elicit !== undefined,
    secrets,
    onBroken,
    inBackground: (work) => {
      background.add(work);
      void work.then(() => background.delete(work));
    },
  });
  const late = new Deadline(connectTimeoutMs);
  const signal = AbortSignal.any([late.signal, ...(outer === undefined ? [] : [outer])]);
  try {
    const client = await createMCPClient({
      transport: { type: transport, url: url.href, fetch, ...(auth === undefined ? {} : { authProvider: auth }) },
      clientName: "restate-edge-agents",
      capabilities: elicit === undefined ? {} : { elicitation: {} },
      initializationOptions: { signal },
      ...(discovery === undefined ? {} : { protocolVersionDiscovery: discovery }),
    });
    if (elicit !== undefined) client.onElicitationRequest(ElicitationRequestSchema, elicit);
    return new Connection(client, broken, background);
  } catch (error) {
    if (late.signal.aborted) throw new Error(`no connection within ${connectTimeoutMs} ms`, { cause: error });
    throw error;
  } finally {
    late.stop();
  }
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}
