import type { MiddlewareHandler } from "hono";
import { HttpProblem } from "../problem.ts";

/**
 * Refuses with `invalid-request` (400) what is no URL, because of its `host`, and URLs whose percent-encoding is malformed
 * or no UTF-8. What one decoder leaves as it is another one drops, and then two see different names.
 */
export function wellFormedUrl(mount: string): MiddlewareHandler {
  return async (context, next) => {
    if (!URL.canParse(context.req.url)) throw new HttpProblem("invalid-request", 400, "The host is invalid");
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
