/**
 * `npm start`: the whole stack on this machine.
 *
 * restate-server, the app in wrangler dev (or `deno serve`, with `--deno`), and the app's registration, which is
 * renewed after every rebuild. Ends, with all its children, on Ctrl-C.
 */
import { type AppServer, type StartAppServer, startDeno, startWorker } from "./stack/app-server.ts";
import { type Child } from "./stack/child.ts";
import { type Port, takePorts } from "./stack/ports.ts";
import { Registrar } from "./stack/registrar.ts";
import { type RestateServer, startRestateServer } from "./stack/restate-server.ts";
import { describeModel, developmentSettings, type Settings } from "./stack/settings.ts";
import { prefixed, printTable } from "./stack/print.ts";

const onDeno = process.argv.includes("--deno");
const startApp: StartAppServer = onDeno ? startDeno : startWorker;
const appLabel = onDeno ? "deno" : "worker";

const children: Child[] = [];
let stopping = false;

/** Ends the app first, so that no request fails because Restate is gone. */
async function stop(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  for (const child of children.toReversed()) await child.stop();
  process.exit(code);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    void stop(0);
  });
}

function watchEnd(child: Child): void {
  children.push(child);
  void child.ended.then((how) => {
    if (stopping) return;
    console.error(`${child.label} has ended (${how}); its last lines above say why`);
    void stop(1);
  });
}

async function start(): Promise<void> {
  const ports = await takePorts({ app: 9080, ingress: 8080, admin: 9070, node: 5122 });
  sayMovedPorts(Object.values(ports));

  const numbers = { ingress: ports.ingress.port, admin: ports.admin.port, node: ports.node.port };
  const restate = startRestateServer(numbers, prefixed("restate"));
  watchEnd(restate.child);

  const { settings, madeUp } = developmentSettings(restate);
  console.log(`Model: ${describeModel(settings)}`);
  const registrar = new Registrar({ restate, onChange: console.log });
  const app = startApp({
    port: ports.app.port,
    settings,
    onLine: prefixed(appLabel),
    onServing: () => {
      registrar.renew();
    },
  });
  watchEnd(app.child);

  await restate.ready();
  const services = await registrar.begin(app);
  printStack(app, restate, services, describeModel(settings));
  printCalls(app, restate, madeUp);
}

function sayMovedPorts(ports: readonly Port[]): void {
  for (const { label, wanted, port } of ports) {
    if (port !== wanted) console.log(`Port ${wanted} (${label}) is taken, using ${port}`);
  }
}

function printStack(app: AppServer, restate: RestateServer, services: readonly string[], model: string): void {
  printTable([
    [onDeno ? "Deno server" : "Worker", app.url],
    ["Health", `${app.url}/health, ${app.url}/ready`],
    ["OpenAPI", `${app.url}/openapi.json`],
    ["Ingress", restate.ingressUrl],
    ["Restate UI", restate.adminUrl],
    ["Services", services.length === 0 ? "none yet: see the error above" : services.join(", ")],
    ["Model", model],
  ]);
}

/** Lines to copy. Tokens that the user has set are not shown. */
function printCalls(app: AppServer, restate: RestateServer, { AGENT_API_KEYS, ADMIN_TOKEN }: Settings): void {
  const bearer = (token = "<yours>"): string => `-H 'authorization: Bearer ${token}'`;
  const question = `--json '"What is the weather in Berlin?"'`;
  console.log(
    `\n  curl ${restate.ingressUrl.replace("http://127.0.0.1", "localhost")}/restate/call/WeatherAgent/run ${question}`,
  );
  const url = app.url.replace("http://127.0.0.1", "localhost");
  console.log(`  curl ${url}/agents/WeatherAgent/run ${bearer(AGENT_API_KEYS)} ${question}`);
  console.log(`  curl ${url}/admin/deployments ${bearer(ADMIN_TOKEN)}\n`);
  console.log("Every change of the source is built and registered again. Ctrl-C ends it all.");
}

start().catch(async (error: unknown) => {
  if (!stopping) console.error(error instanceof Error ? error.message : error);
  await stop(1);
});
