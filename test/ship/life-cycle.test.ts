/** The whole life of an app, with real wrangler, the real tool, a real restate-server and workerd. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitUntil } from "../../src/testing/wait.ts";
import type { Handled } from "../fixtures/shipped/clerk.ts";
import type { ClerkProject, EntryOptions } from "./clerk-project.ts";
import { shareOf } from "../thorough.ts";
import { ended, failedAttempts, letGo, pinned, type Run, startRuns, waitInFlight } from "./runs.ts";
import { deploy, type DeployDocument, tool, type ToolDocument } from "./tool.ts";
import { startWorld, type World } from "./world.ts";
import { wrangler } from "./wrangler.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** What became of the runs that were in flight, or began, when the changed agent was deployed. */
const rows: Record<string, string | number>[] = [];
function count(way: string, runs: number, results: readonly Handled[], failed: Readonly<Record<string, number>>): void {
  const on = (code: Handled["code"]): number => results.filter((result) => result.code === code).length;
  const attempts = failed["RT0016"] ?? 0;
  const never = runs - results.length;
  rows.push({ way, runs, "ended on old": on("old"), "on changed": on("changed"), never, "failed attempts": attempts });
}
afterAll(() => console.table(rows));

/** A version that must not be promoted, and what the tool says of it. */
interface Broken extends EntryOptions {
  readonly code: number;
  readonly reported: RegExp;
  readonly args?: readonly string[];
}

const BROKEN: Readonly<Record<string, Broken>> = {
  "its smoke invocation fails": {
    check: `() => { throw new TerminalError("The kettle is cold"); }`,
    code: 5,
    reported: /The kettle is cold/,
  },
  "it answers discovery with an error": {
    statements: `served = { fetch: async (request, env, context) =>
      new URL(request.url).pathname.endsWith("/discover") ? new Response("broken", { status: 500 }) : app.fetch(request, env, context) };`,
    code: 4,
    reported: /META0003.*500/,
  },
  "it is not ready": {
    statements: `served = { fetch: async (request, env, context) =>
      new URL(request.url).pathname === "/ready" ? new Response("broken", { status: 503 }) : app.fetch(request, env, context) };`,
    code: 4,
    reported: /not ready/,
    args: ["--timeout", "3"],
  },
};

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
    count("wrangler deploy, in flight", runs.length, [], await failedAttempts(world, runs));
    await Promise.all(runs.map(({ id }) => world.restate.killInvocation(id)));
  });
});

describe("the tool", () => {
  let project: ClerkProject;
  beforeAll(async () => {
    project = await world.project("Clerk");
  });
  afterAll(() => project[Symbol.asyncDispose]());

  let oldVersion: DeployDocument;
  let changedVersion: DeployDocument;
  let inFlight: Run[];

  const deployed = async (...args: readonly string[]): Promise<DeployDocument> => {
    const { code, document, log } = await deploy(world, project, args);
    expect(code, log).toBe(0);
    expect(document, log).toMatchObject({ ok: true, outcome: "deployed" });
    return document;
  };

  const quickRun = async (): Promise<string> => {
    const [result] = await ended(world, await startRuns(world, "Clerk", { quick: 1 }));
    return result?.code ?? "";
  };

  test("the first deploy creates the Worker, registers its version, and its agents run", async () => {
    await project.write("old");
    // Secrets of versions that follow are those of the version before.
    oldVersion = await deployed("--secrets-file", world.secretsFile);
    expect(world.cloudflare.worker("clerk")?.promoted?.id).toBe(oldVersion.version);
    expect(await quickRun()).toBe("old");
  });

  test("a changed agent is deployed while 50 runs are in flight: new runs are on the new code", async () => {
    inFlight = await startRuns(world, "Clerk", { asleep: 20, approval: 20, model: 10 });
    await waitInFlight(world, inFlight);
    await project.write("changed");
    changedVersion = await deployed();
    expect(world.cloudflare.worker("clerk")?.promoted?.id).toBe(changedVersion.version);
    const fresh = await startRuns(world, "Clerk", { quick: 10 });
    const results = await ended(world, fresh);
    expect(results.map(({ code }) => code)).toEqual(fresh.map(() => "changed"));
    expect(await pinned(world, fresh)).toEqual({ [changedVersion.deploymentId]: 10 });
    count("the tool, new", fresh.length, results, await failedAttempts(world, fresh));
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
    count("the tool, in flight", inFlight.length, results, failed);
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
    expect(document).toMatchObject({ ok: true, version: oldVersion.version, services: ["Clerk", "ClerkSmoke"] });
    expect(await quickRun()).toBe("old");
    expect(world.cloudflare.worker("clerk")?.promoted?.id).toBe(oldVersion.version);
  });

  describe("a broken version is not promoted, and the one before is the latest", () => {
    const broken = shareOf(Object.entries(BROKEN), 3, "broken versions");
    for (const [how, { code: expected, reported, args = [], ...entry }] of broken) {
      test(how, async () => {
        const before = world.cloudflare.worker("clerk");
        const promoted = before?.promoted?.id;
        const uploaded = before?.versions.length ?? 0;
        await project.write("changed", entry);
        const { code, document, log } = await deploy(world, project, args);
        expect(code, log).toBe(expected);
        expect(document.error?.message).toMatch(reported);
        // It got as far as being uploaded.
        expect(world.cloudflare.worker("clerk")?.versions).toHaveLength(uploaded + 1);
        expect(world.cloudflare.worker("clerk")?.promoted?.id).toBe(promoted);
        expect(await quickRun()).toBe("old");
      });
    }
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
