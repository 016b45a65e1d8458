import { parseIdentityKeys } from "../../src/endpoint/identity-keys.ts";
import type { Settings } from "../settings.ts";
import { type Finding, fail, pass, skip } from "./check.ts";

/** Whether the Restate endpoint knows who may call: without keys it serves nothing but development. */
export function checkIdentity({ ENVIRONMENT, RESTATE_IDENTITY_KEYS }: Settings): Finding {
  let count: number;
  try {
    count = parseIdentityKeys(RESTATE_IDENTITY_KEYS).length;
  } catch {
    return fail("A key in RESTATE_IDENTITY_KEYS is malformed, so nothing is served");
  }
  if (count > 0) return pass(count === 1 ? "1 identity key" : `${count} identity keys`);
  if (ENVIRONMENT === "development") return skip("Development: anyone may call the Restate endpoint");
  return fail("RESTATE_IDENTITY_KEYS is not set, so nothing is served");
}
