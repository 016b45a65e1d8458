import { type DoctorCheck, fail, type Finding, NotKnown, pass } from "../check.ts";
import type { Facts } from "../facts/facts.ts";
import type { Door } from "../facts/restate-facts.ts";

const NEW_KEY = "Make an API key with the role Admin in Restate Cloud under Developers, API Keys, and then:";
const EXPORT = "export RESTATE_AUTH_TOKEN=key_…";

/** Whether Restate accepts the token, at both doors. */
export const token: DoctorCheck = {
  id: "token",
  group: "Restate",
  about: "Restate accepts RESTATE_AUTH_TOKEN",
  run: async (facts) => {
    const [admin, ingress] = await Promise.all([statusOf(facts, "admin"), statusOf(facts, "ingress")]);
    const has = facts.restate.settings().token !== undefined;
    const statuses = [admin, ingress].filter((status) => status !== undefined);
    if (statuses.length === 0) throw new NotKnown("Restate does not answer: see `restate-reachable`");
    if (statuses.includes(401)) return refused(has);
    if (admin === 403 && ingress !== 403) {
      return fail(
        "RESTATE_AUTH_TOKEN may invoke services and not use the Admin API (403): its role is too small for deployments.",
        NEW_KEY,
        EXPORT,
      );
    }
    if (statuses.includes(403)) return fail("The role of RESTATE_AUTH_TOKEN is too small (403).", NEW_KEY, EXPORT);
    return pass(has ? "Accepted by both" : "Restate asks for none");
  },
};

async function statusOf(facts: Facts, door: Door): Promise<number | undefined> {
  const found = await facts.restate.probe(door);
  return found.kind === "answered" ? found.status : undefined;
}

function refused(has: boolean): Finding {
  if (!has) return fail("RESTATE_AUTH_TOKEN is not set, and Restate asks for a token (401).", NEW_KEY, EXPORT);
  return fail(
    "Restate does not accept RESTATE_AUTH_TOKEN (401): it is of another environment, or was revoked.",
    NEW_KEY,
    EXPORT,
  );
}
