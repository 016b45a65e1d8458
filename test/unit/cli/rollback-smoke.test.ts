import { afterEach, beforeEach, expect, test } from "vitest";
import { listRegistered } from "../../../cli/deployments/registered.ts";
import { smokeAfterRollback } from "../../../cli/deployments/rollback-smoke.ts";
import { FakeAdmin, type FakeDeployment } from "./fake-admin.ts";
import { toolFor } from "./tool-for.ts";

let restate: FakeAdmin;
beforeEach(async () => {
  restate = await FakeAdmin.start();
  restate.deployments = [version("v1", 3), version("v2", 2)];
  restate.latest = "dp_v1";
  restate.serves = "v2";
});
afterEach(() => restate[Symbol.asyncDispose]());

function version(name: string, registeredAt: number): FakeDeployment {
  return { id: `dp_${name}`, facts: { platform: "version-url", version: name, worker: "agents" }, registeredAt };
}

/** After a rollback from the second version to the first. */
async function tryOut(): Promise<unknown> {
  const before = (await listRegistered(restate.admin)).find(({ deployment }) => deployment.id === "dp_v2");
  const settings = { adminUrl: restate.url, ingressUrl: restate.url, token: undefined };
  const subject = { deploymentId: "dp_v1", before, timeoutMs: 5_000 };
  return smokeAfterRollback(toolFor(restate), restate.admin, settings, subject).catch((error: unknown) => error);
}

test("a smoke invocation that passes is told", async () => {
  restate.smoke = { answer: { ok: true }, pinnedTo: "dp_v1" };
  expect(await tryOut()).toMatchObject({ outcome: "passed", target: "Clerk/run" });
});

test("one that fails puts back the version before", async () => {
  restate.smoke = { answer: { ok: false }, pinnedTo: "dp_v1" };
  expect(await tryOut()).toMatchObject({ code: "smoke-failed", exitCode: 5, details: { putBack: { version: "v2" } } });
  expect(restate.latest).toBe("dp_v2");
});

test("one that ran on a version that somebody deployed meanwhile puts nothing back", async () => {
  restate.smoke = { answer: { ok: true }, pinnedTo: "dp_v3" };
  expect(await tryOut()).toMatchObject({ code: "superseded", exitCode: 4 });
  expect(restate.registrations).toEqual([]);
});

test("one that fails puts nothing back over a version that somebody deployed meanwhile", async () => {
  restate.smoke = { answer: { ok: false }, pinnedTo: "dp_v1" };
  restate.latest = "dp_v3";
  expect(await tryOut()).toMatchObject({
    code: "smoke-failed",
    details: { putBack: { failure: "another deployment is the latest already" } },
  });
  expect(restate.registrations).toEqual([]);
});
