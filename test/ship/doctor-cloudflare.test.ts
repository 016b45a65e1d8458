/** `doctor` after a real `deploy` to what looks like Cloudflare, and after somebody changed a secret behind its back. */
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Diagnosis } from "../../cli/doctor/run-checks.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import type { ClerkProject } from "./clerk-project.ts";
import { deploy, tool, type ToolDocument } from "./tool.ts";
import { startWorld, type World } from "./world.ts";
import { wrangler } from "./wrangler.ts";

let world: World;
let project: ClerkProject;
let mainUrl = "";
beforeAll(async () => {
  world = await startWorld();
  project = await world.project("Checkup");
  await project.write("old");
  const { document, log } = await deploy(world, project, ["--secrets-file", world.secretsFile]);
  expect(document, log).toMatchObject({ ok: true });
});
afterAll(async () => {
  await project[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

type Document = ToolDocument & { readonly checks: readonly Diagnosis[] };

async function complaints(): Promise<Readonly<Record<string, string>>> {
  const { document } = await tool<Document>(world, project, ["doctor"]);
  const bad = document.checks.filter(({ status }) => !["pass", "skipped"].includes(status));
  return Object.fromEntries(bad.map(({ id, status, detail, mend = [] }) => [id, [status, detail, ...mend].join(" ")]));
}

test("what deploy leaves is clean, and Cloudflare's word is in it", async () => {
  const { code, document, log } = await tool<Document>(world, project, ["doctor"]);
  mainUrl = document.checks.find(({ id }) => id === "app-reachable")?.detail.split(",")[0] ?? "";
  const statuses = Object.fromEntries(document.checks.map(({ id, status }) => [id, status]));
  expect(
    Object.values(statuses).filter((status) => !["pass", "skipped"].includes(status)),
    log,
  ).toEqual([]);
  expect(code).toBe(0);
  expect(document.checks.find(({ id }) => id === "live-version")?.detail).toMatch(/, as Cloudflare says, too$/);
});

test("required-secrets: one that is declared and was never put", async () => {
  await appendFile(
    join(project.folder, "wrangler.toml"),
    '\n[secrets]\nrequired = ["RESTATE_AUTH_TOKEN", "SMS_KEY"]\n',
  );
  const found = await complaints();
  expect(found["required-secrets"]).toMatch(/has no SMS_KEY\. npx wrangler versions secret put SMS_KEY/);
  expect(Object.keys(found)).toEqual(["required-secrets"]);
});

test("live-version: `wrangler secret put` deployed a version that Restate does not know", async () => {
  const options = { cwd: project.folder, env: world.env, input: "a-secret-value" };
  const { code, log } = await wrangler(["secret", "put", "SMS_KEY"], options);
  expect(code, log).toBe(0);
  // The new version's first request starts it.
  await waitUntil(
    "The new version does not answer",
    async () => (await world.cloudflare.fetch(`${mainUrl}/health`)).ok,
  );
  const found = await complaints();
  expect(found["live-version"]).toMatch(
    /^fail .*wrangler secret put.* behind Restate's back.* restate-edge-agents deploy$/,
  );
  expect(Object.keys(found)).toEqual(["live-version"]);
});
