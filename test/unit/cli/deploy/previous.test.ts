import { afterEach, beforeEach, expect, test } from "vitest";
import { previousVersion, putBack } from "../../../../cli/deploy/previous.ts";
import { ROLLED_BACK_FROM } from "../../../../cli/deployments/metadata.ts";
import { listRegistered } from "../../../../cli/deployments/registered.ts";
import { FakeAdmin, type FakeDeployment } from "../fake-admin.ts";

let restate: FakeAdmin;
beforeEach(async () => {
  restate = await FakeAdmin.start();
});
afterEach(() => restate[Symbol.asyncDispose]());

const deployment = (version: string, registeredAt: number, left?: string): FakeDeployment => ({
  id: `dp_${version}`,
  facts: { platform: "version-url", version, worker: "agents" },
  registeredAt,
  ...(left === undefined ? {} : { metadata: { [ROLLED_BACK_FROM]: left, team: "support" } }),
});
const previous = async (newVersion: string, promoted?: string): Promise<string | undefined> =>
  (await previousVersion(restate.admin, "agents", `${restate.url}/restate/v/${newVersion}`, promoted))?.deployment.id;

test("the version that is put back names the one that failed, and those that had failed before", async () => {
  restate.deployments = [deployment("v4", 4), deployment("v2", 3, "v3"), deployment("v3", 2), deployment("v1", 1)];
  restate.latest = "dp_v4";
  restate.serves = "v2";
  const good = (await listRegistered(restate.admin)).find(({ facts }) => facts?.version === "v2");
  expect(await putBack(restate.admin, good, "dp_v4")).toEqual({ deploymentId: "dp_v2", version: "v2" });
  expect(restate.registrations).toMatchObject([
    {
      uri: `${restate.url}/restate/v/v2`,
      force: true,
      metadata: { "restate-edge-agents/version": "v2", team: "support", [ROLLED_BACK_FROM]: "v4,v3" },
    },
  ]);
});

test("a deployment that fails goes back to what is promoted, otherwise to the latest that was not left", async () => {
  restate.deployments = [deployment("v4", 4, "v3"), deployment("v3", 3), deployment("v1", 1)];
  expect(await previous("v5", "v1")).toBe("dp_v1");
  expect(await previous("v5")).toBe("dp_v4");
  expect(await previous("v4")).toBe("dp_v1");
  // A rollback with --no-promote, or one that was interrupted.
  expect(await previous("v5", "v3")).toBe("dp_v4");
});
