/** `deploy`, with real wrangler, a real restate-server and workerd. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DeployDocument, DeployWorld, WORKER } from "./deploy-world.ts";

let world: DeployWorld;
beforeAll(async () => {
  world = await DeployWorld.start();
});
afterAll(() => world[Symbol.asyncDispose]());

/** A service that was an ordinary one before. */
const GREETER = 'object({ name: "Greeter", handlers: { greet } })';

const uploads = (): number => world.world.cloudflare.worker(WORKER)?.versions.length ?? 0;
const stepsOf = ({ steps }: DeployDocument): string[] => steps.map(({ step, outcome }) => `${step} ${outcome}`);

async function expectLive(version: string | undefined): Promise<void> {
  expect(await world.live()).toMatchObject({ promoted: version, latest: [version], main: version });
}

test("a dry run of an app that does not exist changes nothing", async () => {
  await world.change();
  const { code, document, log } = await world.json(["--dry-run"]);
  expect(code, log).toBe(0);
  expect(document).toMatchObject({ outcome: "planned", app: WORKER, platform: "version-url" });
  expect(document.plan?.[0]).toBe("upload it to Cloudflare Workers");
  expect(world.world.cloudflare.workerNames).toEqual([]);
  expect(await world.admin.deployments.list()).toEqual([]);
});

test("the first deploy creates the Worker, and everything is on its version", async () => {
  await world.change();
  const { code, log } = await world.run();
  expect(code, log).toBe(0);
  console.log(log);
  expect(log).toContain("✓ Smoke invocation of smoke.desk/run: passed, inv_");
  const { promoted, tags } = await world.live();
  expect(tags).toHaveLength(1);
  await expectLive(promoted);
});

test("the same code again: nothing to do", async () => {
  const { promoted } = await world.live();
  const { code, document, log } = await world.json();
  expect(code, log).toBe(0);
  expect(document).toMatchObject({ outcome: "unchanged", version: promoted });
  expect(stepsOf(document)).not.toContain("smoke done");
  expect(uploads()).toBe(1);
});

test("another machine, which remembers nothing, tries the version out again and uploads nothing", async () => {
  await rm(join(world.project.folder, ".restate-edge-agents"), { recursive: true });
  const { code, document, log } = await world.json();
  expect(code, log).toBe(0);
  expect(document.outcome).toBe("unchanged");
  expect(stepsOf(document)).toEqual(expect.arrayContaining(["upload skipped", "register skipped", "smoke done"]));
  expect(uploads()).toBe(1);
});

test("--again uploads another version of the same code, which counts as tried out only after a smoke invocation", async () => {
  const { promoted } = await world.live();
  const { code, document, log } = await world.json(["--again", "--no-smoke"]);
  expect(code, log).toBe(0);
  expect(document.outcome).toBe("deployed");
  expect(document.version).not.toBe(promoted);
  expect(uploads()).toBe(2);
  await expectLive(document.version);
  const tried = await world.json();
  expect(tried.document, tried.log).toMatchObject({ outcome: "unchanged", fingerprint: document.fingerprint });
  expect(stepsOf(tried.document)).toContain("smoke done");
  expect(uploads()).toBe(2);
});

test("the deployment's metadata and every step are told, and no secret", async () => {
  await world.change({ greeter: 'service({ name: "Greeter", handlers: { greet } })' });
  const { code, document, log } = await world.json();
  expect(code, log).toBe(0);
  const deployment = await world.admin.deployments.get(document.deploymentId ?? "");
  expect(deployment.uri).toBe(`${document.url}/restate/v/${document.version}`);
  expect(deployment.metadata).toMatchObject({
    "restate-edge-agents/app": WORKER,
    "restate-edge-agents/platform": "version-url",
    "restate-edge-agents/version": document.version,
    "restate-edge-agents/fingerprint": document.fingerprint,
    "restate-edge-agents/worker": WORKER,
  });
  expect(stepsOf(document).slice(-7)).toEqual([
    "upload done",
    "ready done",
    "dry-run done",
    "register done",
    "smoke done",
    "promote done",
    "main done",
  ]);
  expect(
    document.steps.every(({ startedAt, durationMs }) => !Number.isNaN(Date.parse(startedAt)) && durationMs >= 0),
  ).toBe(true);
  expect(document.smoke).toMatchObject({ outcome: "passed", target: "smoke.desk/run" });
  const { token } = world.world.restate;
  const state = await readFile(join(world.project.folder, ".restate-edge-agents/versions.json"), "utf8");
  for (const text of [log, state, JSON.stringify(deployment.metadata)]) {
    expect(text).not.toContain(token);
    expect(text).not.toContain(world.world.cloudflare.token);
  }
});

