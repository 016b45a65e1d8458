/** What `deploy` makes of a project: Durable Objects, what git says, wrangler's environments. */
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AdminClient } from "../../src/admin/index.ts";
import type { ClerkProject } from "./clerk-project.ts";
import { ended, letGo, startRuns, waitInFlight } from "./runs.ts";
import { deploy, type DeployDocument, tool, type ToolDocument, type ToolResult } from "./tool.ts";
import { startWorld, type World } from "./world.ts";
import { run } from "./wrangler.ts";

type Deployed = DeployDocument & {
  readonly app: string;
  readonly platform: string;
  readonly worker: string;
  readonly url: string;
  readonly strategyReason?: string;
  readonly warnings?: readonly string[];
};

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

async function deployed(project: ClerkProject, args: readonly string[] = []): Promise<Deployed> {
  const { code, document, log } = await deploy(world, project, ["--secrets-file", world.secretsFile, ...args]);
  expect(code, log).toBe(0);
  return document as Deployed;
}

const metadataOf = async ({ deploymentId }: DeployDocument): Promise<Readonly<Record<string, string>>> =>
  (await new AdminClient({ url: world.restate.server.adminUrl }).deployments.get(deploymentId)).metadata ?? {};

const COUNTER = {
  tables: `
[durable_objects]
bindings = [{ name = "COUNTER", class_name = "Counter" }]

[[migrations]]
tag = "v1"
new_sqlite_classes = ["Counter"]
`,
  statements: `import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject {}`,
};

test("a Worker with a Durable Object gets one Worker per version by itself, and is told why", async () => {
  await using project = await world.project("Counter", COUNTER.tables);
  const flags = ["--version-url", "http://{worker}.acme.workers.dev"];
  await project.write("old", COUNTER);
  const old = await deployed(project, flags);
  expect(old).toMatchObject({
    platform: "worker-per-version",
    strategyReason: "a Worker that implements a Durable Object has no version URLs",
    worker: expect.stringMatching(/^counter-[0-9a-f]{8}$/) as string,
  });
  expect(old.warnings?.join("\n")).toContain("bind those that versions share with script_name");

  const inFlight = await startRuns(world, "Counter", { approval: 3 });
  await waitInFlight(world, inFlight);
  await project.write("changed", COUNTER);
  const changed = await deployed(project, flags);
  expect(changed.worker).not.toBe(old.worker);
  expect(world.cloudflare.workerNames.toSorted()).toEqual(["counter", old.worker, changed.worker].toSorted());
  await letGo(world, inFlight);
  expect((await ended(world, inFlight)).map(({ code }) => code)).toEqual(["old", "old", "old"]);
  const [fresh] = await ended(world, await startRuns(world, "Counter", { quick: 1 }));
  expect(fresh?.code).toBe("changed");

  // `prune` there would not know of the runs here, so another Restate does not get the same Worker.
  const elsewhere = ["--dry-run", "--admin-url", world.restate.server.adminUrl];
  const planned = await deploy(world, project, [...flags, "--secrets-file", world.secretsFile, ...elsewhere]);
  const again = await deploy(world, project, [...flags, "--secrets-file", world.secretsFile]);
  expect(again.document, again.log).toMatchObject({ outcome: "unchanged", fingerprint: changed.fingerprint });
  expect(planned.document, planned.log).toMatchObject({ outcome: "planned" });
  expect(planned.document.fingerprint).not.toBe(changed.fingerprint);
});

test("what is not committed is refused, and deployed with --allow-dirty, which its metadata tells", async () => {
  await using project = await world.project("Filed");
  const git = async (...args: string[]): Promise<string> => {
    const identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
    const { code, stdout, log } = await run("git", [...identity, ...args], { cwd: project.folder, env: {} });
    expect(code, log).toBe(0);
    return stdout.trim();
  };
  await project.write("old");
  await writeFile(join(project.folder, ".gitignore"), "node_modules\n.wrangler\n");
  await git("init", "--quiet");
  await git("add", ".");
  await git("commit", "--quiet", "--message", "first");
  const sha = await git("rev-parse", "HEAD");
  const clean = await deployed(project);
  expect(await metadataOf(clean)).toMatchObject({ "git.sha": sha });
  const uploads = world.cloudflare.worker("filed")?.versions.length;

  await appendFile(join(project.folder, "worker.ts"), "// another\nglobalThis.another = true;\n");
  const refused: ToolResult<ToolDocument> = await deploy(world, project);
  expect(refused.code, refused.log).toBe(3);
  expect(refused.document.error).toMatchObject({
    code: "git-dirty",
    message: expect.stringContaining(" M worker.ts") as string,
  });
  expect(world.cloudflare.worker("filed")?.versions).toHaveLength(uploads ?? 0);
  const dry = await deploy(world, project, ["--dry-run"]);
  expect(dry.document, dry.log).toMatchObject({
    outcome: "planned",
    warnings: [expect.stringContaining("--allow-dirty")],
  });

  const dirty = await deployed(project, ["--allow-dirty"]);
  expect(dirty.version).not.toBe(clean.version);
  expect(await metadataOf(dirty)).toMatchObject({ "git.sha": `${sha}-dirty` });
});

test("--env deploys another Worker, with the vars of that environment, and leaves the first alone", async () => {
  const vars = Object.entries(world.vars).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  const tables = `
[env.preview]
version_metadata = { binding = "CF_VERSION_METADATA" }

[env.preview.vars]
${vars.join("\n")}
`;
  await using project = await world.project("Staged", tables);
  await project.write("old");
  const preview = await deployed(project, ["--env", "preview"]);
  expect(preview).toMatchObject({
    app: "staged-preview",
    worker: "staged-preview",
    url: world.cloudflare.versionUrl("staged-preview", { id: preview.version }),
  });
  expect(world.cloudflare.worker("staged")).toBeUndefined();
  expect(await metadataOf(preview)).toMatchObject({ "restate-edge-agents/app": "staged-preview" });

  const status = await tool(world, project, ["status", "--env", "preview", "--check"]);
  expect(status.document, status.log).toMatchObject({ healthy: true, app: "staged-preview" });
  const other = await tool(world, project, ["status"]);
  expect(other.document, other.log).toMatchObject({ app: "staged", deployments: [] });

  // The same services in the same Restate, of another app: nobody's calls change hands by accident.
  const production = await deploy(world, project, ["--secrets-file", world.secretsFile]);
  expect(production.code, production.log).toBe(3);
  expect(production.document.error).toMatchObject({ code: "service-of-another-app" });
});

test("wrangler asked the look-alike for nothing that it does not know", () => {
  expect(world.cloudflare.unknownCalls).toEqual([]);
});
