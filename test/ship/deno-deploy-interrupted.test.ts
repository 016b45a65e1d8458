/** A deployment to Deno Deploy that is broken off at each of its calls, and run again: always the same end. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitUntil } from "../../src/testing/wait.ts";
import type { FailureOrder } from "../cloudflare/failures.ts";
import { APP, DenoWorld, type ToolRun } from "./deno-deploy-world.ts";
import type { Break } from "./gate.ts";

const MANY = 100;

let world: DenoWorld;
let codes = 0;

beforeAll(async () => {
  world = await DenoWorld.start();
  expect(await world.deploy()).toMatchObject({ code: 0 });
}, 90_000);
afterAll(() => world[Symbol.asyncDispose]());

/** Runs it again and looks at the end. What was used stays in use until then. */
async function again(broken: ToolRun, before: string | undefined): Promise<void> {
  const { latest, main } = await world.live();
  expect(latest).toHaveLength(1);
  expect([before, latest[0]]).toContain(main);
  await world.deno.settled();
  const { code, document } = await world.deploy();
  expect({ code, document }).toMatchObject({
    code: 0,
    document: { outcome: expect.stringMatching(/deployed|unchanged/) as string },
  });
  const { version = "", worker = "" } = document;
  expect(await world.live()).toMatchObject({ latest: [version], main: version });
  const app = world.deno.organization.app(worker);
  // It is built once for Restate, whatever broke.
  expect(app?.revisions.map(({ status }) => status)).toEqual(["succeeded"]);
  expect(broken.document.error?.hint).toMatch(/[Rr]un this again/);
}

const calls: readonly (readonly [string, FailureOrder])[] = [
  ["the app is read", { method: "GET", path: /^\/apps\/desk$/, times: MANY, how: "cut" }],
  ["its addresses are read", { path: /^\/apps\/desk\/timelines$/, times: MANY, how: { status: 503 } }],
  ["the version's app is looked for", { method: "GET", path: /^\/apps\/desk-\w{8}$/, times: MANY, how: "cut" }],
  ["the version's app is made", { method: "POST", path: /^\/apps$/, how: "cut" }],
  ["it was made, and the answer is lost", { method: "POST", path: /^\/apps$/, how: "lost" }],
  ["its revisions are listed", { path: /^\/apps\/desk-\w{8}\/revisions$/, times: MANY, how: "cut" }],
  ["it is uploaded", { path: /^\/apps\/desk-\w{8}\/deploy$/, how: "cut" }],
  ["it was uploaded, and the answer is lost", { path: /^\/apps\/desk-\w{8}\/deploy$/, how: "lost" }],
  ["its build is waited for", { path: /^\/revisions\/\w+$/, times: MANY, how: { status: 500 } }],
  ["the app is uploaded", { path: /^\/apps\/desk\/deploy$/, how: "cut" }],
  ["the app was uploaded, and the answer is lost", { path: /^\/apps\/desk\/deploy$/, how: "lost" }],
];

test.each(calls)("when %s", async (_, order) => {
  await world.write({ code: `call ${++codes}` });
  const before = (await world.live()).main;
  const failing = world.deno.fail(order);
  const broken = await world.deploy();
  failing.cancel();
  expect(failing.count).toBeGreaterThan(0);
  expect({ code: broken.code, error: broken.document.error }).toMatchObject({
    code: 4,
    error: { code: expect.stringMatching(/^deno-deploy-(?:unreachable|failed)$/) as string },
  });
  await again(broken, before);
});

const steps: readonly (readonly [string, "admin" | "ingress", RegExp, Break])[] = [
  ["it is registered", "admin", /^POST \/deployments .*"dry_run":false|^POST \/deployments (?!.*dry_run)/, "cut"],
  ["it was registered, and the answer is lost", "admin", /^POST \/deployments (?!.*"dry_run":true)/, "lost"],
  ["it is invoked", "ingress", /smoke\.desk/, "cut"],
];

test.each(steps)("when %s", async (_, door, pattern, how) => {
  await world.write({ code: `step ${++codes}` });
  const before = (await world.live()).main;
  const gate = world.gates[door];
  gate.break({ matches: ({ method, path, body }) => pattern.test(`${method} ${path} ${body}`), how });
  const broken = await world.deploy();
  expect(gate.open()).toBe(true);
  expect(broken.code).toBe(4);
  await again(broken, before);
});

test("a build that an interrupted deployment has begun is waited for, and not begun again", async () => {
  await world.write({ code: `call ${++codes}` });
  const release = world.deno.holdBuilds();
  const lost = world.deno.fail({ path: /^\/apps\/desk-\w{8}\/deploy$/, how: "lost" });
  expect(await world.deploy()).toMatchObject({ code: 4 });
  expect(lost.count).toBe(1);
  const from = world.deno.calls.length;
  const running = world.deploy();
  const isWaiting = (): boolean => world.deno.calls.slice(from).some(({ name }) => /^GET \/revisions\/\w+$/.test(name));
  await waitUntil("It does not wait for the build", isWaiting, { timeoutMs: 60_000 });
  release();
  const { code, document } = await running;
  expect({ code, document }).toMatchObject({ code: 0, document: { outcome: "deployed" } });
  expect(world.deno.organization.app(document.worker ?? "")?.revisions).toHaveLength(1);
});

test("one broken call of what only reads is not even noticed", async () => {
  await world.write({ code: `call ${++codes}` });
  const orders = [/^\/apps\/desk$/, /^\/apps\/desk-\w{8}$/, /^\/revisions\/\w+$/].map((path) =>
    world.deno.fail({ method: "GET", path, how: "cut" }),
  );
  const busy = world.deno.fail({ path: /\/deploy$/, how: { status: 429 } });
  const { code, document } = await world.deploy();
  expect({ code, document }).toMatchObject({ code: 0, document: { outcome: "deployed" } });
  expect([...orders, busy].map(({ count }) => count)).toEqual([1, 1, 1, 1]);
  expect((await world.live()).latest).toEqual([document.version]);
  expect(world.deno.organization.app(APP)?.active?.labels["version"]).toBe(document.version);
});
