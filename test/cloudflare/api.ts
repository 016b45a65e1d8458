/** Cloudflare's API on a loopback port. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { listen, type LoopbackServer } from "../../src/testing/http-server.ts";
import type { Account } from "./account.ts";
import { ApiError, CODE, failure, success } from "./envelope.ts";
import { Failures, type HowToFail } from "./failures.ts";
import type { Route } from "./route.ts";
import { ROUTES } from "./routes.ts";

/** A call of the API. */
export interface RecordedCall {
  readonly method: string;
  /** Below the API's base URL, without the query. */
  readonly path: string;
  /** Undefined while there is no answer, and for a connection that was cut. */
  status: number | undefined;
  /** False for a route that the look-alike does not have. */
  readonly known: boolean;
}

/** The running API. */
export interface CloudflareApi extends LoopbackServer {
  readonly calls: RecordedCall[];
  readonly failures: Failures;
}

export async function startApi(account: Account, token: string): Promise<CloudflareApi> {
  const calls: RecordedCall[] = [];
  const failures = new Failures();
  const server = await listen(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
    const method = request.method ?? "GET";
    const found = find(method, pathname);
    const call: RecordedCall = { method, path: pathname, status: undefined, known: found !== undefined };
    calls.push(call);
    const how = failures.next(method, pathname);
    const body = await bytesOf(request);
    if (how === "hang") return;
    if (how === "cut") {
      response.destroy();
      return;
    }
    const [status, answer] =
      how === undefined || how === "lost"
        ? await answerTo({ account, token, request, found, query: searchParams, body })
        : refusal(how);
    if (how === "lost") {
      response.destroy();
      return;
    }
    call.status = status;
    send(response, status, answer);
  });
  return { ...server, calls, failures };
}

interface Asked {
  readonly account: Account;
  readonly token: string;
  readonly request: IncomingMessage;
  readonly found: Found | undefined;
  readonly query: URLSearchParams;
  readonly body: Uint8Array<ArrayBuffer>;
}

interface Found {
  readonly route: Route;
  readonly parts: Readonly<Record<string, string>>;
}

async function answerTo({ account, token, request, found, query, body }: Asked): Promise<[number, object]> {
  try {
    if (request.headers.authorization !== `Bearer ${token}`) {
      throw new ApiError(403, CODE.authentication, "Authentication error");
    }
    if (found === undefined)
      throw new ApiError(404, CODE.unknownRoute, `No route for ${request.method} ${request.url}`);
    const asked = found.parts["account"] ?? account.id;
    if (asked !== account.id) throw new ApiError(403, CODE.authentication, "Authentication error");
    const part = (name: string): string => found.parts[name] ?? "";
    const contentType = request.headers["content-type"] ?? "";
    return [200, success(await found.route.handle({ account, part, query, contentType, body }))];
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return [error.status, failure(error)];
  }
}

function find(method: string, path: string): Found | undefined {
  for (const route of ROUTES) {
    const match = route.method === method ? route.pattern.exec(path) : null;
    if (match !== null) return { route, parts: match.groups ?? {} };
  }
  return undefined;
}

function refusal(how: Exclude<HowToFail, string>): [number, object] {
  const { status, code = 10013, message = "An unknown error has occurred" } = how;
  return [status, failure({ code, message })];
}

function send(response: ServerResponse, status: number, answer: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(answer));
}

async function bytesOf(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new Uint8Array(Buffer.concat(chunks));
}
