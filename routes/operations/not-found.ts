import type { Context, Hono } from "hono";
import { TrieRouter } from "hono/router/trie-router";
import { HttpProblem } from "../problem.ts";

/**
 * What answers when no route does: 405 with `allow` when the path is known with other methods, the same list for
 * `OPTIONS`, else 404. A gate that stands before a route (API keys, the admin token) has been passed by then, so nothing
 * is told to those whom it stops.
 *
 * The errors are `not-found` (404) and `method-not-allowed` (405).
 */
export function notFound(app: Hono): (context: Context) => Response {
  let methodsOf: ((path: string) => readonly string[]) | undefined;
  return ({ req }) => {
    // At the first need: by then all routes are there.
    methodsOf ??= methodsByPath(app);
    const methods = methodsOf(req.path);
    const { pathname } = new URL(req.url);
    if (methods.length === 0) throw new HttpProblem("not-found", 404, `Nothing is served at ${shortened(pathname)}`);
    const allow = methods.join(", ");
    if (req.raw.method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
    throw new HttpProblem("method-not-allowed", 405, `Cannot ${req.raw.method} ${shortened(pathname)}: use ${allow}`, {
      headers: { allow },
    });
  };
}

function methodsByPath(app: Hono): (path: string) => readonly string[] {
  const methods = new Map<string, Set<string>>();
  for (const { method, path } of app.routes) {
    if (method === "ALL") continue; // Middleware, and the Restate endpoint, which answers for itself.
    const known = methods.get(path) ?? new Set();
    methods.set(path, known.add(method));
    if (method === "GET") known.add("HEAD");
  }
  const router = new TrieRouter<ReadonlySet<string>>();
  for (const [path, known] of methods) router.add("ALL", path, known);
  return (path) => {
    const found = router.match("ALL", path)[0].flatMap(([known]) => [...known]);
    return found.length === 0 ? [] : [...new Set([...found, "OPTIONS"])].toSorted();
  };
}

/** A path as it is shown in an error. */
export function shortened(path: string): string {
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}
