import { Agent, type IncomingMessage, request as forward, type ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";

/** A key and its certificate, PEM. */
export interface TlsIdentity {
  readonly privateKey: string;
  readonly certificate: string;
}

/** What a proxy is made of. */
export interface TlsProxyInit {
  readonly tls: TlsIdentity;
  /** Loopback port of the HTTP server behind it. */
  readonly port: number;
  /** Decides about a bearer token, which is undefined when there is none: 200 lets it pass, else the answer's status. */
  readonly judge: (token: string | undefined) => 200 | 401 | 403;
}

/** A TLS server in front of an HTTP server, as a cloud's load balancer is. */
export interface TlsProxy {
  /** `https://localhost:<port>`; stays the same whatever happens to the server behind it. */
  readonly url: string;
  close(): Promise<void>;
}

/** Headers that belong to one connection (RFC 9110, section 7.6.1), and the token, which is for the proxy. */
const NOT_FORWARDED: ReadonlySet<string> = new Set(["authorization", "connection", "host", "keep-alive", "upgrade"]);

/**
 * Starts it on a free loopback port. Requests and answers are streamed; one that is broken off on one side is broken off on
 * the other. Without a server behind it the answer is 503, and 502 when that one goes away in between.
 */
export async function startTlsProxy({ tls, port, judge }: TlsProxyInit): Promise<TlsProxy> {
  const agent = new Agent({ keepAlive: true });
  const server = createServer({ key: tls.privateKey, cert: tls.certificate }, (request, response) => {
    const verdict = judge(/^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1]);
    if (verdict === 200) pass(request, response, agent, port);
    else refuse(response, verdict, verdict === 401 ? "Unauthorized" : "The token's role does not allow this");
  });
  // A waiting call is silent for as long as its invocation runs.
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        agent.destroy();
      }),
  };
}

function pass(request: IncomingMessage, response: ServerResponse, agent: Agent, port: number): void {
  const { method, url: path } = request;
  const upstream = forward({ host: "127.0.0.1", port, method, path, headers: forwarded(request), agent });
  upstream.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, endToEnd(answer));
    // An answer without body yet must not hold its head back.
    response.flushHeaders();
    answer.pipe(response);
    answer.on("error", () => response.destroy());
    answer.on("close", () => {
      if (!answer.complete) response.destroy();
    });
  });
  upstream.on("error", (error: NodeJS.ErrnoException) => {
    if (response.headersSent) response.destroy();
    else if (error.code === "ECONNREFUSED") refuse(response, 503, "no healthy upstream");
    else refuse(response, 502, "upstream connection closed");
  });
  response.on("close", () => upstream.destroy());
  request.on("error", () => upstream.destroy());
  request.pipe(upstream);
}

function forwarded(request: IncomingMessage): Record<string, string | string[]> {
  const { remoteAddress = "" } = request.socket;
  return { ...endToEnd(request), "x-forwarded-for": remoteAddress, "x-forwarded-proto": "https" };
}

function endToEnd({ headers }: IncomingMessage): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || NOT_FORWARDED.has(name) ? [] : [[name, value]],
    ),
  );
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ message }));
}
