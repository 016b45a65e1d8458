/** A correct set-up, of which a test breaks one part: Restate behind the front of a cloud, an app, and its project. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { request as forward } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { metadataOf } from "../../cli/deployments/metadata.ts";
import { ALL_CHECKS } from "../../cli/doctor/all-checks.ts";
import type { Diagnosis } from "../../cli/doctor/run-checks.ts";
import { AdminClient } from "../../src/admin/index.ts";
import { listen, type LoopbackServer } from "../../src/testing/http-server.ts";
import { type RestateCloud, startRestateCloud } from "../../src/testing/restate-cloud.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { run } from "./wrangler.ts";
import { wranglerToml } from "./wrangler-toml.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const WORKER = join(ROOT, "test/fixtures/doctor/worker.ts");

/** Name of the app, and of its Worker. */
export const APP = "agents";

const NOT_BUNDLED = ["--only", ALL_CHECKS.flatMap(({ id }) => (id === "one-sdk" ? [] : [id])).join(",")];

/** What `doctor` said. */
export interface Report {
  readonly code: number | null;
  readonly checks: readonly Diagnosis[];
  /** All that was printed. */
  readonly log: string;
}

/** How one run differs from the correct one. */
export interface Setup {
  /** Changes the text of wrangler.toml. */
  readonly toml?: (text: string) => string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Text of the Worker's module. */
  readonly main?: string;
  /** True: bundles the Worker, too, which takes seconds. Default false. */
  readonly bundles?: boolean;
  /** False: a folder without any project. Default true. */
  readonly hasProject?: boolean;
  /** Where the project's packages are. Default: those of this repository. */
  readonly packages?: string;
}

/** Stands before the app, as Cloudflare does: it tells the time, and leads to whatever version is the current one. */
export interface MainUrl extends LoopbackServer {
  target: string;
  /** How far its clock is ahead, in milliseconds. */
  aheadMs: number;
}

export interface DoctorWorld extends AsyncDisposable {
  readonly cloud: RestateCloud;
  readonly admin: AdminClient;
  /** Version v1, registered and the latest. */
  readonly app: ServedEndpoint;
  readonly main: MainUrl;
  /** Serves a version. It is not registered. */
  serve(
    version: string,
    more?: { readonly entry?: string; readonly vars?: Record<string, string> },
  ): Promise<ServedEndpoint>;
  /** Registers what is at a URL; the deployment's id. */
  register(uri: string, version?: string): Promise<string>;
  doctor(setup?: Setup): Promise<Report>;
}

export async function startDoctorWorld(): Promise<DoctorWorld> {
  await using stack = new AsyncDisposableStack();
  const cloud = stack.use(await startRestateCloud());
  const admin = new AdminClient({ url: cloud.adminUrl, token: cloud.token });
  const folder = await mkdtemp(join(tmpdir(), "doctor-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const certificate = join(folder, "authority.pem");
  await writeFile(certificate, cloud.certificate);
  const serve: DoctorWorld["serve"] = (version, { entry = WORKER, vars = {} } = {}) =>
    serveWorker({
      entry,
      vars: { ...settingsOf(cloud), RESTATE_AUTH_TOKEN: cloud.token, APP_VERSION: version, ...vars },
      trustedCertificates: [cloud.certificate],
    });
  const register: DoctorWorld["register"] = async (uri, version) => {
    const metadata =
      version === undefined ? {} : metadataOf({ app: APP, platform: "url", version, fingerprint: version });
    return (await admin.deployments.register({ uri, http11: true, force: true, metadata })).id;
  };
  const app = stack.use(await serve("v1"));
  const main = await startMainUrl(app.url);
  stack.defer(() => main.close());
  await register(`${app.url}/restate/v/v1`, "v1");
  const all = stack.move();
  const doctor = (setup: Setup = {}): Promise<Report> => runDoctor({ cloud, main, folder, certificate }, setup);
  return { cloud, admin, app, main, serve, register, doctor, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

function settingsOf(cloud: RestateCloud): Record<string, string> {
  return {
    ENVIRONMENT: "production",
    RESTATE_IDENTITY_KEYS: cloud.identityKey,
    RESTATE_INGRESS_URL: cloud.ingressUrl,
    RESTATE_ADMIN_URL: cloud.adminUrl,
  };
}

async function startMainUrl(target: string): Promise<MainUrl> {
  const state = { target, aheadMs: 0 };
  const server = await listen(async ({ method, url = "/", headers }, response) => {
    const upstream = forward(new URL(url, state.target), { method, headers });
    upstream.on("response", (answer) => {
      const date = new Date(Date.now() + state.aheadMs).toUTCString();
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, date });
      answer.pipe(response);
    });
    upstream.on("error", () => response.writeHead(502).end());
    upstream.end();
  });
  return Object.assign(state, server);
}

interface Surroundings {
  readonly cloud: RestateCloud;
  readonly main: MainUrl;
  readonly folder: string;
  readonly certificate: string;
}

async function runDoctor({ cloud, main, folder, certificate }: Surroundings, setup: Setup): Promise<Report> {
  const {
    toml = (text) => text,
    env = {},
    args = [],
    hasProject = true,
    bundles = false,
    packages,
    main: source,
  } = setup;
  const project = await mkdtemp(join(folder, "project-"));
  if (hasProject) {
    await symlink(packages ?? join(ROOT, "node_modules"), join(project, "node_modules"));
    await writeFile(join(project, "worker.ts"), source ?? `export { default } from ${JSON.stringify(WORKER)};\n`);
    await writeFile(join(project, "wrangler.toml"), toml(wranglerToml({ name: APP, vars: settingsOf(cloud) })));
  }
  const home = join(project, ".home");
  await mkdir(home);
  const { code, stdout, log } = await run(
    process.execPath,
    [join(ROOT, "cli/main.ts"), "doctor", "--url", main.url, ...(bundles ? [] : NOT_BUNDLED), ...args, "--json"],
    {
      cwd: project,
      timeoutMs: 120_000,
      env: {
        NODE_EXTRA_CA_CERTS: certificate,
        // No login of this machine.
        HOME: home,
        XDG_CONFIG_HOME: home,
        CLOUDFLARE_API_TOKEN: "",
        RESTATE_INGRESS_URL: cloud.ingressUrl,
        RESTATE_ADMIN_URL: cloud.adminUrl,
        RESTATE_AUTH_TOKEN: cloud.token,
        ADMIN_TOKEN: "Vn3kX9qLw2TzR7yB5mHc8dJf",
        AGENT_API_KEYS: "Gp6sQe1uYi4oMa0vNx7zKt3b",
        ...env,
      },
    },
  );
  try {
    const { checks } = JSON.parse(stdout) as { readonly checks: readonly Diagnosis[] };
    return { code, checks, log };
  } catch (cause) {
    throw new Error(`doctor printed no JSON document (exit code ${code}): ${log}`, { cause });
  }
}
