import { afterEach, beforeEach, expect, test } from "vitest";
import { prune } from "../../../cli/commands/prune.ts";
import { readStatus } from "../../../cli/deployments/status.ts";
import { FakeAdmin, type FakeDeployment } from "./fake-admin.ts";
import { toolFor } from "./tool-for.ts";

let restate: FakeAdmin;
beforeEach(async () => {
  restate = await FakeAdmin.start();
  restate.deployments = [version("v3", 3), version("v2", 2), version("v1", 1)];
  restate.latest = "dp_v3";
  restate.serves = "v2";
});
afterEach(() => restate[Symbol.asyncDispose]());

function version(name: string, registeredAt: number): FakeDeployment {
  return { id: `dp_${name}`, facts: { platform: "version-url", version: name, worker: "agents" }, registeredAt };
}

test("prune keeps what the app's own URL serves", async () => {
  const { deployments } = await prune.run(toolFor(restate), { app: "agents", keep: "0", url: restate.url }, []);
  expect(deployments.map(({ id, outcome }) => [id, outcome])).toEqual([
    ["dp_v3", "kept"],
    ["dp_v2", "kept"],
    ["dp_v1", "removed"],
  ]);
  expect(restate.removed).toEqual(["dp_v1"]);
});

test("status does not tell to prune it", async () => {
  const status = await readStatus(toolFor(restate), { app: "agents", url: restate.url, keep: 0 });
  expect(status.deployments.map(({ prunable }) => prunable)).toEqual([false, false, true]);
});

test("prune refuses it, too, when it is named", async () => {
  const flags = { keep: "0", deployment: "dp_v2", url: restate.url };
  await expect(prune.run(toolFor(restate), flags, [])).rejects.toMatchObject({
    code: "deployment-needed",
    exitCode: 3,
    message: "Cannot remove dp_v2: the app's own URL serves it",
  });
  expect(restate.removed).toEqual([]);
});
