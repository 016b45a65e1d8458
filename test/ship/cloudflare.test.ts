/** The look-alike of Cloudflare, as the real wrangler, Node's fetch and workerd see it. */
import { spawn } from "node:child_process";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listen } from "../../src/testing/http-server.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { type Cloudflare, startCloudflare, type Version, type WorkerScript } from "../cloudflare/cloudflare.ts";
import { type Echo, type EchoProject, echoProject } from "./echo-project.ts";
import { run, type RunResult, wrangler } from "./wrangler.ts";

const REPOSITORY = resolve(import.meta.dirname, "../..");

let cloudflare: Cloudflare;

beforeAll(async () => {
  cloudflare = await startCloudflare();
});
afterAll(async () => {
  await cloudflare.stop();
  expect(cloudflare.unknownCalls).toEqual([]);
});

interface RunWith {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const wranglerIn = ({ folder }: EchoProject, args: string, { input = "", env = {} }: RunWith = {}) =>
  wrangler(args.split(" "), { cwd: folder, env: { ...cloudflare.env, ...env }, input });

/** A run that must succeed. */
async function ok(project: EchoProject, args: string, options?: RunWith): Promise<RunResult> {
  const result = await wranglerIn(project, args, options);
  expect(result.code, result.log).toBe(0);
  return result;
}

/** The last record of wrangler's output file for one run. */
async function recordOf(project: EchoProject, args: string): Promise<Record<string, unknown>> {
  const path = join(project.folder, "out.ndjson");
  await ok(project, args, { env: { WRANGLER_OUTPUT_FILE_PATH: path } });
  const lines = (await readFile(path, "utf8")).trim().split("\n");
  return JSON.parse(lines.at(-1) ?? "{}") as Record<string, unknown>;
}

const echo = async (url: string): Promise<Echo> => (await (await cloudflare.fetch(url)).json()) as Echo;

function workerNamed(name: string): WorkerScript & { readonly latest: Version } {
  const worker = cloudflare.worker(name);
  if (worker?.latest === undefined) throw new Error(`There is no Worker ${name} with a version`);
  return worker as WorkerScript & { readonly latest: Version };
}

// Most of the time is wrangler's start, so two at once.
describe.concurrent("wrangler against the look-alike", () => {
  test("a version has an address of its own, and the Worker's address serves it once it is promoted", async () => {
    await using project = await echoProject();
    await ok(project, "deploy --name life");
    const first = workerNamed("life").latest;
    expect(await echo(`${cloudflare.urlOf("life")}/a?b=1`)).toEqual({
      text: "first",
      version: first.id,
      url: `${cloudflare.urlOf("life")}/a?b=1`,
      color: "green",
    });

    await project.write("second");
    const record = await recordOf(project, "versions upload --name life --tag t1 --preview-alias next");
    const second = workerNamed("life").latest;
    expect(record).toMatchObject({
      type: "version-upload",
      version_id: second.id,
      preview_url: cloudflare.versionUrl("life", second).replace("http:", "https:"),
    });
    expect(await echo(cloudflare.versionUrl("life", second))).toMatchObject({ text: "second", version: second.id });
    expect(await echo("http://next-life.acme.workers.dev")).toMatchObject({ version: second.id });
    expect(await echo(cloudflare.urlOf("life"))).toMatchObject({ version: first.id });

    await ok(project, `versions deploy ${second.id}@100% -y --name life`);
    expect(await echo(cloudflare.urlOf("life"))).toMatchObject({ version: second.id });
    expect(await echo(cloudflare.versionUrl("life", first))).toMatchObject({ text: "first", version: first.id });
    const { stdout } = await ok(project, "deployments status --json --name life");
    expect(JSON.parse(stdout)).toMatchObject({ versions: [{ version_id: second.id, percentage: 100 }] });

    await ok(project, "delete life");
    expect(cloudflare.worker("life")).toBeUndefined();
    expect((await cloudflare.fetch(cloudflare.versionUrl("life", first))).status).toBe(404);
  });

  test("secrets are inherited, never shown, and deploying one deploys a version", async () => {
    await using project = await echoProject();
    await ok(project, "deploy --name safe");
    await ok(project, "secret put SECRET --name safe", { input: "s3cr3t-1" });
    const withSecret = workerNamed("safe").latest;
    expect(workerNamed("safe").promoted?.id).toBe(withSecret.id);
    expect(await echo(cloudflare.urlOf("safe"))).toMatchObject({ secret: "s3cr3t-1", version: withSecret.id });

    await ok(project, "versions upload --name safe");
    const inherited = workerNamed("safe").latest;
    expect(await echo(cloudflare.versionUrl("safe", inherited))).toMatchObject({ secret: "s3cr3t-1" });
    const { stdout } = await ok(project, `versions view ${inherited.id} --json --name safe`);
    expect(stdout).toContain("SECRET");
    expect(stdout).not.toContain("s3cr3t-1");

    const refused = await wranglerIn(project, "secret put SECRET --name safe", { input: "s3cr3t-2" });
    expect(refused.code).not.toBe(0);
    await writeFile(join(project.folder, "secrets.json"), `{"SECRET":"s3cr3t-3"}`);
    await ok(project, "versions upload --name safe --secrets-file secrets.json");
    expect(await echo(cloudflare.versionUrl("safe", workerNamed("safe").latest))).toMatchObject({ secret: "s3cr3t-3" });
  });

  test("a Worker with a Durable Object has no version addresses", async () => {
    await using project = await echoProject(`name = "counter"
main = "worker.js"
compatibility_date = "2026-10-01"
[durable_objects]
bindings = [{ name = "COUNTER", class_name = "Counter" }]
[[migrations]]
tag = "v1"
new_sqlite_classes = ["Counter"]
`);
    await ok(project, "deploy");
    expect(await recordOf(project, "versions upload")).not.toHaveProperty("preview_url");
    const address = cloudflare.versionUrl("counter", workerNamed("counter").latest);
    expect((await cloudflare.fetch(address)).status).toBe(404);
    expect(await echo(cloudflare.urlOf("counter"))).toMatchObject({ text: "first" });
  });

  test("calls fail on order, a wrong token is refused, and so is a version of a Worker that is not there", async () => {
    await using project = await echoProject();
    const absent = await wranglerIn(project, "versions upload --name absent");
    expect(absent.code).not.toBe(0);
    expect(absent.log).toContain("does not yet exist");
    const stranger = await wranglerIn(project, "deploy --name absent", { env: { CLOUDFLARE_API_TOKEN: "wrong" } });
    expect(stranger.code).not.toBe(0);
    expect(stranger.log).toContain("[code: 10000]");

    const lost = cloudflare.fail({ method: "PUT", path: /\/scripts\/again$/, how: "lost" });
    await ok(project, "deploy --name again");
    expect(lost.count).toBe(1);
    // The first upload was done, wrangler only did not hear of it.
    expect(workerNamed("again").versions).toHaveLength(2);

    const refused = cloudflare.fail({ path: /\/again\/versions$/, how: { status: 400, message: "Not today" } });
    expect((await wranglerIn(project, "versions upload --name again")).log).toContain("Not today");
    expect(refused.count).toBe(1);
  });
});

test("the tool's logs show what a Worker writes, line by line and without secrets, until Ctrl-C", async () => {
  await using project = await echoProject();
  await ok(project, "deploy --name echo");
  // wrangler listens through a proxy, too, if there is one; this one leads to Workers alone.
  const { HTTP_PROXY: _, HTTPS_PROXY: __, ...env } = cloudflare.env;
  const folder = join(project.folder, "node_modules");
  await mkdir(folder);
  await symlink(join(REPOSITORY, "node_modules/wrangler"), join(folder, "wrangler"), "dir");
  const child = spawn(process.execPath, [join(REPOSITORY, "cli/main.ts"), "logs"], {
    cwd: project.folder,
    env: { ...process.env, NO_COLOR: "1", XDG_CONFIG_HOME: project.folder, ...env, RESTATE_ADMIN_URL: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const pipe of [child.stdout, child.stderr]) pipe.setEncoding("utf8").on("data", (text: string) => (log += text));
  const ended = new Promise<number | null>((done) => child.on("close", done));
  try {
    await Promise.race([cloudflare.tails.listened, ended]);
    cloudflare.tails.send({
      outcome: "ok",
      scriptName: "echo",
      exceptions: [],
      eventTimestamp: Date.now(),
      event: { request: { method: "GET", url: "https://echo.acme.workers.dev/a", headers: {} } },
      logs: [{ level: "log", message: [`the token is ${cloudflare.token}`], timestamp: Date.now() }],
    });
    await waitUntil(`The tool shows nothing: ${log}`, () => log.includes("the token is"));
  } finally {
    child.kill("SIGINT");
  }
  expect(await ended, log).toBe(0);
  expect(log).toContain("GET https://echo.acme.workers.dev/a - Ok");
  expect(log).toContain("(log) the token is ***");
  expect(log).not.toContain(cloudflare.token);
});

test("Node's fetch reaches Workers through the proxy, and loopback without it; bodies stream through", async () => {
  await using project = await echoProject();
  await ok(project, "deploy --name near");
  const url = cloudflare.urlOf("near");
  await using direct = await loopback();
  const script = `const of = async (url) => (await (await fetch(url)).json());
    console.log(JSON.stringify([await of(${JSON.stringify(url)}), await of("${direct.url}")]));`;
  const asked = await run(process.execPath, ["-e", script], { cwd: project.folder, env: cloudflare.env });
  expect(asked.code, asked.log).toBe(0);
  expect(JSON.parse(asked.stdout)).toMatchObject([{ text: "first" }, { direct: true }]);

  const body = "x".repeat(300_000);
  const answer = await cloudflare.fetch(url, { method: "POST", body });
  expect(await answer.text()).toHaveLength(body.length);
  expect((await cloudflare.fetch("http://nobody.acme.workers.dev")).status).toBe(404);
});

async function loopback(): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = await listen(async (request, response) => {
    // Through the proxy it would be the whole URL.
    response.end(JSON.stringify({ direct: request.url === "/" }));
  });
  return { url: server.url, [Symbol.asyncDispose]: () => server.close() };
}
