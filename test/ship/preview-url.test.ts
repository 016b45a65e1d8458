/**
 * `deploy` without `--version-url`: the addresses are those that wrangler itself tells, of the Worker at its first deployment
 * and of each version after that. They are https, and a restate-server sends nothing but http through a proxy: before its Admin
 * API stands one that writes `http:` in place of `https:` into what it is told of these addresses, and back into what it answers.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { AdminClient } from "../../src/admin/index.ts";
import type { LoopbackServer } from "../../src/testing/http-server.ts";
import type { ClerkProject } from "./clerk-project.ts";
import { startPlainAdmin } from "./plain-admin.ts";
import { ended, startRuns } from "./runs.ts";
import { type DeployDocument, tool, type ToolResult } from "./tool.ts";
import { startWorld, type World } from "./world.ts";

type Deployed = DeployDocument & { readonly url: string; readonly mainUrl: string };

/** What belongs to the Worker and to none of its versions. */
const TABLES = '\n[triggers]\ncrons = ["0 3 * * *"]\n';

let world: World;
let admin: LoopbackServer;
let project: ClerkProject;
beforeAll(async () => {
  world = await startWorld();
  admin = await startPlainAdmin(world.restate.server.adminUrl, "acme.workers.dev");
  project = await world.project("Clerk", TABLES);
});
afterAll(async () => {
  await project[Symbol.asyncDispose]();
  await admin.close();
  await world[Symbol.asyncDispose]();
});

const deploy = (...args: string[]): Promise<ToolResult<Deployed>> =>
  tool<Deployed>({ ...world, env: { ...world.env, RESTATE_ADMIN_URL: admin.url } }, project, ["deploy", ...args]);

const ownUrl = "https://clerk.acme.workers.dev";
const addressOf = (version: string): string => `https://${version.slice(0, 8)}-clerk.acme.workers.dev`;

/** Calls that change something, since then. */
const changes = (from: number): string[] =>
  world.cloudflare.calls
    .slice(from)
    .filter(({ method }) => method !== "GET")
    .map(({ method, path }) => `${method} ${path.split("/").at(-1) ?? ""}`);

async function expectLive({ code, document, log }: ToolResult<Deployed>, source: "old" | "changed"): Promise<void> {
  expect(code, log).toBe(0);
  const { version, deploymentId, url, mainUrl } = document;
  expect({ url, mainUrl }).toEqual({ url: addressOf(version), mainUrl: ownUrl });
  expect(world.cloudflare.worker("clerk")?.promoted?.id).toBe(version);
  const { uri } = await new AdminClient({ url: admin.url }).deployments.get(deploymentId);
  expect(uri).toBe(`${url}/restate/v/${version}`);
  const [run] = await ended(world, await startRuns(world, "Clerk", { quick: 1 }));
  expect(run?.code).toBe(source);
}

test("the first deployment takes its version's address from that of the Worker", async () => {
  await project.write("old");
  await expectLive(await deploy("--secrets-file", world.secretsFile), "old");
});

test("the next ones take wrangler's preview_url, and routes and schedules follow the promotion", async () => {
  const from = world.cloudflare.calls.length;
  await project.write("changed");
  await expectLive(await deploy(), "changed");
  const [upload, promotion, schedules] = ["POST versions", "POST deployments", "PUT schedules"].map((call) =>
    changes(from).indexOf(call),
  );
  expect(upload).toBeGreaterThanOrEqual(0);
  expect(promotion).toBeGreaterThan(upload ?? 0);
  expect(schedules).toBeGreaterThan(promotion ?? 0);
  expect(world.cloudflare.worker("clerk")?.settings["schedules"]).toMatchObject([{ cron: "0 3 * * *" }]);
});

test("run again, it finds the version where wrangler had told it, and rollback goes to the one before", async () => {
  const before = world.cloudflare.worker("clerk")?.versions.length;
  const again = await deploy();
  expect(again.document, again.log).toMatchObject({ outcome: "unchanged", mainUrl: ownUrl });
  expect(world.cloudflare.worker("clerk")?.versions).toHaveLength(before ?? 0);
  const env = { ...world.env, RESTATE_ADMIN_URL: admin.url };
  type Rollback = Deployed & { readonly promotion: { readonly url: string } };
  const { code, document, log } = await tool<Rollback>({ ...world, env }, project, ["rollback"]);
  expect(code, log).toBe(0);
  expect(document.promotion).toMatchObject({ state: "promoted", url: ownUrl });
  const [run] = await ended(world, await startRuns(world, "Clerk", { quick: 1 }));
  expect(run?.code).toBe("old");
  expect(world.cloudflare.unknownCalls).toEqual([]);
});
