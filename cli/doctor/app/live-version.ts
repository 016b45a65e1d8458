import { versionTagOf } from "../../../routes/readiness/version-tag.ts";
import { shortVersion } from "../../deployments/words.ts";
import { type DoctorCheck, fail, type Finding, NotKnown, pass, skip } from "../check.ts";
import { versionInPath } from "../facts/app-urls.ts";
import { type Facts, maybe } from "../facts/facts.ts";
import type { ActiveDeployment } from "../facts/cloudflare-facts.ts";

/** Whether the version that users see is the one that Restate sends new runs to. */
export const liveVersion: DoctorCheck = {
  id: "live-version",
  group: "App",
  about: "the main URL serves the version that is the latest in Restate",
  // It asks wrangler.
  timeoutMs: 60_000,
  run: async (facts) => {
    const latest = await latestVersion(facts);
    const [live, active] = await Promise.all([maybe(facts.app.version()), maybe(facts.cloudflare.activeDeployment())]);
    const atCloudflare = active?.versions.filter(({ percentage }) => percentage > 0).map(({ id }) => id) ?? [];
    const other = [...(typeof live === "string" ? [live] : []), ...atCloudflare].find((version) => version !== latest);
    if (other !== undefined) return drifted(latest, other, active);
    if (live === null) return skip("The app at the main URL does not know its version: see `version-metadata`");
    if (live === undefined && active === undefined)
      return skip("Neither the app nor Cloudflare tells: see `app-reachable`");
    return pass(`${shortVersion(latest)}${active === undefined ? "" : ", as Cloudflare says, too"}`);
  },
};

/** The version that most of the app's services have as their latest. @throws NotKnown */
export async function latestVersion(facts: Facts): Promise<string> {
  const [own, services] = await Promise.all([facts.app.deployments(), facts.restate.services()]);
  const [most] = own
    .filter(({ latestOf }) => latestOf.length > 0)
    .toSorted((a, b) => b.latestOf.length - a.latestOf.length);
  if (most === undefined) throw new NotKnown("Nothing of this app is registered: see `registered-services`");
  const tag = services.find(
    ({ deploymentId, metadata }) => deploymentId === most.deployment.id && versionTagOf(metadata),
  );
  const version = most.facts?.version ?? versionInPath(most.deployment.uri ?? "") ?? versionTagOf(tag?.metadata);
  if (version === undefined) throw new NotKnown("Restate was not told which version is registered");
  return version;
}

function drifted(latest: string, live: string, active: ActiveDeployment | undefined): Finding {
  const bySecret = active?.triggeredBy === "secret" && active.versions.some(({ id }) => id === live);
  const how = bySecret
    ? " A secret that was put with `wrangler secret put` made it: that deploys at once, behind Restate's back; `wrangler versions secret put` does not."
    : " It was deployed without this tool, such as by `wrangler deploy` or `wrangler secret put`.";
  return fail(
    `The main URL serves version ${shortVersion(live)}, and Restate sends new runs to ${shortVersion(latest)}.${how} Deploy, so that they are one again:`,
    "restate-edge-agents deploy",
  );
}
