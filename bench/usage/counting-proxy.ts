/** A TCP proxy that counts HTTP requests and the bytes of their bodies as they pass, without touching them. */
import { connect, createServer, type Socket } from "node:net";
import { Http1Counter, type TrafficCounter } from "./http1-counter.ts";
import { Http2Counter } from "./http2-counter.ts";

/** A running proxy. */
export interface CountingProxy {
  /** `http://127.0.0.1:<port>`, in front of the target. */
  readonly url: string;
  /** What has passed since the start. */
  counts(): { readonly requests: number; readonly uploadedBytes: number };
  close(): Promise<void>;
}

/** Starts a proxy on a free loopback port, in front of `target`, such as `http://127.0.0.1:1234`. */
export async function startCountingProxy(target: string, protocol: "http1" | "http2"): Promise<CountingProxy> {
  const { hostname: host, port } = new URL(target);
  const counters: TrafficCounter[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const counter = protocol === "http1" ? new Http1Counter() : new Http2Counter();
    counters.push(counter);
    const upstream = connect({ host, port: Number(port), noDelay: true });
    client.setNoDelay(true);
    client.on("data", (chunk) => counter.push(chunk));
    join(client, upstream);
    join(upstream, client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const own = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${own}`,
    counts: () => ({
      requests: counters.reduce((sum, counter) => sum + counter.requests, 0),
      uploadedBytes: counters.reduce((sum, counter) => sum + counter.bodyBytes, 0),
    }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Passes on what `from` sends, and how it ends. */
function join(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on("error", () => to.destroy());
  from.on("close", () => to.destroySoon());
}
