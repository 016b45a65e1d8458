import { type DoctorCheck, fail, pass, skip } from "../check.ts";
import { isMutable } from "../facts/app-urls.ts";
import { readableSetting } from "../facts/facts.ts";

/** Whether every URL that Restate calls leads to one version for ever. */
export const mutableUrl: DoctorCheck = {
  id: "mutable-url",
  group: "Restate",
  about: "every registered URL leads to one version for ever",
  run: async (facts) => {
    if (readableSetting(facts, "ENVIRONMENT") === "development") return skip("Development: code may change under runs");
    const own = (await facts.app.deployments()).filter(({ deployment }) => deployment.uri !== undefined);
    if (own.length === 0) return skip("No deployment of this app is registered");
    const mutable = own.filter(
      ({ deployment, facts: known, latestOf, pinned }) =>
        isMutable(deployment.uri ?? "", known) && (latestOf.length > 0 || pinned > 0),
    );
    const [first] = mutable;
    if (first === undefined) return pass(own.length === 1 ? "1 deployment" : `${own.length} deployments`);
    const inFlight = mutable.reduce((sum, { pinned }) => sum + pinned, 0);
    return fail(
      `${first.deployment.uri ?? ""} is registered (${first.deployment.id}), where the next deployment replaces the code under runs in flight, ${inFlight} now. Deploy with the tool, which registers each version's own URL, and remove this one when nothing runs on it:`,
      "restate-edge-agents deploy",
      "restate-edge-agents status",
    );
  },
};
