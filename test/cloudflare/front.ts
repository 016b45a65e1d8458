/**
 * The front of the network: an HTTP proxy on loopback that sends requests for Workers' host names to them. It knows requests in
 * absolute form, which restate-server sends, and CONNECT, which Node's fetch sends.
 */
import { Agent, createServer, type IncomingMessage, request as forward, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { TlsIdentity } from "../../src/testing/tls-proxy.ts";

/** A running front. */
export interface Front {
  /** For HTTP_PROXY. */
  readonly url: string;
  close(): Promise<void>;
}

/** Where a host name is served; undefined when nobody is there. */
export type Resolve = (host: string) => Promise<URL | undefined>;

/** Headers that belong to one connection (RFC 9110, section 7.6.1). */
const NOT_FORWARDED: ReadonlySet<string> = new Set(["connection", "keep-alive", "proxy-connection", "upgrade"]);

/** Names of this machine, which a proxy passes on as they are. */
const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "localhost"]);

/** @param tls For what comes over TLS: tunnels to port 443. */
export async function startFront(resolve: Resolve, tls: TlsIdentity): Promise<Front> {
  // A connection for each request: one that workerd closes while it is used again would fail a request for no reason.
  const agent = new Agent({ keepAlive: false });
  const server = createServer((request, response) => {
    const url = urlOf(request);
    const upstream = url === undefined ? undefined : addressOf(url, resolve);
    Promise.resolve(upstream).then(
      (address) => {
        if (url === undefined || address === undefined) refuse(response, 404, "error code: 1042");
        else pass({ request, response, agent, url, address });
      },
      // A script that cannot be started: Cloudflare answers error 1101 for it.
      (error: unknown) => refuse(response, 500, `error code: 1101 ${String(error)}`),
    );
  });
  server.requestTimeout = 0;
  // Longer than whoever calls keeps it, for the same reason.
  server.keepAliveTimeout = 600_000;
  // Inside the tunnel is HTTP for the same server, or TLS and then that.
  server.on("connect", ({ url = "" }: IncomingMessage, socket: Socket) => {
    const isSecure = url.endsWith(":443");
    if (!isSecure && !url.endsWith(":80")) {
      socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
      return;
    }
    socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
    server.emit("connection", isSecure ? secured(socket, tls) : socket);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
        agent.destroy();
      }),
  };
}

function secured(socket: Socket, { privateKey, certificate }: TlsIdentity): TLSSocket {
  const secure = new TLSSocket(socket, { isServer: true, key: privateKey, cert: certificate });
  // Whoever does not trust the certificate hangs up.
  secure.on("error", () => socket.destroy());
  return secure;
}

/** What is asked for: in absolute form, or below the host of the header. */
function urlOf({ url = "/", headers }: IncomingMessage): URL | undefined {
  return URL.parse(url.startsWith("/") ? `http://${headers.host ?? ""}${url}` : url) ?? undefined;
}

async function addressOf(url: URL, resolve: Resolve): Promise<URL | undefined> {
  return LOOPBACK.has(url.hostname) ? url : resolve(url.hostname);
}

interface Passing {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly agent: Agent;
  readonly url: URL;
  readonly address: URL;
}

/** Streams both ways; what is broken off on one side is broken off on the other. */
function pass({ request, response, agent, url, address }: Passing): void {
  const upstream = forward({
    host: "127.0.0.1",
    port: address.port,
    method: request.method,
    path: url.pathname + url.search,
    headers: { ...endToEnd(request), host: url.host, "cf-connecting-ip": "127.0.0.1" },
    agent,
  });
  upstream.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, endToEnd(answer));
    response.flushHeaders();
    answer.pipe(response);
    answer.on("error", () => response.destroy());
    answer.on("close", () => {
      if (!answer.complete) response.destroy();
    });
  });
  upstream.on("error", (error) => {
    if (response.headersSent) response.destroy();
    else refuse(response, 502, error.message);
  });
  response.on("close", () => upstream.destroy());
  request.on("error", () => upstream.destroy());
  request.pipe(upstream);
}

function endToEnd({ headers }: IncomingMessage): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || NOT_FORWARDED.has(name) ? [] : [[name, value]],
    ),
  );
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain" });
  response.end(text);
}
