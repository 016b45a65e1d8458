/** The look-alike of Cloudflare, as the real wrangler, Node's fetch and workerd see it. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { listen } from "../../src/testing/http-server.ts";
import { type Cloudflare, startCloudflare, type Version, type WorkerScript } from "../cloudflare/cloudflare.ts";
import { type Echo, type EchoProject, echoProject } from "./echo-project.ts";
import { run, type RunResult, wrangler } from "./wrangler.ts";

let cloudflare: Cloudflare;
let project: EchoProject;

beforeAll(async () => {
  cloudflare = await startCloudflare();
});
afterAll(() => cloudflare.stop());
beforeEach(async () => {
  project = await echoProject();
});
afterEach(async () => {
  await project[Symbol.asyncDispose]();
  expect(cloudflare.unknownCalls).toEqual([]);
});

const wranglerRun = (args: string, { input = "", env = {} }: { input?: string; env?: Record<string, string> } = {}) =>
  wrangler(args.split(" "), { cwd: project.folder, env: { ...cloudflare.env, ...env }, input });

/** A run that must succeed. */
async function ok(args: string, options?: Parameters<typeof wranglerRun>[1]): Promise<RunResult> {
  const result = await wranglerRun(args, options);
  expect(result.code, result.log).toBe(0);
  return result;
}

