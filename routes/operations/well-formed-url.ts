import type { MiddlewareHandler } from "hono";
import { HttpProblem } from "../problem.ts";

/**
 * Refuses URLs whose percent-encoding is malformed or no UTF-8, with `invalid-request` (400). What one decoder leaves as
 * it is another one drops, and then two see different names.
 */
export function wellFormedUrl(mount: string): MiddlewareHandler {
  return async (context, next) => {
    // The Restate endpoint has a list of paths, and no `%` is on it.
    if (context.req.url.includes("%") && !context.req.path.startsWith(`${mount}/`)) check(context.req.url);
    await next();
  };
}

function check(url: string): void {
  const { pathname, search } = new URL(url);
  for (const [what, text] of [
    ["path", pathname],
    ["query", search],
  ] as const) {
    try {
      decodeURIComponent(text);
    } catch {
      throw new HttpProblem("invalid-request", 400, `The ${what} is invalid: its percent-encoding is malformed`);
    }
  }
}
