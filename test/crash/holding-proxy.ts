/** A proxy between Restate and the Worker that keeps what the Worker answers to some requests: they are on their way for long. */
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";

export interface HoldingProxy {
  readonly url: string;
  /** What comes from now on of answers to requests whose path ends like this is kept, and never delivered. */
  held: string | undefined;
  close(): Promise<void>;
}

/** Starts it on a free port. */
export async function startHoldingProxy(upstream: string): Promise<HoldingProxy> {
  const server = createServer((request, response) => {
    const { method, url: path = "/", headers } = request;
    const forwarded = httpRequest(upstream + path, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      let isCut = false;
      answer.on("data", (bytes: Uint8Array) => {
        isCut ||= proxy.held !== undefined && path.endsWith(proxy.held);
        if (!isCut) response.write(bytes);
      });
      answer.on("end", () => void (isCut || response.end()));
      // The Worker has died: so does the connection.
      answer.on("close", () => void ((isCut || !answer.complete) && response.destroy()));
      answer.on("error", () => response.destroy());
    });
    forwarded.on("error", () => response.destroy());
    request.pipe(forwarded);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const proxy: HoldingProxy = {
    url: `http://127.0.0.1:${port}`,
    held: undefined,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
  return proxy;
}
