/** Where the files of the playground's page come from: a Worker's static assets, or a folder. */
import type { Context } from "hono";
import { env } from "hono/adapter";

/** Gives the page's files by their URL's path; `/` is the page. 404 for what there is not. */
export interface PlaygroundFiles {
  fetch(request: Request): Promise<Response>;
}

/** Content types of what Vite builds. Anything else is not served. */
const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/**
 * The files of a folder, where `fetch` reads `file:` URLs: on Deno, with `--allow-read` for the folder.
 *
 * @param folder Ends with a slash.
 *
 * @example
 * ```ts
 * createEdgeApp({ services, publicServices, playground: playgroundFolder(new URL("../web/dist/", import.meta.url)) });
 * ```
 */
export function playgroundFolder(folder: URL): PlaygroundFiles {
  return {
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      const path = pathname === "/" ? "index.html" : pathname.slice(1);
      const type = TYPES[path.slice(path.lastIndexOf(".") + 1)];
      // Plain names only: nothing that could lead out of the folder.
      if (type === undefined || !/^(playground\/)?[\w-][\w.-]*$/.test(path)) return new Response(null, { status: 404 });
      try {
        const file = await fetch(new URL(path, folder));
        return new Response(file.body, { status: file.status, headers: { "content-type": type } });
      } catch {
        // It is not there, or may not be read.
        return new Response(null, { status: 404 });
      }
    },
  };
}

/** Workers: the binding of the static assets. */
export function boundFiles(context: Context): PlaygroundFiles | undefined {
  const { ASSETS } = env<{ readonly ASSETS?: unknown }>(context);
  return isFetcher(ASSETS) ? ASSETS : undefined;
}

function isFetcher(value: unknown): value is PlaygroundFiles {
  return typeof value === "object" && value !== null && "fetch" in value && typeof value.fetch === "function";
}
