/** A loopback proxy that hands requests on as they are, and can tell what they were. */
import { Agent, request as send } from "node:http";
import { type LoopbackServer, listen } from "../../../src/testing/http-server.ts";

/** The head of a request that went through. */
export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export interface RecordingProxy extends LoopbackServer {
  /** While there is a list, requests are added to it. */
  seen: SeenRequest[] | undefined;
}

/** Starts one in front of `target`. */
export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  const { hostname, port } = new URL(target);
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const server = await listen(async (request, response) => {
    const { method = "", url = "", rawHeaders } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    proxy.seen?.push({ method, target: url, rawHeaders, body: body.toString("utf8") });
    const forwarded = send({ hostname, port, method, path: url, headers: request.headers, agent }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forwarded.on("error", () => response.destroy());
    response.on("close", () => forwarded.destroy());
    forwarded.end(body);
  });
  const close = async (): Promise<void> => {
    agent.destroy();
    await server.close();
  };
  const proxy: RecordingProxy = { url: server.url, close, seen: undefined };
  return proxy;
}
