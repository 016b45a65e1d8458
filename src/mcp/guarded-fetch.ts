/**
 * The `fetch` of one connection to an MCP server. Where the AI SDK's transports would lose a fact or wait for ever, it steps
 * in:
 *
 * - F1 A stream that ends without the answer is asked for again, or fails the request at once; see `answer-stream.ts`. The
 *   transports would wait for it.
 * - F2 What a retry may cure (408, 425, 429, 5xx) fails with `retry-after`; what none can (401, 403) is an
 *   `McpUnauthorizedError`.
 * - F3 A session that the server does not know any more is a `SessionLost`: the request was not taken.
 * - F4 Redirects are refused: headers with secrets would follow them. Workers have no `redirect: "error"`.
 * - F5 A call of a tool carries an idempotency key, which is the same when Restate retries its step, and asks for progress,
 *   which gives it more time.
 * - F6 A server with a session is told when nobody waits for a request any more.
 */
import { McpRequestError } from "../errors/mcp-request-error.ts";
import { McpUnauthorizedError } from "../errors/mcp-unauthorized-error.ts";
import { retryAfterMs } from "../errors/retry-after.ts";
import { currentPlace } from "../journal/ambient.ts";
import { isJsonObject, type JsonObject } from "../journal/json.ts";
import { RetryableError } from "../restate.ts";
import { answerStream, parsed } from "./answer-stream.ts";
import { tellOfCancellation } from "./cancelled-request.ts";
import { Deadline } from "./deadline.ts";
import { follow } from "./ended-stream.ts";
import { IDEMPOTENCY_HEADER, IDEMPOTENCY_META, idempotencyKey } from "./idempotency.ts";
import type { McpHeaders } from "./mcp-options.ts";
import type { Secrets } from "./secrets.ts";

/** The server has forgotten the session, as after a restart. */
export class SessionLost extends Error {
  override name = "SessionLost";
}

/** What the connection tells its `fetch`. */
export interface FetchInit {
  readonly server: string;
  readonly url: URL;
  readonly headers: () => McpHeaders | PromiseLike<McpHeaders>;
  /** True when somebody else deals with 401. */
  readonly hasAuth: boolean;
  readonly transport: "http" | "sse";
  /** Whether a stream for requests of the server's own is opened. */
  readonly listens: boolean;
  readonly secrets: Secrets;
  /** Called when the stream that answers come through has ended. */
  readonly onBroken: (error: Error) => void;
  /** Work that is to end before the connection does. */
  readonly inBackground: (work: Promise<void>) => void;
}

