/** An MCP server of the transport before Streamable HTTP: answers come through one stream, which may end. */
import type { ServerResponse } from "node:http";
import { listen, readJson } from "../../src/testing/http-server.ts";

export interface ScriptedSse {
  readonly url: string;
  /** Methods of requests, in order. */
  readonly requests: string[];
  /** True: the stream ends instead of the next answer to a call. */
  endsAtCall: boolean;
  close(): Promise<void>;
}

export async function startScriptedSse(): Promise<ScriptedSse> {
  const streams = new Set<ServerResponse>();
  const http = await listen(async (request, response) => {
    if (request.method === "GET") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("event: endpoint\ndata: /messages\n\n");
      streams.add(response);
      return;
    }
    // What it is asked first, as a server of the newer transport.
    if (request.method !== "POST" || request.url !== "/messages") return void response.writeHead(405).end();
    const { id, method } = (await readJson(request)) as { readonly id?: number; readonly method: string };
    server.requests.push(method);
    response.writeHead(202).end();
    if (id === undefined) return;
    if (method === "tools/call" && server.endsAtCall) {
      server.endsAtCall = false;
      for (const stream of streams) stream.end();
      streams.clear();
      return;
    }
    const result =
      method === "initialize"
        ? { protocolVersion: "2024-11-05", capabilities: { tools: {} }, serverInfo: { name: "older", version: "1" } }
        : { content: [{ type: "text", text: "over SSE" }] };
    for (const stream of streams) {
      stream.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: "2.0", id, result })}\n\n`);
    }
  });
  const server: ScriptedSse = { url: `${http.url}/sse`, requests: [], endsAtCall: false, close: () => http.close() };
  return server;
}
