import { type DoctorCheck, fail, pass } from "../check.ts";
import { jsonOf } from "../../http/probe.ts";

/** Whether the app answers at its main URL. */
export const appReachable: DoctorCheck = {
  id: "app-reachable",
  group: "App",
  about: "the app answers at its main URL",
  run: async (facts) => {
    const url = await facts.app.url();
    const found = await facts.app.healthProbe();
    if (found.kind === "unanswered") {
      return fail(
        `${url} does not answer: ${found.detail}.`,
        `curl -iv ${url}/health`,
        "restate-edge-agents deploy   # if it was never deployed",
      );
    }
    const health = found.status === 200 ? jsonOf(found) : undefined;
    if (health?.["status"] !== "ok" || !("version" in health)) {
      return fail(
        `What answers at ${url}/health (${found.status}) is no app of restate-edge-agents.`,
        `Pass the app's address: restate-edge-agents doctor --url https://…`,
      );
    }
    return pass(`${url}, ${String(health["name"])}`);
  },
};
