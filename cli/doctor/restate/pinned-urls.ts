import { versionTagOf } from "../../../routes/readiness/version-tag.ts";
import type { Service } from "../../../src/admin/index.ts";
import type { RegisteredVersion } from "../../deployments/registered.ts";
import { versionHealth } from "../../deployments/version-health.ts";
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
  const expected = known?.version ?? versionInPath(uri);
  const discovery = await facts.restate.discover(uri, deployment);
  if (discovery.kind === "failed") {
    const status = /status code '(\d{3})/.exec(discovery.reason)?.[1];
    if (status === "401") return undefined;
    if (status === undefined) return "is gone: Restate cannot reach it";
    const { headers } = deployment;
    const health = await versionHealth(uri, { expected, headers, signal: facts.tool.signal, timeoutMs: 5_000 });
    return health.state === "other-version" ? served(health.version, expected) : `answers Restate with ${status}`;
  }
  const tag = tagOf(discovery.services);
  return served(tag, expected ?? tagOf(await facts.restate.servicesOf(id)));
}

function served(version: string | undefined, expected: string | undefined): string | undefined {
  if (expected === undefined || version === undefined || version === expected) return undefined;
  return `serves version ${shortVersion(version)} instead of ${shortVersion(expected)}`;
}

function tagOf(services: readonly Service[]): string | undefined {
  return services.map(({ metadata }) => versionTagOf(metadata)).find((tag) => tag !== undefined);
}

async function isAppDown(facts: Facts, uri: string): Promise<boolean> {
  const url = await maybe(facts.app.url());
  if (url === undefined || new URL(url).host !== new URL(uri).host) return false;
  const health = await maybe(facts.app.healthProbe());
  return health?.kind === "unanswered";
}