/** The records of wrangler's output file for one run. */
async function recordsOf(args: string): Promise<Record<string, unknown>[]> {
  const path = join(project.folder, "out.ndjson");
  await ok(args, { env: { WRANGLER_OUTPUT_FILE_PATH: path } });
  const lines = (await readFile(path, "utf8")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const echo = async (url: string): Promise<Echo> => (await (await cloudflare.fetch(url)).json()) as Echo;

function workerNamed(name: string): WorkerScript & { readonly latest: Version } {
  const worker = cloudflare.worker(name);
  if (worker?.latest === undefined) throw new Error(`There is no Worker ${name} with a version`);
  return worker as WorkerScript & { readonly latest: Version };
}

describe("wrangler against the look-alike", () => {
  test("a version has an address of its own, and the Worker's address serves it once it is promoted", async () => {
    await ok("deploy --name life");
    const first = workerNamed("life").latest;
    expect(await echo(`${cloudflare.urlOf("life")}/a?b=1`)).toEqual({
      text: "first",
      version: first.id,
      url: `${cloudflare.urlOf("life")}/a?b=1`,
      color: "green",
    });

    await project.write("second");
    const records = await recordsOf("versions upload --name life --tag t1 --preview-alias next");
    const second = workerNamed("life").latest;
    expect(records.at(-1)).toMatchObject({
      type: "version-upload",
      version_id: second.id,
      preview_url: cloudflare.versionUrl("life", second).replace("http:", "https:"),
    });
    expect(await echo(cloudflare.versionUrl("life", second))).toMatchObject({ text: "second", version: second.id });
    expect(await echo("http://next-life.acme.workers.dev")).toMatchObject({ version: second.id });
    expect(await echo(cloudflare.urlOf("life"))).toMatchObject({ version: first.id });

    await ok(`versions deploy ${second.id}@100% -y --name life`);
    expect(await echo(cloudflare.urlOf("life"))).toMatchObject({ version: second.id });
    expect(await echo(cloudflare.versionUrl("life", first))).toMatchObject({ text: "first", version: first.id });
    const { stdout } = await ok("deployments status --json --name life");
    expect(JSON.parse(stdout)).toMatchObject({ versions: [{ version_id: second.id, percentage: 100 }] });

    await ok("delete life");
    expect(cloudflare.worker("life")).toBeUndefined();
    expect((await cloudflare.fetch(cloudflare.versionUrl("life", first))).status).toBe(404);
  });

  test("secrets are inherited, never shown, and deploying one deploys a version", async () => {
    await ok("deploy --name safe");
    await ok("secret put SECRET --name safe", { input: "s3cr3t-1" });
    const withSecret = workerNamed("safe").latest;
    expect(workerNamed("safe").promoted?.id).toBe(withSecret.id);
    expect(await echo(cloudflare.urlOf("safe"))).toMatchObject({ secret: "s3cr3t-1", version: withSecret.id });

    await ok("versions upload --name safe");
    const inherited = workerNamed("safe").latest;
    expect(await echo(cloudflare.versionUrl("safe", inherited))).toMatchObject({ secret: "s3cr3t-1" });
    const { stdout } = await ok(`versions view ${inherited.id} --json --name safe`);
    expect(stdout).toContain("SECRET");
    expect(stdout).not.toContain("s3cr3t-1");

    const refused = await wranglerRun("secret put SECRET --name safe", { input: "s3cr3t-2" });
    expect(refused.code).not.toBe(0);
    await writeFile(join(project.folder, "secrets.json"), `{"SECRET":"s3cr3t-3"}`);
    await ok("versions upload --name safe --secrets-file secrets.json");
    expect(await echo(cloudflare.versionUrl("safe", workerNamed("safe").latest))).toMatchObject({ secret: "s3cr3t-3" });
  });

  test("a Worker with a Durable Object has no version addresses", async () => {
    await using withObject = await echoProject(`name = "counter"
main = "worker.js"
compatibility_date = "2026-10-01"
[durable_objects]
bindings = [{ name = "COUNTER", class_name = "Counter" }]
[[migrations]]
tag = "v1"
new_sqlite_classes = ["Counter"]
`);
    const options = { cwd: withObject.folder, env: cloudflare.env };
    expect((await wrangler(["deploy"], options)).code).toBe(0);
    const output = join(withObject.folder, "out.ndjson");
    const env = { ...cloudflare.env, WRANGLER_OUTPUT_FILE_PATH: output };
    const uploaded = await wrangler(["versions", "upload"], { cwd: withObject.folder, env });
    expect(uploaded.code, uploaded.log).toBe(0);
    expect(await readFile(output, "utf8")).not.toContain("preview_url");
    const address = cloudflare.versionUrl("counter", workerNamed("counter").latest);
    expect((await cloudflare.fetch(address)).status).toBe(404);
    expect(await echo(cloudflare.urlOf("counter"))).toMatchObject({ text: "first" });
  });

  test("calls fail on order, a wrong token is refused, and so is a version of a Worker that is not there", async () => {
    const absent = await wranglerRun("versions upload --name absent");
    expect(absent.code).not.toBe(0);
    expect(absent.log).toContain("does not yet exist");
    const stranger = await wranglerRun("deploy --name absent", { env: { CLOUDFLARE_API_TOKEN: "wrong" } });
    expect(stranger.code).not.toBe(0);
    expect(stranger.log).toContain("[code: 10000]");

    const lost = cloudflare.fail({ method: "PUT", path: /\/scripts\/again$/, how: "lost" });
    await ok("deploy --name again");
    expect(lost.count).toBe(1);
    // The first upload was done, wrangler only did not hear of it.
    expect(workerNamed("again").versions).toHaveLength(2);

    const refused = cloudflare.fail({ path: /\/versions$/, how: { status: 400, message: "Not today" } });
    expect((await wranglerRun("versions upload --name again")).log).toContain("Not today");
    expect(refused.count).toBe(1);
  });
});

describe("the network", () => {
  test("Node's fetch reaches Workers through the proxy, and loopback without it", async () => {
    await ok("deploy --name near");
    await using direct = await loopback();
    const script = `const of = async (url) => (await (await fetch(url)).json());
      console.log(JSON.stringify([await of(${JSON.stringify(cloudflare.urlOf("near"))}), await of("${direct.url}")]));`;
    const asked = await run(process.execPath, ["-e", script], { cwd: project.folder, env: cloudflare.env });
    expect(asked.code, asked.log).toBe(0);
    expect(JSON.parse(asked.stdout)).toMatchObject([{ text: "first" }, { direct: true }]);
  });

  test("bodies stream through, and a name that nobody has is not found", async () => {
    await ok("deploy --name stream");
    const body = "x".repeat(300_000);
    const answer = await cloudflare.fetch(cloudflare.urlOf("stream"), { method: "POST", body });
    expect((await answer.text()).length).toBe(body.length);
    expect((await cloudflare.fetch("http://nobody.acme.workers.dev")).status).toBe(404);
  });
});

async function loopback(): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = await listen(async (request, response) => {
    // Through the proxy it would be the whole URL.
    response.end(JSON.stringify({ direct: request.url === "/" }));
  });
  return { url: server.url, [Symbol.asyncDispose]: () => server.close() };
}
