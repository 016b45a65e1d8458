/** Deno Deploy: the whole life of an app, one app per version, through the API's look-alike, with real Deno and Restate. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitUntil } from "../../src/testing/wait.ts";
import { APP, DenoWorld, SECRET } from "./deno-deploy-world.ts";

const OLD_RUNS = 8;

let world: DenoWorld;
let first: string;
const slugOf = (version: string): string => `${APP}-${version.slice(0, 8)}`;
const text = (value: unknown): string => (typeof value === "string" ? value : "");

beforeAll(async () => {
  world = await DenoWorld.start();
}, 90_000);
afterAll(() => world[Symbol.asyncDispose]());

async function startRuns(prefix: string, count: number): Promise<{ keys: string[]; ids: string[] }> {
  const keys = Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
  const ids = await Promise.all(keys.map((key) => world.restate.send("Guarded/run", key)));
  const waiting = (): boolean => keys.every((key) => world.effects.count(`${key} waits`) === 1);
  await waitUntil("Not every run waits", waiting, { everyMs: 50 });
  return { keys, ids };
}

async function wake(keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const id = world.effects.effects.find(({ name }) => name === `${key} waits`)?.key;
    await world.restate.resolveAwakeable(id ?? "", "news");
  }
}

test("a dry run of the first deployment writes nothing", async () => {
  const { code, document } = await world.deploy(["--dry-run"]);
  expect({ code, document }).toMatchObject({ code: 0, document: { outcome: "planned", app: APP } });
  expect(document.plan).toContain("upload it to Deno Deploy");
  expect(world.deno.calls.filter(({ name }) => !name.startsWith("GET "))).toEqual([]);
  expect(await world.live()).toEqual({ apps: [APP], latest: [], main: undefined });
});

test("the first deployment makes an app for the version, registers and tries it, and promotes a copy", async () => {
  const { code, document, log } = await world.deploy();
  expect({ code, document }).toMatchObject({ code: 0, document: { outcome: "deployed" } });
  first = text(document.version);
  expect(document.worker).toBe(slugOf(first));
  expect(document.url).toBe(world.deno.urlOf(slugOf(first)));
  expect(await world.live()).toEqual({ apps: [APP, slugOf(first)].sort(), latest: [first], main: first });
  expect(log).not.toContain(SECRET);
  expect(log).not.toContain(world.deno.token);
  expect(world.deno.calls.filter(({ known }) => !known)).toEqual([]);
});

test("no secret, nothing that is installed there, and nothing of the tool's is uploaded", () => {
  const app = world.deno.organization.app(slugOf(first));
  const assets = app?.revisions[0]?.assets ?? {};
  expect(Object.keys(assets).sort()).toEqual([
    "code.ts",
    "deno.json",
    "entry/deno.ts",
    "package.json",
    "restate-edge-agents.main.ts",
    "restate-edge-agents.version.ts",
  ]);
  expect(JSON.stringify(assets)).not.toContain(SECRET);
  expect([...(app?.variables.values() ?? [])].map(({ key }) => key)).not.toContain("OPENAI_API_KEY");
});

test("deploying the same again does nothing", async () => {
  const before = world.deno.calls.length;
  const { code, document } = await world.deploy();
  expect({ code, document }).toMatchObject({ code: 0, document: { outcome: "unchanged", version: first } });
  expect(world.deno.calls.slice(before).filter(({ name }) => !name.startsWith("GET "))).toEqual([]);
});

test("runs in flight end on the code that they began on, new ones run on the new; prune waits for them", async () => {
  const { keys, ids } = await startRuns("old", OLD_RUNS);
  await world.write({ code: "2" });
  const { code, document } = await world.deploy();
  expect({ code, document }).toMatchObject({ code: 0, document: { outcome: "deployed" } });
  const second = text(document.version);
  expect(second).not.toBe(first);
  expect(await world.live()).toMatchObject({ latest: [second], main: second });

  const status = await world.tool(["status", "--check"]);
  expect(status).toMatchObject({ code: 0, document: { app: APP, healthy: true } });
  expect(status.document["deployments"]).toMatchObject([
    { version: second, worker: slugOf(second), platform: "deno-deploy", health: { state: "ok" }, pinned: 0 },
    { version: first, worker: slugOf(first), health: { state: "ok" }, pinned: OLD_RUNS, latestOf: [] },
  ]);
  expect(status.document["main"]).toMatchObject({ url: world.deno.urlOf(APP), health: { version: second } });

  expect(await world.tool(["prune", "--keep", "0"])).toMatchObject({ code: 0, document: { removed: 0 } });
  const fresh = await startRuns("new", 1);
  await wake([...keys, ...fresh.keys]);
  for (const [n, id] of ids.entries()) {
    expect(await world.restate.attach(id)).toEqual({ status: 200, body: `first ${keys[n]}, news, ended on 1` });
  }
  expect(await world.restate.attach(fresh.ids[0] ?? "")).toMatchObject({ body: "first new-0, news, ended on 2" });
  expect(keys.map((key) => world.effects.count("first", key))).toEqual(keys.map(() => 1));
  console.log(`${OLD_RUNS} runs ended on the old version, 1 on the new one; prune removed nothing meanwhile`);

  await waitUntil("The old runs are in flight", async () => {
    const pinned = await world.admin.deployments.pinnedInvocations();
    return [...pinned.values()].every((count) => count === 0);
  });
});

test("a build that fails touches nothing that is used, and says why", async () => {
  const before = await world.live();
  await world.write({ code: "3", broken: true });
  const { code, document } = await world.deploy();
  expect({ code, error: document.error }).toMatchObject({ code: 4, error: { code: "build-failed" } });
  expect(document.error?.message).toMatch(/entry\/deno\.ts/);
  expect(await world.live()).toEqual(before);
});

test("a version whose smoke invocation fails is taken back, and never promoted", async () => {
  const before = await world.live();
  await world.write({ code: "4", check: 'throw new TerminalError("the till is closed");' });
  const { code, document } = await world.deploy();
  expect({ code, error: document.error }).toMatchObject({ code: 5, error: { code: "smoke-failed" } });
  expect(document.error?.message).toContain("the till is closed");
  const after = await world.live();
  expect({ latest: after.latest, main: after.main }).toEqual({ latest: before.latest, main: before.main });
});

test("rollback makes the version before the latest again, and uploads nothing", async () => {
  const before = world.deno.calls.length;
  const { code, document } = await world.tool(["rollback"]);
  expect({ code, document }).toMatchObject({ code: 0, document: { version: first, smoke: { outcome: "passed" } } });
  expect(document["promotion"]).toMatchObject({ state: "skipped" });
  expect((await world.live()).latest).toEqual([first]);
  expect(world.deno.calls.slice(before)).toEqual([]);
  const { keys, ids } = await startRuns("back", 1);
  await wake(keys);
  expect(await world.restate.attach(ids[0] ?? "")).toMatchObject({ body: "first back-0, news, ended on 1" });
  // The old code, checked out: nothing is built for Restate, and the app's own address follows.
  await world.write({ code: "1" });
  expect(await world.deploy()).toMatchObject({ code: 0, document: { outcome: "deployed", version: first } });
  expect(await world.live()).toMatchObject({ latest: [first], main: first });
});

test("prune removes the apps of versions that nothing needs, and no other app", async () => {
  world.deno.organization.create({ slug: `${APP}-intranet` });
  const { code, document } = await world.tool(["prune", "--keep", "0"]);
  expect(code).toBe(0);
  expect(document["removed"]).toBe(2);
  const { apps } = await world.live();
  expect(apps).toContain(`${APP}-intranet`);
  expect(apps).toContain(slugOf(first));
  expect(apps).toContain(APP);
  expect(apps).toHaveLength(3);
});

test("what is wrong is said before anything is changed", async () => {
  const before = world.deno.calls.length;
  await world.write({ code: "5" });
  const token = await world.deploy([], { DENO_DEPLOY_TOKEN: "ddo_of_somebody_else" });
  expect(token).toMatchObject({ code: 2, document: { error: { code: "deno-deploy-unauthorized" } } });
  expect(token.log).not.toContain("ddo_of_somebody_else");
  expect(await world.deploy([], { DENO_DEPLOY_TOKEN: "" })).toMatchObject({
    code: 2,
    document: { error: { code: "deno-token-missing" } },
  });
  expect(await world.deploy(["--app", "till"])).toMatchObject({
    code: 2,
    document: { error: { code: "deno-app-missing", hint: expect.stringContaining("--app till") as string } },
  });
  const app = world.deno.organization.app(APP);
  app?.variables.set("TILL_KEY", { key: "TILL_KEY", value: SECRET, secret: true, contexts: ["production"] });
  expect(await world.deploy()).toMatchObject({
    code: 2,
    document: { error: { code: "deno-secrets-missing", message: expect.stringContaining("TILL_KEY") as string } },
  });
  expect(world.deno.calls.slice(before).filter(({ name }) => !name.startsWith("GET "))).toEqual([]);
});

test("secrets of a file go to the version's app and to the app itself, and nowhere else", async () => {
  await writeFile(join(world.folder, "till.env"), `TILL_KEY=${SECRET}-2\n`);
  const { code, document, log } = await world.deploy(["--secrets-file", "till.env"]);
  expect({ code, document }).toMatchObject({ code: 0, document: { outcome: "deployed" } });
  for (const slug of [APP, slugOf(text(document.version))]) {
    const app = world.deno.organization.app(slug);
    expect(app?.variables.get("TILL_KEY")).toMatchObject({ value: `${SECRET}-2`, secret: true });
    expect(Object.keys(app?.revisions.at(-1)?.assets ?? {})).not.toContain("till.env");
  }
  expect(log).not.toContain(SECRET);
});
