import { type DoctorCheck, pass, warn } from "../check.ts";
import { configLines, configName } from "../facts/facts.ts";

/** Whether the Worker's logs are kept. */
export const observability: DoctorCheck = {
  id: "observability",
  group: "Project",
  about: "the Worker's logs are kept",
  run: (facts) => {
    if (facts.project().worker.observability === true) return pass("Workers Logs are on");
    return warn(
      `In ${configName(facts)} observability is not on: nobody can read later why a run failed.`,
      ...configLines(facts, { observability: { enabled: true } }),
    );
  },
};
