/** What operates versions on Cloudflare: real wrangler against the look-alike, the real tool, a real Restate. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AdminClient } from "../../src/admin/index.ts";
import type { ClerkProject } from "./clerk-project.ts";
import { ended, letGo, startRuns, waitInFlight } from "./runs.ts";
import { deploy, type DeployDocument, tool, type ToolDocument } from "./tool.ts";
import { startWorld, type World } from "./world.ts";
import { run } from "./wrangler.ts";

type Rollback = ToolDocument & {
  readonly version: string;
  readonly notes: readonly string[];
  readonly promotion: { readonly state: string; readonly url?: string; readonly reason?: string };
};
type Status = ToolDocument & { readonly healthy: boolean; readonly advice: readonly string[] };
type Prune = ToolDocument & {
  readonly removed: number;
  readonly deployments: readonly { readonly id: string; readonly outcome: string; readonly worker?: string }[];
};

/** Two uploads of 4 MB by real wrangler, on a busy machine. */
const DEPLOYS_MS = 300_000;

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

async function deployed(project: ClerkProject, args: readonly string[] = []): Promise<DeployDocument> {
  const secrets = join(project.folder, "secrets.env");
  await writeFile(secrets, `RESTATE_AUTH_TOKEN=${world.restate.token}\n`);
  const { code, document, log } = await deploy(world, project, ["--secrets-file", "secrets.env", ...args]);
  expect(code, log).toBe(0);
  return document;
}

const promoted = (worker: string): string | undefined => world.cloudflare.worker(worker)?.promoted?.id;
const failPromotion = { method: "POST", path: /\/deployments$/, how: { status: 400, message: "Not today" } } as const;

describe("versions of one Worker", () => {
  let project: ClerkProject;
  let first: DeployDocument;
  let second: DeployDocument;

  beforeAll(async () => {
    project = await world.project("Clerk");
    await project.write("old", { check: `() => { throw new TerminalError("The kettle is cold"); }` });
    first = await deployed(project, ["--no-smoke"]);
    await project.write("changed");
    second = await deployed(project);
  }, DEPLOYS_MS);
  afterAll(() => project[Symbol.asyncDispose]());

  const codeOfRun = async (): Promise<string | undefined> =>
    (await ended(world, await startRuns(world, "Clerk", { quick: 1 })))[0]?.code;

  test("status tells the version that the app's own URL serves", async () => {
    const { code, document, log } = await tool<Status>(world, project, ["status", "--check"]);
    expect(document, log).toMatchObject({
      healthy: true,
      main: { url: world.cloudflare.urlOf("clerk"), health: { state: "ok", version: second.version } },
      deployments: [
        { id: second.deploymentId, latestOf: ["Clerk", "ClerkSmoke"], health: { state: "ok" }, worker: "clerk" },
        { id: first.deploymentId, latestOf: [], health: { state: "ok" } },
      ],
    });
    expect(code).toBe(0);
  });

  test("rollback to a version that does not pass its smoke invocation goes back, and promotes nothing", async () => {
    const { code, document, log } = await tool<Rollback>(world, project, ["rollback"]);
    expect(code, log).toBe(5);
    expect(document.error).toMatchObject({ code: "smoke-failed", reason: "The kettle is cold (500)" });
    expect(await codeOfRun()).toBe("changed");
    expect(promoted("clerk")).toBe(second.version);
  });

  test("rollback that fails at the promotion goes on when it is run again", async () => {
    const failure = world.cloudflare.fail({ ...failPromotion, times: 9 });
    // By its name: its smoke invocation has failed.
    const failed = await tool<Rollback>(world, project, ["rollback", "--no-smoke", "--to", first.version]);
    expect(failed.code, failed.log).toBe(4);
    expect(failure.count).toBeGreaterThan(0);
    failure.cancel();
    expect(await codeOfRun()).toBe("old");
    expect(promoted("clerk")).toBe(second.version);

    const status = await tool<Status>(world, project, ["status", "--check"]);
    expect(status.code).toBe(3);
    expect(status.document.advice.join("\n")).toContain(`serves version ${second.version.slice(0, 8)}`);

    const { code, document, log } = await tool<Rollback>(world, project, ["rollback", "--no-smoke"]);
    expect(code, log).toBe(0);
    expect(document).toMatchObject({
      version: first.version,
      promotion: { state: "promoted", url: world.cloudflare.urlOf("clerk") },
    });
    expect(document.notes.join("\n")).toContain("keeps the secrets that it was uploaded with");
    expect(promoted("clerk")).toBe(first.version);
  });

  test("the next rollback goes to the version that was left only when it is named", async () => {
    const refused = await tool<Rollback>(world, project, ["rollback"]);
    expect(refused.code, refused.log).toBe(3);
    expect(refused.document.error).toMatchObject({ code: "nothing-to-roll-back-to" });
    const { code, document, log } = await tool<Rollback>(world, project, ["rollback", "--to", second.version]);
    expect(code, log).toBe(0);
    expect(document.version).toBe(second.version);
    expect(await codeOfRun()).toBe("changed");
    expect(promoted("clerk")).toBe(second.version);
  });

  test("logs say that version URLs have none, and what shows the others", async () => {
    const { code, document } = await tool<ToolDocument>(world, project, ["logs"]);
    expect(code).toBe(0);
    expect(document).toMatchObject({ worker: "clerk", commandLine: "wrangler tail clerk --format pretty" });
  });

  test("logs of a Worker that wrangler cannot tail end with its exit code", async () => {
    const failure = world.cloudflare.fail({
      path: /\/tails$/,
      times: 9,
      how: { status: 400, message: "No tails today" },
    });
    const main = new URL("../../cli/main.ts", import.meta.url).pathname;
    const { code, log } = await run(process.execPath, [main, "logs"], { cwd: project.folder, env: world.env });
    failure.cancel();
    expect(code, log).toBe(4);
    expect(log).toContain("No tails today");
    expect(log).toContain("wrangler tail ended with exit code 1");
  });
});

