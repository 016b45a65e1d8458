import { versionTagOf } from "../../../routes/readiness/version-tag.ts";
import type { RegisteredVersion } from "../../deployments/registered.ts";
import { count, shortVersion } from "../../deployments/words.ts";
import { type DoctorCheck, fail, pass, skip } from "../check.ts";
import { versionInPath } from "../facts/app-urls.ts";
import { type Facts, maybe } from "../facts/facts.ts";

/** More than these are not asked. */
const MAX_ASKED = 12;

/** Whether the code that runs in flight need is still where they look for it. */
export const pinnedUrls: DoctorCheck = {
  id: "pinned-urls",
  group: "Restate",
  about: "every version that is needed still answers at its URL",
  timeoutMs: 60_000,
  run: async (facts) => {
    const needed = (await facts.app.deployments()).filter(
      ({ deployment, latestOf, pinned }) => deployment.uri !== undefined && (pinned > 0 || latestOf.length > 0),
    );
    if (needed.length === 0) return skip("No deployment of this app is needed");
    const asked = needed.toSorted((a, b) => b.pinned - a.pinned).slice(0, MAX_ASKED);
    const found = await Promise.all(
      asked.map(async (version) => ({ version, problem: await problemOf(facts, version) })),
    );
    const bad = found.filter(({ problem }) => problem !== undefined);
    const [first] = bad;
    if (first === undefined) return pass(`${count(asked.length, "URL")} asked by Restate`);
    const told = bad.map(({ version: { deployment, pinned, latestOf }, problem = "" }) => {
      const runs = pinned > 0 ? `${count(pinned, "invocation")} pinned` : `latest of ${latestOf.join(", ")}`;
      return `${deployment.id} (${deployment.uri ?? ""}, ${runs}) ${problem}`;
    });
    return fail(
      `${told.join("; ")}. Its invocations wait, and are not lost. Serve that version there again, or move them to a newer one that can go on with their journals:`,
      `restate-edge-agents move --from ${first.version.deployment.id} --dry-run`,
    );
  },
};

/** What is wrong with a deployment's URL, as Restate sees it. What other checks tell is nothing here. */
async function problemOf(facts: Facts, { deployment, facts: known }: RegisteredVersion): Promise<string | undefined> {
  const { uri = "", id } = deployment;
  if (await isAppDown(facts, uri)) return undefined;
  const discovery = await facts.restate.discover(uri, deployment);
  if (discovery.kind === "failed") {
    if (/'401 /.test(discovery.reason)) return undefined;
    if (/version-mismatch|'503 /.test(discovery.reason)) return "serves another version (503)";
    const status = /status code '(\d{3})/.exec(discovery.reason)?.[1];
    if (status !== undefined) return `answers Restate with ${status}`;
    return "is gone: Restate cannot reach it";
  }
  const registered = await facts.restate.servicesOf(id);
  const tags = registered.map(({ metadata }) => versionTagOf(metadata)).filter((tag) => tag !== undefined);
  const expected = known?.version ?? versionInPath(uri) ?? tags[0];
  const served = discovery.services.map(({ metadata }) => versionTagOf(metadata)).find((tag) => tag !== undefined);
  if (expected === undefined || served === undefined || served === expected) return undefined;
  return `serves version ${shortVersion(served)} instead of ${shortVersion(expected)}`;
}

async function isAppDown(facts: Facts, uri: string): Promise<boolean> {
  const url = await maybe(facts.app.url());
  if (url === undefined || new URL(url).host !== new URL(uri).host) return false;
  const health = await maybe(facts.app.healthProbe());
  return health?.kind === "unanswered";
}