test("a breaking change is refused, and accepted with --breaking", async () => {
  const { promoted } = await world.live();
  await world.change({ greeter: GREETER });
  const refused = await world.json();
  expect(refused.code, refused.log).toBe(3);
  expect(refused.document.error).toMatchObject({ code: "breaking-change" });
  expect(refused.document.error?.message).toContain("Greeter was a Service and would be a VirtualObject");
  await expectLive(promoted);
  const count = uploads();
  const accepted = await world.json(["--breaking"]);
  expect(accepted.code, accepted.log).toBe(0);
  expect(uploads()).toBe(count);
  await expectLive(accepted.document.version);
});

test("a version that does not work is never promoted: the one before is the latest again", async () => {
  const before = await world.live();
  const greeter = GREETER;
  await world.change({ greeter, check: 'throw Object.assign(new Error("no such tool"), { name: "TerminalError" });' });
  const { code, document, log } = await world.json(["--timeout", "15"]);
  expect(code, log).toBe(5);
  expect(document.error).toMatchObject({ code: "smoke-failed" });
  expect(document.error?.message).toContain("no such tool");
  expect(document.error?.hint).toMatch(/journal inv_\w+; restate-edge-agents status/);
  await expectLive(before.promoted);
  const running = await world.admin.invocations.list({ status: ["running", "backing-off", "suspended", "paused"] });
  expect(running.invocations).toEqual([]);

  await world.change({ greeter });
  const mended = await world.json();
  expect(mended.code, mended.log).toBe(0);
  await expectLive(mended.document.version);
});

describe("two deployments at once", () => {
  test("of the same code end with one version everywhere", async () => {
    await world.change({ greeter: GREETER });
    const runs = await Promise.all([world.json(["--breaking"]), world.json(["--breaking"])]);
    await expectOneWinner(runs);
  });

  test("the one that was overtaken after its smoke invocation does not promote", async () => {
    await world.change({ greeter: GREETER });
    const first = world.start(["--json", "--breaking"]);
    const held = Promise.withResolvers<void>();
    world.gates.api.break({
      matches: ({ method, path }) => method === "POST" && /\/deployments(\?|$)/.test(path),
      how: "delayed",
      until: held.promise,
    });
    await world.gates.api.broken();
    await world.change({ greeter: GREETER });
    const second = await world.json(["--breaking"]);
    expect(second.code, second.log).toBe(0);
    held.resolve();
    const { code, stdout, log } = await first.ended;
    world.gates.api.open();
    expect(code, log).toBe(4);
    const document = JSON.parse(stdout) as DeployDocument;
    expect(document.error).toMatchObject({ code: "superseded" });
    expect(document.error?.message).toContain("is promoted again");
    await expectLive(second.document.version);
  });
});

async function expectOneWinner(
  runs: readonly { readonly code: number | null; readonly document: DeployDocument }[],
): Promise<void> {
  const winners = runs.filter(({ code }) => code === 0).map(({ document }) => document.version);
  const { promoted } = await world.live();
  expect(winners, JSON.stringify(runs.map(({ document }) => document.error))).toContain(promoted);
  for (const { code, document } of runs) if (code !== 0) expect(document.error?.code).toBe("superseded");
  await expectLive(promoted);
}

test("one Worker per version, for logs: each version has its own, and the plain one gets the code last", async () => {
  await world.change({ greeter: GREETER });
  const args = ["--logs", "--version-url", "http://{worker}.acme.workers.dev", "--breaking"];
  const { code, document, log } = await world.json(args);
  expect(code, log).toBe(0);
  const { fingerprint, version, worker, deploymentId } = document;
  expect(document).toMatchObject({
    platform: "worker-per-version",
    strategyReason: "version URLs have no Workers Logs",
  });
  expect(worker).toBe(`${WORKER}-${fingerprint.slice(0, 8)}`);
  expect(version).toBe(fingerprint.slice(0, 12));
  const { uri } = await world.admin.deployments.get(deploymentId ?? "");
  expect(uri).toBe(`http://${worker}.acme.workers.dev/restate/v/${version}`);
  expect(await world.live()).toMatchObject({ latest: [version], main: version });
  const again = await world.json(args);
  expect(again.document, again.log).toMatchObject({ outcome: "unchanged", version });
  expect(world.world.cloudflare.worker(worker ?? "")?.versions).toHaveLength(1);
});

describe("what is wrong is told before anything is changed", () => {
  test("a secret that is required and missing, a version that the app cannot tell", async () => {
    const count = uploads();
    const config = join(world.project.folder, "wrangler.toml");
    const text = await readFile(config, "utf8");
    await writeFile(config, `${text}\n[secrets]\nrequired = ["OPENAI_API_KEY"]\n`);
    const secrets = await world.json();
    expect(secrets.code, secrets.log).toBe(2);
    expect(secrets.document.error).toMatchObject({ code: "secrets-missing" });
    await writeFile(config, text.replace("preview_urls = true", "").replace("CF_VERSION_METADATA", "VERSION"));
    const binding = await world.json();
    expect(binding.document.error).toMatchObject({ code: "version-metadata" });
    await writeFile(config, text);
    expect(uploads()).toBe(count);
  });
});
