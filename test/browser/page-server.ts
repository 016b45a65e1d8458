import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { inRoot } from "../../cli/stack/paths.ts";
import { listen, type LoopbackServer } from "../../src/testing/http-server.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
};

/** Serves `web/dist` as the static assets of a Worker are served to it. */
export function startPageServer(): Promise<LoopbackServer> {
  return listen(async (request, response) => {
    const path = request.url === "/" ? "/index.html" : (request.url ?? "/");
    const content = await readFile(join(inRoot("web/dist"), path)).catch(() => undefined);
    if (content === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "text/plain" }).end(content);
  });
}
