/**
 * An MCP server whose every failure is scripted: it drops connections, hangs, changes its tools, restarts, forgets sessions,
 * and counts what it does. It speaks Streamable HTTP of 2025-06-18, with sessions, and answers calls as streams of events.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { listen, readJson } from "../../src/testing/http-server.ts";

type Json = Record<string, unknown>;

/** A call of a tool. */
export interface ScriptedCall {
  readonly name: string;
  readonly input: Json;
  /** How often the tool was called before. */
  readonly n: number;
  readonly session: string;
  readonly idempotencyKey: string | undefined;
  readonly headers: IncomingMessage["headers"];
  /** Tells of progress, if the client wants to know. */
  progress(n: number): void;
  /** Asks the user. */
  elicit(message: string, requestedSchema: Json): Promise<Json>;
}

/** A tool of the server. */
export interface ScriptedTool {
  readonly description?: string;
  readonly inputSchema?: Json;
  readonly annotations?: Json;
  readonly title?: string;
  readonly _meta?: Json;
  readonly outputSchema?: Json;
  readonly call: (call: ScriptedCall) => unknown;
}

/** What goes wrong with a request, once it has been taken (`after`), or before. */
export type Trouble =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | "drop"
  /** The stream of the answer breaks off behind its first event; the call goes on, and GET has the rest. */
  | "break"
  /** The same, and nobody gets the rest. */
  | "break-off"
  | "drop-after"
  | "end-after"
  | "hang";

export interface ScriptedMcp {
  readonly url: string;
  /** Methods of all requests, in order; calls with their tool: `tools/call search`. */
  readonly requests: string[];
  /** Effects: each call of a tool that was executed, by its name. */
  readonly effects: ScriptedCall[];
  /** Most calls that were under way at the same time. */
  readonly highWater: number;
  readonly openSessions: number;
  /** What nobody waits for any more, as clients have said: methods of requests. */
  readonly cancelled: string[];
  /** What clients have said of themselves, in the order of their sessions. */
  readonly clients: Json[];
  /** Requests that were given up before their answer. */
  readonly abandoned: string[];
  /** Entries of a page of a list; undefined: there is one page. 0: pages of nothing, without end. */
  pageSize: number | undefined;
  tools: Record<string, ScriptedTool>;
  resources: Record<string, Json>;
  prompts: Record<string, Json>;
  instructions: string | undefined;
  /** What is answered to GET, by path. */
  documents: Record<string, Json>;
  /** Asked before each request. */
  trouble: (
    method: string,
    request: { readonly headers: IncomingMessage["headers"]; readonly n: number },
  ) => Trouble | undefined;
  /** Forgets all sessions, as a restart does. `status`: of the answer to their requests. */
  restart(status?: 400 | 404): void;
  count(name: string): number;
  /** Forgets what came so far, and what goes wrong. Sessions stay. */
  reset(): void;
  close(): Promise<void>;
}

interface Session {
  readonly answers: Map<string, (result: Json) => void>;
}

