/** The whole life of an app, with real wrangler, the real tool, a real restate-server and workerd. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitUntil } from "../../src/testing/wait.ts";
import type { ClerkProject } from "./clerk-project.ts";
import { ended, failedAttempts, letGo, pinned, type Run, startRuns, waitInFlight } from "./runs.ts";
import { tool, type ToolDocument } from "./tool.ts";
import { startWorld, type World } from "./world.ts";
import { wrangler } from "./wrangler.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const rows: Record<string, string | number>[] = [];
afterAll(() => console.table(rows));

describe("the naive way", () => {
  test("wrangler deploy over the registered URL breaks every run in flight", async () => {
    await using project = await world.project("Naive");
    const deploy = async (): Promise<void> => {
      const { code, log } = await wrangler(["deploy"], { cwd: project.folder, env: world.env });
      expect(code, log).toBe(0);
    };
    await project.write("old");
    await deploy();
    await world.restate.register(`${world.cloudflare.urlOf("naive")}/restate`, { http11: true });
    const runs = await startRuns(world, "Naive", { asleep: 2, approval: 2 });
    await waitInFlight(world, runs);

    await project.write("changed");
    await deploy();
    await letGo(world, runs);
    const mismatches = async (): Promise<number> => (await failedAttempts(world, runs))["RT0016"] ?? 0;
    await waitUntil("Not every run has met the changed code", async () => (await mismatches()) >= runs.length);
    const statuses = await Promise.all(runs.map(({ id }) => world.restate.status(id)));
    expect(statuses).not.toContain("completed");
    rows.push({
      way: "wrangler deploy over the URL",
      "in flight": runs.length,
      "ended on their code": 0,
      RT0016: runs.length,
    });
    await Promise.all(runs.map(({ id }) => world.restate.killInvocation(id)));
  });
});

describe("the tool", () => {
  let project: ClerkProject;
  beforeAll(async () => {
    project = await world.project("Clerk");
  });
  afterAll(() => project[Symbol.asyncDispose]());

  let oldVersion: Deployed;
  let changedVersion: Deployed;
  let inFlight: Run[];

  const quickRun = async (): Promise<string> => {
    const [result] = await ended(world, await startRuns(world, "Clerk", { quick: 1 }));
    return result?.code ?? "";
  };

  test("the first deploy creates the Worker, registers its version, and its agents run", async () => {
    await project.write("old");
    oldVersion = await deploy(world, project);
    expect(world.cloudflare.worker("clerk")?.promoted?.id).toBe(oldVersion.version);
    expect(await quickRun()).toBe("old");
  });

  test("a changed agent is deployed while 50 runs are in flight: new runs are on the new code", async () => {
    inFlight = await startRuns(world, "Clerk", { asleep: 20, approval: 20, model: 10 });
    await waitInFlight(world, inFlight);
    await project.write("changed");
    changedVersion = await deploy(world, project);
    expect(world.cloudflare.worker("clerk")?.promoted?.id).toBe(changedVersion.version);
    const fresh = await startRuns(world, "Clerk", { quick: 10 });
    const results = await ended(world, fresh);
    expect(results.map(({ code }) => code)).toEqual(fresh.map(() => "changed"));
    expect(await pinned(world, fresh)).toEqual({ [changedVersion.deploymentId]: 10 });
    rows.push({ way: "the tool, new runs", started: 10, "ended on their code": 10, RT0016: 0 });
  });

  test("prune does not remove the old version while runs are on it", async () => {
    const named = await tool(world, project, ["prune", "--deployment", oldVersion.deploymentId]);
    expect(named.code, named.log).toBe(3);
    expect(named.document.error).toMatchObject({ code: "deployment-needed" });
    expect(named.document.error?.message).toContain("50 invocations in flight (10 running, 40 suspended)");
    const all = await tool<PruneDocument>(world, project, ["prune", "--keep", "0"]);
    expect(all.document, all.log).toMatchObject({ ok: true, removed: 0 });
  });

  test("the runs in flight end on the code that they began with, and no attempt fails", async () => {
    await letGo(world, inFlight);
    const results = await ended(world, inFlight);
    expect(results).toEqual(inFlight.map(({ run }) => ({ run, code: "old", text: `${run} is handled` })));
    expect(await pinned(world, inFlight)).toEqual({ [oldVersion.deploymentId]: 50 });
    const failed = await failedAttempts(world, inFlight);
    expect(failed).toEqual({});
    rows.push({
      way: "the tool",
      "in flight": 50,
      "ended on their code": results.length,
      RT0016: failed["RT0016"] ?? 0,
    });
  });

  test("prune removes the old version once nothing is on it", async () => {
    const { code, document, log } = await tool<PruneDocument>(world, project, ["prune", "--keep", "0"]);
    expect(code, log).toBe(0);
    expect(document.removed).toBe(1);
    expect(document.deployments.find(({ outcome }) => outcome === "removed")?.id).toBe(oldVersion.deploymentId);
    expect(await quickRun()).toBe("changed");
  });

  test("rollback lets new runs begin on the old code again, also when Restate has forgotten it", async () => {
    const { code, document, log } = await tool<RollbackDocument>(world, project, [
      "rollback",
      "--to",
      oldVersion.version,
    ]);
    expect(code, log).toBe(0);
    expect(document).toMatchObject({ ok: true, version: oldVersion.version, services: ["Clerk"] });
    expect(await quickRun()).toBe("old");
    expect(world.cloudflare.worker("clerk")?.promoted?.id).toBe(oldVersion.version);
  });

  test("wrangler asked the look-alike for nothing that it does not know", () => {
    expect(world.cloudflare.unknownCalls).toEqual([]);
  });
});

interface PruneDocument extends ToolDocument {
  readonly removed: number;
  readonly deployments: readonly { readonly id: string; readonly outcome: string }[];
}

interface RollbackDocument extends ToolDocument {
  readonly version: string;
  readonly services: readonly string[];
}

interface Deployed {
  readonly version: string;
  readonly deploymentId: string;
}

async function deploy(on: World, project: ClerkProject): Promise<Deployed> {
  const name = "clerk";
  const options = { cwd: project.folder, env: on.env };
  const isFirst = on.cloudflare.worker(name) === undefined;
  const { code, log } = await wrangler(isFirst ? ["deploy"] : ["versions", "upload"], options);
  expect(code, log).toBe(0);
  const version = on.cloudflare.worker(name)?.latest;
  if (version === undefined) throw new Error("no version");
  if (!isFirst) await wrangler(["versions", "deploy", `${version.id}@100%`, "-y"], options);
  const { metadataOf } = await import("../../cli/deployments/metadata.ts");
  const metadata = metadataOf({
    app: name,
    platform: "version-url",
    version: version.id,
    fingerprint: "x",
    worker: name,
  });
  const response = await fetch(`${on.restate.adminUrl}/deployments`, {
    method: "POST",
    headers: { ...on.restate.headers, "content-type": "application/json" },
    body: JSON.stringify({
      uri: `${on.cloudflare.versionUrl(name, version)}/restate/v/${version.id}`,
      use_http_11: true,
      force: false,
      metadata,
    }),
  });
  const body = (await response.json()) as { id: string };
  expect(response.ok, JSON.stringify(body)).toBe(true);
  return { version: version.id, deploymentId: body.id };
}
