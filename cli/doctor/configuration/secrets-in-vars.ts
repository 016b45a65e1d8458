import { isSecretName, isSecretValue } from "../../tool/secrets.ts";
import { type DoctorCheck, fail, pass } from "../check.ts";
import { configName } from "../facts/facts.ts";

/** Forms of secrets whose name says nothing: keys of model providers, of Restate Cloud, of code hosts; JWTs; PEM; URLs. */
const SECRET_FORM =
  /^(sk-|key_[\w-]+\.|gh[pousr]_|github_pat_|xox[abps]-|AKIA[0-9A-Z]{12}|eyJ[\w-]+\.eyJ)|-----BEGIN [A-Z ]*PRIVATE KEY|^https?:\/\/[^/@\s]+:[^/@\s]+@/;
/** A hash is no secret. */
const HARMLESS = /^(sha256:[0-9a-f]{64},?\s*)+$/i;

/** Whether a secret stands in the configuration, where git keeps it and everybody with the dashboard reads it. */
export const secretsInVars: DoctorCheck = {
  id: "secrets-in-vars",
  group: "Project",
  about: "no secret stands in the configuration",
  run: (facts) => {
    const file = configName(facts);
    const names = Object.entries(facts.vars).flatMap(([name, value]) => (isSecret(name, value) ? [name] : []));
    if (names.length === 0) return pass(`[vars] of ${file} has none`);
    return fail(
      `[vars] of ${file} ${names.length === 1 ? "holds what looks like a secret" : "holds what look like secrets"}: ${names.join(", ")}. Take ${names.length === 1 ? "it" : "them"} out, make new ones if this was ever committed, and then:`,
      ...names.map((name) => `npx wrangler versions secret put ${name}`),
      "restate-edge-agents deploy",
    );
  },
};

/** True for a var that has no business in a configuration file. */
export function isSecret(name: string, value: unknown): boolean {
  if (typeof value !== "string" || !isSecretValue(value) || HARMLESS.test(value.trim())) return false;
  return isSecretName(name) || SECRET_FORM.test(value.trim());
}
