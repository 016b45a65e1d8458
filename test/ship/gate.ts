/** A server that stands before another one, and at a chosen request breaks off what happens there. */
import { createServer, type IncomingMessage, request as forward, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { LoopbackServer } from "../../src/testing/http-server.ts";

/** A request, as an order sees it. */
export interface GateRequest {
  readonly method: string;
  /** Of a proxy, the whole URL. */
  readonly path: string;
  readonly body: string;
}

/**
 * What happens at the chosen request, and at those after it until `open()`.
 *
 * - `cut`: the connection ends, nothing was done; so it goes with every one after it: the server is down.
 * - `lost`: it was done, and the connection ends in place of the answer; the server is down then.
 * - `held`: nothing was done, there is no answer.
 * - `done`: it was done, there is no answer.
 * - `delayed`: this one alone is done when `until` has settled, and answered.
 */
export type Break = "cut" | "lost" | "held" | "done" | "delayed";

/** Which request, how, and what to do at that moment. */
export interface GateOrder {
  readonly matches: (request: GateRequest) => boolean;
  readonly how: Break;
  readonly until?: Promise<void>;
  /** True: only the first request that matches. */
  readonly once?: boolean;
  readonly onBreak?: () => void;
}

export interface Gate extends LoopbackServer {
  /** From now on. */
  break(order: GateOrder): void;
  /** Settles when the chosen request has come. */
  broken(): Promise<void>;
  /** Everything passes again; connections without an answer end. True: the chosen request had come. */
  open(): boolean;
}

/** @param target Plain HTTP: a server, or a proxy, for which requests also come through tunnels (CONNECT). */
export async function startGate(target: string): Promise<Gate> {
  let order: GateOrder | undefined;
  let isDown = false;
  let wasBroken = false;
  let came = Promise.withResolvers<void>();
  const waiting = new Set<ServerResponse>();
  const { hostname, port } = new URL(target);
  const server = await serve(async (request, response) => {
    const bytes = await read(request);
    const { method = "GET", headers } = request;
    const url = urlOf(request);
    let found = order?.matches({ method, path: url, body: bytes.toString("latin1") }) === true ? order : undefined;
    if (found?.how === "delayed") {
      const { until } = found;
      hit(found);
      order = undefined;
      found = undefined;
      await until;
    }
    if (isDown || found?.how === "cut") {
      isDown = true;
      if (found !== undefined) hit(found);
      response.destroy();
      return;
    }
    if (found?.once === true) order = undefined;
    if (found?.how === "held") {
      waiting.add(response);
      hit(found);
      return;
    }
    const upstream = forward({ hostname, port, method, path: url, headers });
    upstream.on("error", () => response.destroy());
    upstream.on("response", (answer) => {
      if (found === undefined) {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        return;
      }
      answer.resume();
      answer.on("end", () => {
        isDown = found.how === "lost";
        if (isDown) response.destroy();
        else waiting.add(response);
        hit(found);
      });
    });
    upstream.end(bytes);
  });
  const hit = (found: GateOrder): void => {
    if (!wasBroken) found.onBreak?.();
    wasBroken = true;
    came.resolve();
  };
  return {
    ...server,
    break: (next) => {
      order = next;
      wasBroken = false;
      came = Promise.withResolvers();
    },
    broken: () => came.promise,
    open: () => {
      order = undefined;
      isDown = false;
      for (const response of waiting) response.destroy();
      waiting.clear();
      return wasBroken;
    },
  };
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A client that was told of a proxy sends plain HTTP through a tunnel, whose end is here. */
const TUNNEL = Symbol("tunnel");

function urlOf({ url = "/", headers, socket }: IncomingMessage): string {
  return TUNNEL in socket ? `http://${headers.host ?? ""}${url}` : url;
}

async function serve(
  handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<LoopbackServer> {
  const server = createServer((request, response) => {
    handler(request, response).catch(() => response.destroy());
  });
  server.on("connect", (_request: IncomingMessage, socket: Socket) => {
    socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
    server.emit("connection", Object.assign(socket, { [TUNNEL]: true }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
