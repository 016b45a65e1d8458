/** Matching of API calls with routes. */
import type { Account } from "./account.ts";

/** A call as a route sees it. */
export interface Call {
  readonly account: Account;
  /** Named parts of the path. */
  readonly part: (name: string) => string;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** One route: its result goes into the envelope. */
export interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly handle: (call: Call) => unknown;
}

/** Parts that begin with a colon have a name: `/accounts/:account/workers`. */
export function route(method: string, path: string, handle: Route["handle"]): Route {
  const pattern = path.replaceAll(/:(\w+)/g, "(?<$1>[^/]+)");
  return { method, pattern: new RegExp(`^${pattern}$`), handle };
}

/** The body as JSON. The caller knows what wrangler sends there. */
export function json<SHAPE>({ body }: Call): SHAPE {
  return JSON.parse(body.length === 0 ? "{}" : new TextDecoder().decode(body)) as SHAPE;
}
