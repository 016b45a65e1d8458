import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { prune } from "../../../../cli/commands/prune.ts";
import { readStatus } from "../../../../cli/deployments/status.ts";
import type { Tool } from "../../../../cli/tool/tool.ts";
import { DenoDeploy } from "../../../deno-deploy/deno-deploy.ts";
import { FakeAdmin, type FakeDeployment } from "../fake-admin.ts";
import { toolFor } from "../tool-for.ts";

/** Of all deployments of the fake. */
const APP = "agents";

let restate: FakeAdmin;
let deno: DenoDeploy;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "prune-"));
  [restate, deno] = await Promise.all([FakeAdmin.start(), DenoDeploy.start()]);
  restate.deployments = [version("b2", 2), version("a1", 1)];
  restate.latest = "dp_b2";
  const { organization } = deno;
  organization.create({ slug: "desk" });
  for (const name of ["a1", "b2"]) organization.create({ slug: `desk-${name}`, labels: { "version-of": APP } });
});
afterEach(async () => {
  await Promise.all([restate[Symbol.asyncDispose](), deno[Symbol.asyncDispose](), rm(folder, { recursive: true })]);
});

function version(name: string, registeredAt: number, id = `dp_${name}`, worker = `desk-${name}`): FakeDeployment {
  return { id, facts: { platform: "deno-deploy", version: name, worker }, registeredAt };
}

const tool = (environment: Readonly<Record<string, string>> = deno.env): Tool => ({
  ...toolFor(restate, folder),
  environment,
});
const run = (environment?: Readonly<Record<string, string>>) =>
  prune.run(tool(environment), { app: APP, keep: "0" }, []);
const apps = (): string[] => [...deno.organization.apps.keys()];

test("the app of a version goes with it", async () => {
  const { deployments } = await run();
  expect(deployments[1]).toMatchObject({ outcome: "removed", worker: "desk-a1", reason: "drained" });
  expect(restate.removed).toEqual(["dp_a1"]);
  expect(apps()).toEqual(["desk", "desk-b2"]);
});

test("Restate forgets no version whose app cannot be removed, for the token is refused or missing", async () => {
  for (const token of ["ddo_other", ""]) {
    const { deployments } = await run({ ...deno.env, DENO_DEPLOY_TOKEN: token });
    expect(deployments[1]).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("DENO_DEPLOY_TOKEN") as string,
    });
  }
  expect(restate.removed).toEqual([]);
  expect(apps()).toContain("desk-a1");
});

test("an app that the tool has not made stays, and one that is gone is no failure", async () => {
  deno.organization.create({ slug: "desk-a1", labels: { team: "till" } });
  expect((await run()).deployments[1]).toMatchObject({
    outcome: "removed",
    reason: expect.stringContaining("did not make it") as string,
  });
  expect(apps()).toContain("desk-a1");
  restate.deployments = [version("b2", 2), version("c3", 1)];
  expect((await run()).deployments[1]).toMatchObject({ reason: "drained; its app was gone already" });
});

test("an app stays whose code was deployed again while its version was removed", async () => {
  restate.onRemoved = () => {
    restate.deployments = [version("a1", 3, "dp_again"), ...restate.deployments];
  };
  expect((await run()).deployments[1]).toMatchObject({ reason: "drained; its app stays, dp_again has the same" });
  expect(apps()).toContain("desk-a1");
});

test("an app that could not be removed after all is told", async () => {
  deno.fail({ method: "DELETE", path: /^\/apps\//, how: { status: 500 } });
  expect((await run()).deployments[1]).toMatchObject({
    outcome: "worker-left",
    reason: expect.stringMatching(/remove the app desk-a1 in/) as string,
  });
});

test("status says of an address that versions share which of them it serves now", async () => {
  restate.serves = "b2";
  const shared = (name: string, registeredAt: number): FakeDeployment => ({
    id: `dp_${name}`,
    facts: { platform: "deno-deploy", version: name },
    registeredAt,
  });
  restate.deployments = [shared("b2", 2), shared("a1", 1)];
  const { deployments, healthy } = await readStatus(tool(), { app: APP, keep: 2 });
  expect(deployments.map(({ health }) => health.detail)).toEqual([undefined, "is not served now, b2 is"]);
  expect(healthy).toBe(true);
  restate.deployments = [version("b2", 2), version("a1", 1)];
  const own = await readStatus(tool(), { app: APP, keep: 2 });
  expect(own.deployments[1]?.health.detail).toBe("serves another version, b2");
});
