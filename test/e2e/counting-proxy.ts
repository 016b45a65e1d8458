/** Passes requests on, and counts what was uploaded with them. */
import { createServer, type IncomingMessage, request as send, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that went through. */
export interface CountedRequest {
  /** `Support/send`: what was invoked. Other paths as they are. */
  readonly target: string;
  /** Bytes of the request's body. */
  readonly bytes: number;
}

/** See the head of this file. */
export interface CountingProxy {
  readonly url: string;
  /** Those whose body has come whole, in order. */
  readonly requests: CountedRequest[];
  close(): Promise<void>;
}

/** Starts one on a free loopback port, for a server that speaks HTTP/1.1. */
export async function startCountingProxy(origin: string): Promise<CountingProxy> {
  const requests: CountedRequest[] = [];
  const { hostname, port } = new URL(origin);
  const server = createServer((incoming: IncomingMessage, response: ServerResponse) => {
    let bytes = 0;
    const target = (incoming.url ?? "").replace(/^.*\/invoke\//, "");
    const outgoing = send(
      { hostname, port, path: incoming.url, method: incoming.method, headers: incoming.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.flushHeaders();
        answer.pipe(response);
        answer.on("error", () => response.destroy());
      },
    );
    outgoing.on("error", () => response.destroy());
    response.on("close", () => outgoing.destroy());
    incoming.on("data", (chunk: Uint8Array) => {
      bytes += chunk.length;
    });
    incoming.on("end", () => requests.push({ target, bytes }));
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
