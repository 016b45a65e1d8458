import { count } from "../../deployments/words.ts";
import { type DoctorCheck, fail, pass } from "../check.ts";
import type { StuckInvocation } from "../facts/restate-facts.ts";

/** Restate's code of a journal that its code does not match. */
const JOURNAL_MISMATCH = "RT0016";

/** Whether invocations wait for somebody to help. */
export const stuckInvocations: DoctorCheck = {
  id: "stuck-invocations",
  group: "Restate",
  about: "no invocation is paused, or met code that its journal does not match",
  run: async (facts) => {
    const [own, stuck] = await Promise.all([facts.app.deployments(), facts.restate.stuck()]);
    const services = new Set(own.flatMap((version) => version.services));
    const found = stuck.filter(({ service }) => services.has(service));
    const [first] = found;
    if (first === undefined) return pass("None");
    const byDeployment = Map.groupBy(found, ({ deploymentId }) => deploymentId ?? "no deployment");
    const told = [...byDeployment].map(([id, invocations]) => `${id}: ${words(invocations)}`);
    const mismatched = found.find(({ code }) => code === JOURNAL_MISMATCH);
    const { id, deploymentId } = mismatched ?? first;
    return fail(
      `${told.join("; ")}. Look at one, and let it go on where its code is right:`,
      `restate-edge-agents journal ${id}`,
      `restate-edge-agents move${deploymentId === undefined ? "" : ` --from ${deploymentId}`} --dry-run`,
    );
  },
};

function words(invocations: readonly StuckInvocation[]): string {
  const mismatched = invocations.filter(({ code }) => code === JOURNAL_MISMATCH).length;
  const paused = invocations.length - mismatched;
  return [
    paused === 0 ? "" : `${count(paused, "invocation")} paused`,
    mismatched === 0 ? "" : `${count(mismatched, "invocation")} with a journal that the code does not match (RT0016)`,
  ]
    .filter((text) => text !== "")
    .join(", ");
}
