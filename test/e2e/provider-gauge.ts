/** Stands before a provider and sees how many calls are open at a time, as the provider itself would. */
import { createServer, type IncomingMessage, request as send, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** See the head of this file. */
export interface ProviderGauge {
  readonly url: string;
  /** Most calls that were open at a time. */
  readonly most: number;
  /** When each call began, in milliseconds since 1970. */
  readonly startsMs: readonly number[];
  reset(): void;
  close(): Promise<void>;
}

/** Starts one on a free loopback port. A call is open until it is answered, or its caller has gone. */
export async function startProviderGauge(origin: string): Promise<ProviderGauge> {
  const { hostname, port } = new URL(origin);
  let open = 0;
  let most = 0;
  let startsMs: number[] = [];
  const server = createServer((incoming: IncomingMessage, response: ServerResponse) => {
    open += 1;
    most = Math.max(most, open);
    startsMs.push(Date.now());
    const { url: path, method, headers } = incoming;
    const outgoing = send({ hostname, port, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on("error", () => response.destroy());
    });
    outgoing.on("error", () => response.destroy());
    response.on("close", () => {
      open -= 1;
      outgoing.destroy();
    });
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get most() {
      return most;
    },
    get startsMs() {
      return startsMs;
    },
    reset: () => {
      most = 0;
      startsMs = [];
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
