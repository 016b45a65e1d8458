/** A small Worker that tells what it is: for tests of wrangler and of where versions are served. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What the Worker answers. */
export interface Echo {
  readonly text: string;
  readonly version: string;
  readonly url: string;
  readonly color?: string;
  readonly secret?: string;
}

/** A project in a temporary folder. */
export interface EchoProject extends AsyncDisposable {
  readonly folder: string;
  /** Another text makes another version. */
  write(text: string): Promise<void>;
}

const CONFIG = `name = "echo"
main = "worker.js"
compatibility_date = "2026-10-01"
workers_dev = true
preview_urls = true
[version_metadata]
binding = "VERSION"
[vars]
COLOR = "green"
`;

export async function echoProject(config = CONFIG): Promise<EchoProject> {
  const folder = await mkdtemp(join(tmpdir(), "echo-project-"));
  await writeFile(join(folder, "package.json"), `{"name":"echo","private":true,"type":"module"}`);
  await writeFile(join(folder, "wrangler.toml"), config);
  const write = (text: string): Promise<void> => writeFile(join(folder, "worker.js"), source(text));
  await write("first");
  return { folder, write, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

function source(text: string): string {
  return `export class Counter { async fetch() { return new Response("counted"); } }
export default {
  async fetch(request, env) {
    if (request.method === "POST") return new Response(request.body);
    return Response.json({ text: ${JSON.stringify(text)}, version: env.VERSION?.id, url: request.url, color: env.COLOR, secret: env.SECRET });
  },
};
`;
}
