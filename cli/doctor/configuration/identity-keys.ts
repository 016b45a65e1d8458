import { EdgeAgentError } from "../../../src/errors/edge-agent-error.ts";
import { parseIdentityKeys } from "../../../src/endpoint/identity-keys.ts";
import { type DoctorCheck, fail, type Finding, pass, skip } from "../check.ts";
import { configLines, type Facts, maybe, placeOf, readableSetting } from "../facts/facts.ts";

const NAME = "RESTATE_IDENTITY_KEYS";
const WHERE = "Restate Cloud shows the key under Developers, Security, HTTP services; it is public.";

/** Whether only our Restate may call the app, and may. */
export const identityKeys: DoctorCheck = {
  id: "identity-keys",
  group: "Project",
  about: "only this Restate may call the app",
  run: async (facts) => {
    const setting = readableSetting(facts, NAME);
    const malformed = malformedIn(setting);
    if (malformed !== undefined) return fail(malformed, lineFor(facts), WHERE);
    if (readableSetting(facts, "ENVIRONMENT") === "development") {
      return fail(
        `ENVIRONMENT is "development" in ${placeOf(facts)}, so anyone may run any handler of what is deployed.`,
        facts.hasProject
          ? `${configLines(facts, { ENVIRONMENT: "production" }).join("")}   # "development" belongs into .dev.vars`
          : "ENVIRONMENT=production",
      );
    }
    return (await refused(facts)) ?? (await judge(facts, setting));
  },
};

/** What the app itself says of its keys; they may be a secret, and what is deployed may be older than the project. */
async function judge(facts: Facts, setting: string | undefined): Promise<Finding> {
  const count = setting === undefined ? 0 : parseIdentityKeys(setting).length;
  const ready = await maybe(facts.app.ready());
  const own = ready?.find(({ name }) => name === "identity-keys");
  if (own?.status === "fail") {
    if (count === 0) return missing(facts, `The app says: ${own.detail}.`);
    const mend = facts.hasProject ? "restate-edge-agents deploy" : "Start the app with these settings again";
    return fail(`${NAME} is set here, but the running app says: ${own.detail}.`, mend);
  }
  if (own?.status === "skip") {
    return fail(
      "The app runs as development, so anyone may run any handler of it; that is for your own machine only.",
      `Deploy it without ENVIRONMENT=development, and with ${NAME}`,
      WHERE,
    );
  }
  if (own?.status === "pass") return pass(`${own.detail}, and Restate's requests are accepted`);
  if (count > 0) return pass(count === 1 ? "1 identity key" : `${count} identity keys`);
  if (!facts.hasProject) return skip(`${NAME} is not in this environment, and the app does not answer`);
  if (facts.project().worker.requiredSecrets.includes(NAME)) return skip(`${NAME} is a secret, which cannot be read`);
  return missing(facts, `${NAME} is not set in ${placeOf(facts)}.`);
}

function missing(facts: Facts, found: string): Finding {
  return fail(`${found} Without a key the Worker serves Restate nothing.`, lineFor(facts), WHERE);
}

/** A key that is not this Restate's shows when Restate asks. */
async function refused(facts: Facts): Promise<Finding | undefined> {
  const discovery = await maybe(facts.app.discovery());
  if (discovery?.kind !== "failed" || !/'401 /.test(discovery.reason)) return undefined;
  return fail(
    "The app refuses this Restate's requests (401): its identity keys are those of another environment, or this Restate does not sign.",
    lineFor(facts),
    WHERE,
  );
}

function malformedIn(setting: string | undefined): string | undefined {
  try {
    parseIdentityKeys(setting);
    return undefined;
  } catch (error) {
    if (EdgeAgentError.isInstance(error)) return `${error.message}.`;
    throw error;
  }
}

function lineFor(facts: Facts): string {
  if (!facts.hasProject) return `${NAME}=publickeyv1_…`;
  const [line = ""] = configLines(facts, { [NAME]: "publickeyv1_…" });
  return `${line}   # in ${placeOf(facts)}, then deploy`;
}
