import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { prune } from "../../../cli/commands/prune.ts";
import { FakeAdmin, type FakeDeployment } from "./fake-admin.ts";
import { toolFor } from "./tool-for.ts";

/** A wrangler that notes what it is asked, and refuses what is listed in a file. */
const WRANGLER = `
const { appendFileSync, existsSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const args = process.argv.slice(2);
appendFileSync(join(process.cwd(), "calls"), args.slice(0, 4).join(" ") + "\\n");
const refused = join(process.cwd(), "refused");
if (existsSync(refused) && readFileSync(refused, "utf8").includes(args[0])) {
  console.error("Authentication error");
  process.exit(1);
}
if (args[0] === "versions") console.log("[]");
`;
const CONFIG = "exports.unstable_readConfig = () => ({ name: 'agents', durable_objects: {} });";

let restate: FakeAdmin;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "prune-"));
  const wrangler = join(folder, "node_modules/wrangler");
  await mkdir(join(wrangler, "bin"), { recursive: true });
  await writeFile(join(folder, "wrangler.json"), "{}");
  await writeFile(join(wrangler, "package.json"), JSON.stringify({ name: "wrangler", main: "config.js" }));
  await writeFile(join(wrangler, "config.js"), CONFIG);
  await writeFile(join(wrangler, "bin/wrangler.js"), WRANGLER);
  restate = await FakeAdmin.start();
  restate.deployments = [version("b2", 2), version("a1", 1)];
  restate.latest = "dp_b2";
});
afterEach(async () => {
  await restate[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function version(name: string, registeredAt: number, id = `dp_${name}`): FakeDeployment {
  return { id, facts: { platform: "worker-per-version", version: name, worker: `agents-${name}` }, registeredAt };
}

const calls = async (): Promise<string[]> =>
  (await readFile(join(folder, "calls"), "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
const run = (cwd = folder) => prune.run(toolFor(restate, cwd), { app: "agents", keep: "0" }, []);

test("the Worker of a version goes with it, once it is known that wrangler can be used", async () => {
  const { deployments } = await run();
  expect(deployments[1]).toMatchObject({ outcome: "removed", worker: "agents-a1", reason: "drained" });
  expect(await calls()).toEqual(["versions list --name agents-a1", "delete --name agents-a1 --force"]);
});

test("Restate forgets no version whose Worker cannot be removed, for wrangler cannot be used", async () => {
  await writeFile(join(folder, "refused"), "versions delete");
  const { deployments } = await run();
  expect(deployments[1]).toMatchObject({
    outcome: "failed",
    reason: expect.stringContaining("Cannot run wrangler versions list") as string,
  });
  expect(restate.removed).toEqual([]);
});

test("nor one where there is no project", async () => {
  const { deployments } = await run(join(folder, "node_modules"));
  expect(deployments[1]).toMatchObject({ outcome: "failed", reason: expect.stringContaining("Cannot find") as string });
  expect(restate.removed).toEqual([]);
});

test("a Worker that could not be removed after all is told, with the command that does", async () => {
  await writeFile(join(folder, "refused"), "delete");
  const { deployments } = await run();
  expect(deployments[1]).toMatchObject({
    outcome: "worker-left",
    reason: expect.stringContaining("wrangler delete --name agents-a1 --force") as string,
  });
});

test("a Worker stays whose code was deployed again while its version was removed", async () => {
  restate.onRemoved = () => {
    restate.deployments = [version("a1", 3, "dp_again"), ...restate.deployments];
  };
  const { deployments } = await run();
  expect(restate.removed).toEqual(["dp_a1"]);
  expect(deployments[1]).toMatchObject({
    outcome: "removed",
    reason: "drained; its Worker stays, dp_again has the same",
  });
  expect(await calls()).toEqual(["versions list --name agents-a1"]);
});
