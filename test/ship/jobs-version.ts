/** A version of an app, on a loopback port of its own: as small as an app can be that Restate calls and the tool operates. */
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { createRestateEndpoint } from "../../src/endpoint/restate-endpoint.ts";
import { type Context, object, type ObjectContext, service, TerminalError } from "../../src/index.ts";
import { listen } from "../../src/testing/http-server.ts";

const HOUR_MS = 3_600_000;

/** What tests change while it runs. */
export interface JobsControl {
  /** Versions in which `fail` fails. */
  readonly broken: Set<string>;
  /** What `hang` waits for; by version. */
  readonly held: Map<string, () => void>;
}

/** A served version. */
export interface JobsVersion extends AsyncDisposable {
  readonly version: string;
  /** What Restate registers. */
  readonly uri: string;
  /** What it says that it is. Default: its version. */
  serves: string;
}

/** Failed steps wait for an hour: only an operator lets them go on. */
const patient = { retryPolicy: { initialInterval: HOUR_MS, maxInterval: HOUR_MS, maxAttempts: 10 } } as const;

function jobs(version: string, { broken, held }: JobsControl, firstStep: string) {
  const begin = (ctx: Context) => ctx.run(firstStep, () => version);
  return service({
    name: "Jobs",
    handlers: {
      which: async () => version,
      sleep: async (ctx: Context) => {
        await begin(ctx);
        await ctx.sleep(HOUR_MS);
      },
      approve: async (ctx: Context) => {
        const began = await begin(ctx);
        const { id, promise } = ctx.awakeable<string>();
        await ctx.run("ask", () => id);
        return { began, ended: version, answer: await promise };
      },
      fail: async (ctx: Context, secret: string) => {
        const began = await begin(ctx);
        await ctx.run("work", () => {
          if (broken.has(version)) throw new Error("no such table");
          return `worked on ${secret}`;
        });
        return { began, ended: version };
      },
      hang: async (ctx: Context) => {
        const began = await begin(ctx);
        await ctx.run("hang", () => new Promise<void>((resolve) => held.set(version, resolve)));
        return { began, ended: version };
      },
      refuse: async () => {
        throw new TerminalError("it is closed today", { errorCode: 418 });
      },
    },
    options: patient,
  });
}

const shelf = object({
  name: "Shelf",
  handlers: { put: async (ctx: ObjectContext, text: string) => [ctx.key, text] },
});

/** Serves a version. `firstStep`: its name; another one is a change that journals do not survive. */
export async function serveJobs(version: string, control: JobsControl, firstStep = "begin"): Promise<JobsVersion> {
  const mount = `/restate/v/${version}`;
  const services = [jobs(version, control, firstStep), shelf];
  const endpoint = createRestateEndpoint({ services, identityKeys: [], development: true, mount });
  const server = await listen(async (request, response) => {
    const path = request.url ?? "/";
    if (path === "/health") {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ status: "ok", name: "jobs", version: served.serves, runtime: "node" }));
      return;
    }
    const hasBody = request.method !== "GET" && request.method !== "HEAD";
    const answer = await endpoint(
      new Request(`http://127.0.0.1${path}`, {
        method: request.method ?? "GET",
        headers: request.headers as Record<string, string>,
        ...(hasBody ? { body: Readable.toWeb(request) as ReadableStream<Uint8Array>, duplex: "half" } : {}),
      } as RequestInit),
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (answer.body !== null) for await (const chunk of answer.body) response.write(chunk);
    response.end();
  });
  const served: JobsVersion = {
    version,
    uri: server.url + mount,
    serves: version,
    [Symbol.asyncDispose]: () => server.close(),
  };
  return served;
}
