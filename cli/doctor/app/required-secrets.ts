import { type DoctorCheck, fail, pass, skip } from "../check.ts";
import { configName } from "../facts/facts.ts";

/** Whether the Worker has the secrets that it declares. */
export const requiredSecrets: DoctorCheck = {
  id: "required-secrets",
  group: "App",
  about: "the Worker has the secrets that its configuration requires",
  timeoutMs: 60_000,
  run: async (facts) => {
    const required = facts.project().worker.requiredSecrets;
    if (required.length === 0) return skip(`${configName(facts)} requires none: [secrets] required = [...]`);
    const known = await facts.cloudflare.secrets();
    const missing = required.filter((name) => !known.includes(name));
    if (missing.length === 0) return pass(required.join(", "));
    return fail(
      `The Worker has no ${missing.join(", no ")}.`,
      ...missing.map((name) => `npx wrangler versions secret put ${name}`),
      "restate-edge-agents deploy",
    );
  },
};