type Fetch = (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>;

/** A request as the server's endpoint gets it; undefined for one of OAuth. */
interface McpRequest {
  readonly method: string;
  readonly message: JsonObject | undefined;
}

/** The `fetch` of one connection. */
export function guardedFetch(init: FetchInit): Fetch {
  return async (input, options = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const request = mcpRequest(init, url, options);
    const fields = { ...options, redirect: "manual" as const };
    if (request === undefined) return refuseRedirect(init, await authorizing(init, url, fields));
    const { method, message } = request;
    if (method === "GET" && init.transport === "http" && !init.listens) return new Response(null, { status: 405 });
    const headers = new Headers(options.headers);
    for (const [name, value] of Object.entries(await init.headers())) {
      headers.set(name, value);
      init.secrets.add(value);
    }
    init.secrets.add(headers.get("authorization"));
    const body = message?.["method"] === "tools/call" ? await callBody(message, headers) : options.body;
    const send = (): Promise<Response> =>
      fetch(url, { ...fields, headers, ...(body === undefined ? {} : { body }) }).then((got) =>
        refuseRedirect(init, got),
      );
    const stop = whenAborted(init, { url, headers, id: message?.["id"], signal: options.signal });
    try {
      const response = await send();
      await refuseFailure(init, request, response, headers.has("mcp-session-id"));
      const sent: Sent = { request, url, headers, signal: options.signal ?? undefined, stop };
      return watched(init, sent, response);
    } catch (error) {
      stop();
      throw error;
    }
  };
}

/** F6: without a session nobody at the server knows which request is meant. */
function whenAborted({ inBackground }: FetchInit, request: Parameters<typeof tellOfCancellation>[0]): () => void {
  const isKnown = request.id !== undefined && request.headers.has("mcp-session-id");
  return isKnown ? tellOfCancellation(request, inBackground) : () => undefined;
}

/** A request of OAuth. What may pass by itself is noted: the AI SDK would ask for a new authorization. */
async function authorizing({ server, secrets }: FetchInit, url: URL, options: RequestInit): Promise<Response> {
  try {
    const response = await fetch(url, options);
    if (response.status === 429 || response.status >= 500) {
      secrets.trouble = new Error(`The authorization server of MCP server "${server}" answered ${response.status}`);
    }
    return response;
  } catch (error) {
    secrets.trouble = new Error(`The authorization server of MCP server "${server}" cannot be reached`, {
      cause: error,
    });
    throw error;
  }
}

function mcpRequest({ url: server }: FetchInit, url: URL, options: RequestInit): McpRequest | undefined {
  if (url.origin !== server.origin) return undefined;
  const method = options.method ?? "GET";
  const headers = new Headers(options.headers);
  if (method === "GET") {
    const isStream = headers.get("accept")?.includes("text/event-stream") === true;
    return isStream ? { method, message: undefined } : undefined;
  }
  if (method === "DELETE") return url.href === server.href ? { method, message: undefined } : undefined;
  const message = typeof options.body === "string" ? parsed(options.body) : undefined;
  return message?.["jsonrpc"] === "2.0" ? { method, message } : undefined;
}

/** F5 */
async function callBody(message: JsonObject, headers: Headers): Promise<string> {
  const key = await idempotencyKey(currentPlace());
  if (key !== undefined) headers.set(IDEMPOTENCY_HEADER, key);
  const params = isJsonObject(message["params"]) ? message["params"] : {};
  const meta = isJsonObject(params["_meta"]) ? params["_meta"] : {};
  const own = { progressToken: message["id"], ...(key === undefined ? {} : { [IDEMPOTENCY_META]: key }) };
  return JSON.stringify({ ...message, params: { ...params, _meta: { ...meta, ...own } } });
}

/** F4 */
function refuseRedirect({ server }: FetchInit, response: Response): Response {
  if (response.status !== 0 && (response.status < 300 || response.status > 399)) return response;
  throw new McpRequestError({
    server,
    operation: "the request",
    reason: "it redirects, which is not followed, as the headers would go along: set the address that it redirects to",
  });
}

const TRANSIENT: ReadonlySet<number> = new Set([408, 409, 425, 429]);

/** F2, F3 */
async function refuseFailure(
  { server, hasAuth, secrets }: FetchInit,
  { method, message }: McpRequest,
  response: Response,
  hadSession: boolean,
): Promise<void> {
  const { status } = response;
  // Who does not know this method answers it with whatever comes to its mind; the next request tells.
  if (response.ok || message?.["method"] === "server/discover" || method !== "POST") return;
  if ((status === 404 || status === 400) && hadSession) {
    const text = await response.clone().text();
    if (status === 404 || /session/i.test(text)) throw new SessionLost(`MCP server "${server}" lost the session`);
    return;
  }
  if (status === 403 || (status === 401 && !hasAuth)) {
    const challenge = response.headers.get("www-authenticate") ?? "";
    const told = secrets.redact(challenge).slice(0, 300);
    const hint = hasAuth ? "check what its token may do" : 'check what "headers" gives, or set "auth"';
    throw new McpUnauthorizedError(server, status, `${hint}${told === "" ? "" : `; it says: ${told}`}`);
  }
  if (!TRANSIENT.has(status) && status < 500) return;
  // oxlint-disable-next-line no-restricted-properties -- inside a journaled step
  const milliseconds = retryAfterMs(response.headers, () => Date.now());
  const text = secrets.redact(await response.text().catch(() => "")).slice(0, 300);
  const options = milliseconds === undefined ? {} : { retryAfter: { milliseconds } };
  throw new RetryableError(`MCP server "${server}" answered ${status}${text === "" ? "" : `: ${text}`}`, options);
}

/** A request as it was sent. */
interface Sent {
  readonly request: McpRequest;
  readonly url: URL;
  readonly headers: Headers;
  readonly signal: AbortSignal | undefined;
  /** To be called when it has ended. */
  readonly stop: () => void;
}

/** F1 */
function watched(init: FetchInit, { request, url, headers, signal, stop }: Sent, response: Response): Response {
  const { body, status } = response;
  const requestId = request.method === "POST" ? request.message?.["id"] : undefined;
  const isStream = body !== null && response.headers.get("content-type")?.includes("text/event-stream") === true;
  if (isStream && requestId !== undefined) {
    const deadline = Deadline.current();
    const answer = answerStream({
      body,
      requestId,
      signal,
      reopen: (lastEventId) => reopened(init, { url, headers, signal, lastEventId }),
      onProgress: () => deadline?.extend(),
      onSettled: stop,
    });
    return new Response(answer, { status, headers: response.headers });
  }
  stop();
  if (!isStream || init.transport !== "sse") return response;
  const onEnd = (): void => init.onBroken(new Error(`MCP server "${init.server}" ended its stream`));
  return new Response(follow(body, onEnd), { status, headers: response.headers });
}

/** The rest of a stream, for the same session with the same rights. */
async function reopened(
  init: FetchInit,
  { url, headers: before, signal, lastEventId }: Pick<Sent, "url" | "headers" | "signal"> & { lastEventId: string },
): Promise<Response> {
  const headers = new Headers(before);
  for (const name of ["content-type", IDEMPOTENCY_HEADER]) headers.delete(name);
  for (const [name, value] of Object.entries(await init.headers())) headers.set(name, value);
  headers.set("accept", "text/event-stream");
  headers.set("last-event-id", lastEventId);
  return fetch(url, { headers, redirect: "manual", ...(signal === undefined ? {} : { signal }) });
}
