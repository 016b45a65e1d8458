/**
 * What the stack does for the playground, which the app cannot do itself: it outlives the app, so it knows how often
 * Restate has called it for a run, and it kills it. The app's side is `routes/playground-control.ts`.
 *
 * It listens on a loopback address, under a path that only the app is told.
 */
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Most runs whose requests are counted; the oldest are forgotten. */
const MAX_RUNS = 1_000;
/** The app has this time to pass the answer on before it is killed, in milliseconds. */
const GRACE_MS = 250;

/** A control that listens. */
export interface Control {
  /** Where the app reaches it. */
  readonly url: string;
  /** Takes a line that the app has printed. */
  readonly readLine: (line: string) => void;
  readonly close: () => void;
}

/** Starts it. @param crash Kills the app and starts it again. */
export async function startControl(crash: () => Promise<void>): Promise<Control> {
  const secret = randomBytes(24).toString("base64url");
  const requests = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = pathOf(request, secret);
    if (path === "crash" && request.method === "POST") {
      answer(response, 202, { crashed: true });
      setTimeout(() => void crash(), GRACE_MS);
      return;
    }
    const count = path?.startsWith("requests/") === true ? requests.get(path.slice("requests/".length)) : undefined;
    if (count === undefined) answer(response, 404, {});
    else answer(response, 200, { requests: count });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  // It ends with the process, and does not keep it alive.
  server.unref();
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/${secret}`,
    readLine: (line) => {
      const id = invocationOf(line);
      if (id === undefined) return;
      requests.set(id, (requests.get(id) ?? 0) + 1);
      const [oldest] = requests.keys();
      if (requests.size > MAX_RUNS && oldest !== undefined) requests.delete(oldest);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The invocation for which Restate has called, of a line of the app's log of requests; undefined for other lines. */
export function invocationOf(line: string): string | undefined {
  if (!/"route":"[^"]*\/invoke\/\{service\}\/\{handler\}"/.test(line)) return undefined;
  return /"invocationId":"(inv_[0-9A-Za-z]+)"/.exec(line)?.[1];
}

function pathOf(request: IncomingMessage, secret: string): string | undefined {
  const prefix = `/${secret}/`;
  return request.url?.startsWith(prefix) === true ? request.url.slice(prefix.length) : undefined;
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