export async function startScriptedMcp(tools: Record<string, ScriptedTool> = {}): Promise<ScriptedMcp> {
  const sessions = new Map<string, Session>();
  const counts = new Map<string, number>();
  let made = 0;
  let lostStatus = 404;
  let running = 0;
  let highWater = 0;
  let elicited = 0;
  let events = 0;

  const begun = new Map<unknown, string>();
  const broken = new Map<string, Promise<Json>>();

  const send = (response: ServerResponse, message: Json): void => {
    if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`);
  };

  const counted = (method: string): number => {
    const n = counts.get(method) ?? 0;
    counts.set(method, n + 1);
    return n;
  };

  const callTool = async (params: Json, session: string, request: IncomingMessage, response: ServerResponse) => {
    const name = String(params["name"]);
    const tool = server.tools[name];
    if (tool === undefined) throw rpcError(-32_602, `Unknown tool: ${name}`);
    const meta = (params["_meta"] ?? {}) as Json;
    const call: ScriptedCall = {
      name,
      input: (params["arguments"] ?? {}) as Json,
      n: server.effects.filter((one) => one.name === name).length,
      session,
      idempotencyKey: meta["restate-edge-agents/idempotency-key"] as string | undefined,
      headers: request.headers,
      progress: (n) => {
        const { progressToken } = meta;
        if (progressToken === undefined) return;
        send(response, { method: "notifications/progress", params: { progressToken, progress: n } });
      },
      elicit: (message, requestedSchema) =>
        new Promise((resolve) => {
          const id = `e${++elicited}`;
          sessions.get(session)?.answers.set(id, resolve);
          send(response, { id, method: "elicitation/create", params: { message, requestedSchema } });
        }),
    };
    server.effects.push(call);
    running += 1;
    highWater = Math.max(highWater, running);
    try {
      return await tool.call(call);
    } finally {
      running -= 1;
    }
  };

  const page = (name: string, all: readonly Json[], { cursor = "0" }: Json): Json => {
    const { pageSize } = server;
    if (pageSize === undefined) return { [name]: all };
    const first = Number(cursor);
    const next = first + pageSize;
    return {
      [name]: all.slice(first, next),
      ...(next < all.length || pageSize === 0 ? { nextCursor: String(next) } : {}),
    };
  };

  const answer = async (
    method: string,
    params: Json,
    session: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<unknown> => {
    switch (method) {
      case "tools/list": {
        const list = Object.entries(server.tools).map(([name, tool]) => {
          return { name, inputSchema: { type: "object" }, ...tool };
        });
        return page("tools", list, params);
      }
      case "tools/call":
        return callTool(params, session, request, response);
      case "resources/list":
        return page(
          "resources",
          Object.keys(server.resources).map((uri) => ({ uri, name: uri.replace(/.*\//, "") })),
          params,
        );
      case "resources/read": {
        const uri = String(params["uri"]);
        const found = server.resources[uri];
        if (found === undefined) throw rpcError(-32_002, `No such resource: ${uri}`);
        return { contents: [{ uri, ...found }] };
      }
      case "prompts/list":
        return page(
          "prompts",
          Object.keys(server.prompts).map((name) => ({ name })),
          params,
        );
      case "prompts/get": {
        const name = String(params["name"]);
        return { messages: server.prompts[name]?.["messages"] };
      }
      default:
        throw rpcError(-32_601, `Method not found: ${method}`);
    }
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const session = request.headers["mcp-session-id"] as string | undefined;
    if (request.method === "DELETE") {
      if (session !== undefined) sessions.delete(session);
      server.requests.push("DELETE");
      response.writeHead(200).end();
      return;
    }
    const lastEventId = request.headers["last-event-id"];
    if (request.method === "GET" && typeof lastEventId === "string") {
      const rest = sessions.has(session ?? "") ? broken.get(lastEventId) : undefined;
      server.requests.push(`GET ${rest === undefined ? "refused" : "the rest"}`);
      if (rest === undefined) return void response.writeHead(404).end();
      response.writeHead(200, { "content-type": "text/event-stream" });
      send(response, await rest);
      return void response.end();
    }
    const document = request.method === "GET" ? server.documents[request.url ?? ""] : undefined;
    if (document !== undefined) {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(document));
      return;
    }
    if (request.method !== "POST") {
      server.requests.push(String(request.method));
      response.writeHead(405).end();
      return;
    }
    const message = (await readJson(request)) as Json;
    if (message["method"] === undefined) {
      const resolve = sessions.get(session ?? "")?.answers.get(String(message["id"]));
      resolve?.(message["result"] as Json);
      response.writeHead(202).end();
      return;
    }
    const method = message["method"] as string;
    const params = (message["params"] ?? {}) as Json;
    const shown = method === "tools/call" ? `${method} ${String(params["name"])}` : method;
    server.requests.push(shown);
    response.on("close", () => {
      if (!response.writableEnded) server.abandoned.push(shown);
    });
    const trouble = server.trouble(shown, { headers: request.headers, n: counted(shown) });
    if (trouble === "drop") return void request.socket.destroy();
    if (trouble === "hang") {
      begun.set(message["id"], shown);
      return;
    }
    if (typeof trouble === "object") {
      response.writeHead(trouble.status, trouble.headers).end(trouble.body ?? "scripted");
      return;
    }
    if (method === "initialize") {
      const id = `s${++made}`;
      sessions.set(id, { answers: new Map() });
      server.clients.push(params);
      response.writeHead(200, { "content-type": "application/json", "mcp-session-id": id });
      const result = {
        protocolVersion: "2025-06-18",
        capabilities: { tools: { listChanged: true }, resources: {}, prompts: {} },
        serverInfo: { name: "scripted", version: "1.0.0" },
        ...(server.instructions === undefined ? {} : { instructions: server.instructions }),
      };
      response.end(JSON.stringify({ jsonrpc: "2.0", id: message["id"], result }));
      return;
    }
    if (session === undefined || !sessions.has(session)) {
      const status = session === undefined ? 400 : lostStatus;
      const error = { code: -32_000, message: "Bad Request: No valid session ID provided" };
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify({ jsonrpc: "2.0", id: null, error }));
      return;
    }
    if (message["id"] === undefined) {
      if (method === "notifications/cancelled") server.cancelled.push(begun.get(params["requestId"]) ?? "unknown");
      response.writeHead(202).end();
      return;
    }
    begun.set(message["id"], shown);
    const answered = answer(method, params, session, request, response).then(
      (result) => ({ result }),
      (error: unknown) => ({ error: (error as { rpc?: Json }).rpc ?? { code: -32_603, message: String(error) } }),
    );
    if (trouble === "break" || trouble === "break-off") {
      const id = `event-${++events}`;
      if (trouble === "break")
        broken.set(
          id,
          answered.then((result) => ({ id: message["id"], ...result })),
        );
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(`retry: 60\nid: ${id}\ndata: \n\n`);
      return;
    }
    const settled = await answered;
    if (trouble === "drop-after") return void request.socket.destroy();
    if (trouble === "end-after") {
      response.writeHead(200, { "content-type": "text/event-stream" }).end(": nothing\n\n");
      return;
    }
    send(response, { id: message["id"], ...settled });
    response.end();
  };

  const http = await listen(handle);
  const server: ScriptedMcp = {
    url: `${http.url}/mcp`,
    requests: [],
    effects: [],
    cancelled: [],
    clients: [],
    abandoned: [],
    pageSize: undefined,
    get highWater() {
      return highWater;
    },
    get openSessions() {
      return sessions.size;
    },
    tools,
    resources: {},
    prompts: {},
    instructions: undefined,
    documents: {},
    trouble: () => undefined,
    restart: (status = 404) => {
      lostStatus = status;
      sessions.clear();
    },
    count: (name) => server.effects.filter((effect) => effect.name === name).length,
    reset: () => {
      server.requests.length = 0;
      server.effects.length = 0;
      server.cancelled.length = 0;
      server.trouble = () => undefined;
      counts.clear();
      highWater = 0;
    },
    close: () => http.close(),
  };
  return server;
}

function rpcError(code: number, message: string): Error {
  return Object.assign(new Error(message), { rpc: { code, message } });
}

/** A result of one text. */
export function text(value: string): unknown {
  return { content: [{ type: "text", text: value }] };
}