describe("one Worker per version", () => {
  let project: ClerkProject;
  let first: DeployDocument;
  let second: DeployDocument;
  const workers = (): string[] => world.cloudflare.workerNames.filter((name) => name.startsWith("scribe")).sort();
  const outcomes = (document: Prune) => document.deployments.map(({ id, outcome }) => [id, outcome]);

  beforeAll(async () => {
    project = await world.project("Scribe");
    const template = world.cloudflare.versionUrlTemplate.replace("{prefix}-", "");
    const flags = ["--strategy", "worker-per-version", "--version-url", template];
    await project.write("old");
    first = await deployed(project, flags);
    await project.write("changed");
    second = await deployed(project, flags);
  }, DEPLOYS_MS);
  afterAll(() => project[Symbol.asyncDispose]());

  test("logs tail the Worker of the version", async () => {
    const { document } = await tool<ToolDocument & { worker: string }>(world, project, ["logs"]);
    expect(document.worker).toMatch(/^scribe-[0-9a-f]{8}$/);
    expect(workers()).toContain(document.worker);
  });

  test("prune removes no Worker of a version that has invocations in flight", async () => {
    const runs = await startRuns(world, "Scribe", { approval: 1 });
    await waitInFlight(world, runs);
    await tool<Rollback>(world, project, ["rollback", "--no-smoke"]);
    const { document, log } = await tool<Prune>(world, project, ["prune", "--keep", "0"]);
    expect(outcomes(document), log).toEqual([
      [first.deploymentId, "kept"],
      [second.deploymentId, "kept"],
    ]);
    expect(workers()).toHaveLength(3);
    await letGo(world, runs);
    expect(await ended(world, runs)).toMatchObject([{ code: "changed" }]);
  });

  test("prune reports a Worker that it could not remove, with the command that does", async () => {
    const { metadata, uri = "" } = await admin().deployments.get(second.deploymentId);
    const failure = world.cloudflare.fail({ method: "DELETE", path: /scribe/, times: 9, how: { status: 400 } });
    const { code, document, log } = await tool<Prune>(world, project, ["prune", "--keep", "0"]);
    failure.cancel();
    expect(code, log).toBe(4);
    expect(document.deployments).toContainEqual(
      expect.objectContaining({
        id: second.deploymentId,
        outcome: "worker-left",
        reason: expect.stringMatching(/remove it by hand: wrangler delete --name scribe-\w+ --force/) as string,
      }),
    );
    expect(workers()).toHaveLength(3);
    // As it was before: Restate knows both, and the first is the latest.
    await admin().deployments.register({ uri, metadata, http11: true });
    await tool<Rollback>(world, project, ["rollback", "--no-smoke", "--to", first.version]);
  });

  test("prune removes the drained version's Worker, and neither the app's own nor that of the latest", async () => {
    const { code, document, log } = await tool<Prune>(world, project, ["prune", "--keep", "0"]);
    expect(code, log).toBe(0);
    const gone = document.deployments.find(({ outcome }) => outcome === "removed");
    expect(document.removed).toBe(1);
    expect(gone?.worker).toMatch(/^scribe-[0-9a-f]{8}$/);
    expect(workers()).toHaveLength(2);
    expect(workers()).toContain("scribe");
    expect(workers()).not.toContain(gone?.worker);
  });
});

function admin(): AdminClient {
  return new AdminClient({ url: world.restate.server.adminUrl });
}
