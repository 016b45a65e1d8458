/**
 * The whole stack of a project on this machine: restate-server, the app in wrangler dev (or `deno serve`), and the app's
 * registration, which is renewed after every rebuild.
 */
import { type AppServer, startDeno, startWorker } from "./app-server.ts";
import type { Child } from "./child.ts";
import { exampleCall } from "./example-call.ts";
import { startControl } from "./control.ts";
import { type Port, takePorts } from "./ports.ts";
import { prefixed, printTable } from "./print.ts";
import type { Registered } from "./register.ts";
import { Registrar } from "./registrar.ts";
import { type RestateServer, startRestateServer } from "./restate-server.ts";
import { describeModel, developmentSettings, type Settings, withPlayground } from "./settings.ts";

/** What is run. */
export interface DevelopmentOptions {
  /** Absolute path of the project. */
  readonly folder: string;
  /** What is served, in the folder. Default: the project's own entry. */
  readonly entry?: string | undefined;
  /** True: the app is served by Deno, not by wrangler dev. */
  readonly deno: boolean;
  /** Environment of wrangler's configuration. */
  readonly environment?: string | undefined;
  /** Ends it all. */
  readonly signal: AbortSignal;
}

/** Runs the stack until the signal, or until a part of it ends; resolves to the exit code when all children have ended. */
export async function runDevelopment(options: DevelopmentOptions): Promise<number> {
  const { promise: over, resolve: end } = Promise.withResolvers<number>();
  const children: Child[] = [];
  let stopping = false;
  const add = (child: Child): void => {
    children.push(child);
    void child.ended.then((how) => {
      if (!stopping) console.error(`${child.label} has ended (${how}); its last lines above say why`);
      end(1);
    });
  };
  options.signal.addEventListener("abort", () => end(0), { once: true });
  if (options.signal.aborted) end(0);

  const started = start(options, add).catch((error: unknown) => {
    if (!stopping) console.error(error instanceof Error ? error.message : error);
    end(1);
  });
  const code = await over;
  stopping = true;
  await stopAll(children);
  // What was being started when the signal came is a child by now.
  await started;
  await stopAll(children);
  return code;
}

/** The app first, so that no request fails because Restate is gone. */
async function stopAll(children: readonly Child[]): Promise<void> {
  for (const child of children.toReversed()) await child.stop();
}

async function start(options: DevelopmentOptions, add: (child: Child) => void): Promise<void> {
  const { folder, entry, environment, signal } = options;
  const ports = await takePorts({ app: 9080, ingress: 8080, admin: 9070, node: 5122 });
  signal.throwIfAborted();
  sayMovedPorts(Object.values(ports));

  const numbers = { ingress: ports.ingress.port, admin: ports.admin.port, node: ports.node.port };
  const restate = startRestateServer(folder, numbers, prefixed("restate"));
  add(restate.child);

  const { settings, madeUp } = developmentSettings(folder, restate);
  console.log(`Model: ${describeModel(settings)}`);
  const registrar = new Registrar({ restate, onChange: console.log });
  const startApp = options.deno ? startDeno : startWorker;
  const control = await startControl(() => app.crash());
  const print = prefixed(options.deno ? "deno" : "worker");
  const app: AppServer = startApp({
    folder,
    entry,
    environment,
    port: ports.app.port,
    settings: withPlayground(settings, control.url),
    onLine: (line) => {
      control.readLine(line);
      print(line);
    },
    onServing: () => {
      registrar.renew();
    },
  });
  add(app.child);

  await restate.ready();
  const services = await registrar.begin(app);
  printStack(options.deno ? "Deno server" : "Worker", { app, restate, services, model: describeModel(settings) });
  printCalls({ app, restate, services, madeUp });
}

function sayMovedPorts(ports: readonly Port[]): void {
  for (const { label, wanted, port } of ports) {
    if (port !== wanted) console.log(`Port ${wanted} (${label}) is taken, using ${port}`);
  }
}

interface Running {
  readonly app: AppServer;
  readonly restate: RestateServer;
  readonly services: Registered;
}

function printStack(label: string, { app, restate, services, model }: Running & { readonly model: string }): void {
  const names = services
    .map(({ name }) => name)
    .toSorted()
    .join(", ");
  printTable([
    [label, app.url],
    ["Playground", `${app.url.replace("127.0.0.1", "localhost")}/`],
    ["Health", `${app.url}/health, ${app.url}/ready`],
    ["OpenAPI", `${app.url}/openapi.json`],
    ["Ingress", restate.ingressUrl],
    ["Restate UI", restate.adminUrl],
    ["Services", names === "" ? "none yet: see the error above" : names],
    ["Model", model],
  ]);
}

/** Lines to copy. Tokens that the user has set are not shown. */
function printCalls({ app, restate, services, madeUp }: Running & { readonly madeUp: Settings }): void {
  const { AGENT_API_KEYS, ADMIN_TOKEN } = madeUp;
  const bearer = (token = "<yours>"): string => `-H 'authorization: Bearer ${token}'`;
  const local = (url: string): string => url.replace("http://127.0.0.1", "localhost");
  const { path, body } = exampleCall(services);
  console.log(`\n  curl ${local(restate.ingressUrl)}/restate/call/${path} ${body}`);
  const url = local(app.url);
  console.log(`  curl ${url}/agents/${path} ${bearer(AGENT_API_KEYS)} ${body}`);
  console.log(`  curl ${url}/admin/deployments ${bearer(ADMIN_TOKEN)}\n`);
  console.log("Every change of the source is built and registered again. Ctrl-C ends it all.");
}
